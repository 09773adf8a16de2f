"""Parts and the split above: sums, roles and shares mean what they say, and plans under them are the best there are."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.config.grid import Grid
from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.batch.grid import plan_grid
from engine.optimize.budgets.balance import balances
from engine.optimize.plan import by_draw, optimize
from engine.optimize.plan_file import plan_document
from engine.optimize.rules import broken
from engine.optimize.share_rules import strategy_rules
from engine.report.answer import plan_text
from engine.response.curves import Family

GEOS = {"north": 0.7, "south": 0.3}  # and what of a channel's effect and spend is there


def in_parts(one, shares):
    """The parts of a channel, each with its share of ceiling, of the money at half of it, and of history."""
    known = one.saturation.parameters
    for geo, share in shares.items():
        curve = Family(
            one.saturation.name,
            {name: values * (share if name in ("ceiling", "halfway") else 1.0) for name, values in known.items()},
        )
        history = replace(one.history, mean=one.history.mean * share, max=one.history.max * share)
        yield replace(one, name=f"{one.name}/{geo}", part_of=one.name, geo=geo, saturation=curve, history=history)


def by_geo(make, seed, count=2, slope=(0.6, 3.0), draws=3):
    """Channels with a part in the north and a stronger one in the south."""
    held = make.random_curves(np.random.default_rng(seed), count, draws=draws, slope=slope)
    return make.curves(*(part for one in held.channels for part in in_parts(one, GEOS)))


def by_quarter(text):
    return parse(
        'name = "x"\nhorizon = { start = 2027-01-04, periods = 52, decide = "quarter" }\n' + text, Scenario, "q.toml"
    )


ROLES = '[roles]\nbrand = ["c0"]\nactivation = ["c1"]\n'
# rules over cells c0/north, c0/south, c1/north, c1/south, and what they mean, by hand, for a spend of 100 in all
MEANINGS = {
    "a cap of a channel": ("[channels.c0]\ncap = 30\n", lambda a, b, c, d: a + b <= 30),
    "a floor of a channel": ("[channels.c1]\nfloor = 55\n", lambda a, b, c, d: c + d >= 55),
    "a channel locked": ("[channels.c1]\nlocked = 40\n", lambda a, b, c, d: c + d == 40),
    "a channel capped within the cap of a role, and a floor of both": (
        ROLES.replace('"c0"]', '"c0", "c1/north"]').replace('["c1"]', '["c1/south"]')
        + "[strategy]\nroles = { brand = 0.8, activation = 0.2 }\n[channels.c0]\ncap = 40\nfloor = 35\n",
        lambda a, b, c, d: a + b + c == 80 and 35 <= a + b <= 40,
    ),
    "a part locked inside a capped channel": (
        '[channels.c0]\ncap = 60\n[channels."c0/north"]\nlocked = 5\n',
        lambda a, b, c, d: a + b <= 60 and a == 5,
    ),
    "every entry": ("[every_channel]\ncap = 35\n", lambda a, b, c, d: max(a, b, c, d) <= 35),
    "every entry but those of a named channel": (
        "[every_channel]\ncap = 30\n[channels.c0]\nfloor = 0\n",
        lambda a, b, c, d: max(c, d) <= 30,
    ),
    "a group of a geo": ('[groups.g]\ngeos = ["south"]\nshare = { min = 0.55 }\n', lambda a, b, c, d: b + d >= 55),
    "a group of kind and geo": (
        '[groups.g]\nkinds = ["paid"]\ngeos = ["south"]\nfloor = 45\n',
        lambda a, b, c, d: b >= 45,
    ),
    "a group of role and channel": (
        ROLES + '[groups.g]\nroles = ["brand"]\nchannels = ["c0/south", "c1"]\ncap = 10\n',
        lambda a, b, c, d: b <= 10,
    ),
    "roles fixed": (
        ROLES + "[strategy]\nroles = { brand = 0.35, activation = 0.65 }\n",
        lambda a, b, c, d: a + b == 35,
    ),
    "roles within bounds": (ROLES + "[strategy]\nroles = { brand = { max = 0.25 } }\n", lambda a, b, c, d: a + b <= 25),
    "geos fixed above roles": (
        ROLES + "[strategy]\ngeos = { north = 0.5 }\nroles = { activation = { min = 0.6 } }\n",
        lambda a, b, c, d: a + c == 50 and c + d >= 60,
    ),
    "kinds fixed above a capped channel": (
        "[strategy]\nkinds = { earned = 0.6 }\n[channels.c1]\ncap = 60\n[channels.c0]\nfloor = 40\n",
        lambda a, b, c, d: c + d == 60,
    ),
}
GRID = [tuple(5.0 * part for part in spend) for spend in itertools.product(range(21), repeat=4) if sum(spend) == 20]


@pytest.mark.parametrize(("rules", "holds"), MEANINGS.values(), ids=MEANINGS)
def test_two_channels_in_two_geos_are_planned_better_than_any_plan_of_a_grid(make, rules, holds):
    held, asked = by_geo(make, 4), make.scenario("budget = { total = 100 }\n" + rules)
    problem = make.problem_of(held, asked)
    assert all(holds(*spend) == (broken(problem, np.array(spend)) == []) for spend in GRID)
    values = {}
    for at, money in itertools.product(range(4), range(0, 101, 5)):
        values[at, float(money)] = make.worth(make.curves(held.channels[at]), [float(money)])
    best = max(sum(values[at, money] for at, money in enumerate(spend)) for spend in GRID if holds(*spend))
    plan = optimize(held, asked, priced=False)
    assert plan.certified
    assert plan.chosen.value.mean == pytest.approx(make.worth(held, plan.chosen.spend), rel=1e-9)
    assert best * (1 - 1e-3) <= plan.chosen.value.mean <= plan.bound
    assert best <= plan.bound * (1 + 1e-12)
    assert broken(problem, plan.cells) == []


@pytest.mark.parametrize(
    "rules", ["", "[channels.c1]\ncap = 20\n", "[channels.c1]\nrelative = { min = 1.4, max = 1.6 }\n"]
)
def test_a_channel_in_two_identical_geos_earns_what_it_earned_whole(make, rules):
    held = make.random_curves(np.random.default_rng(8), 3, slope=(0.5, 0.95))
    parts = tuple(in_parts(held.channels[1], {"east": 0.5, "west": 0.5}))
    apart = make.curves(held.channels[0], *parts, held.channels[2])
    asked = make.scenario("budget = { total = 150 }\n" + rules)
    one, two = optimize(held, asked, priced=False), optimize(apart, asked, priced=False)
    assert two.chosen.value.mean == pytest.approx(one.chosen.value.mean, rel=1e-6)
    assert two.chosen.spend[1] + two.chosen.spend[2] == pytest.approx(one.chosen.spend[1], abs=0.05)
    assert two.baseline.value.mean == pytest.approx(one.baseline.value.mean, rel=1e-9)


OVER_TIME = {
    "floor": "floor = 500",
    "cap": "cap = 300",
    "locked": "locked = 420",
    "relative": "relative = { min = 1.3, max = 1.4 }",
    "quarter_floor": "quarter_floor = 110",
    "quarter_cap": "quarter_cap = 70",
    "committed": "committed = [300, 0, 200]",
    "max_change": "max_change = 0.05\ncommitted = [230]",
    "flight": "flight = { from = 2027-07-01 }",
    "flighting": "flighting = { on = 4, off = 8 }",
}


@pytest.mark.parametrize("rule", OVER_TIME.values(), ids=OVER_TIME)
def test_every_rule_of_a_whole_with_one_part_is_that_rule_of_the_part(make, rule):
    """What holds for the sum of one part must be what holds for the part."""
    held = make.random_curves(np.random.default_rng(1), 2, draws=2, slope=(0.5, 0.9))
    part = replace(held.channels[0], name="c0/all", part_of="c0")
    apart = make.curves(part, held.channels[1])
    asked = by_quarter("budget = { total = 900 }\n[channels.c0]\n" + rule + "\n[ramp]\nmax_change = 0.5\n")
    one, two = optimize(held, asked, priced=False), optimize(apart, asked, priced=False)
    assert two.chosen.value.mean == pytest.approx(one.chosen.value.mean, rel=1e-9)
    assert two.cells == pytest.approx(one.cells, rel=1e-9, abs=1e-6)
    named = {name.replace("c0/all", "c0") for name in two.binding}
    assert named == set(one.binding)


def test_a_quarter_cap_of_a_whole_holds_for_its_parts_together_in_each_quarter(make):
    held = by_geo(make, 2, slope=(0.5, 0.9))
    asked = by_quarter("budget = { total = 900 }\n[channels.c0]\nquarter_cap = 60\nmax_change = 0.1\n")
    plan = optimize(held, asked, priced=False)
    quarters = np.array(plan.chosen.decided)[:, :2].sum(axis=1)
    assert len(quarters) == 4
    assert quarters.max() <= 60 * (1 + 1e-7)
    assert np.all(np.abs(np.diff(quarters)) <= 0.1 * quarters[:-1] + 1e-6)


@pytest.mark.parametrize("slope", [(0.5, 0.9), (0.6, 3.0)])
def test_a_fixed_split_is_filled_as_if_each_side_were_planned_alone(make, slope):
    held = by_geo(make, 6, count=4, slope=slope)
    roles = '[roles]\nbrand = ["c0", "c1"]\nactivation = ["c2", "c3"]\n'
    asked = make.scenario(
        "budget = { total = 300 }\n" + roles + "[strategy]\nroles = { brand = 0.6, activation = 0.4 }\n"
    )
    both = optimize(held, asked, priced=False)
    sides = [
        optimize(make.curves(*some), make.scenario(f"budget = {{ total = {money} }}\n"), priced=False)
        for some, money in ((held.channels[:4], 180.0), (held.channels[4:], 120.0))
    ]
    assert both.certified
    alone = sum(side.chosen.value.mean for side in sides)
    assert both.chosen.value.mean == pytest.approx(alone, rel=1e-3)
    assert alone <= both.bound * (1 + 1e-12)
    assert both.chosen.value.mean <= sum(side.bound for side in sides) * (1 + 1e-12)


def test_to_fix_a_split_costs_what_the_plan_without_it_earns_more(make):
    held, head = by_geo(make, 6, count=4), "budget = { total = 300 }\n"
    roles = '[roles]\nbrand = ["c0", "c1"]\nactivation = ["c2", "c3"]\n'
    free = optimize(held, make.scenario(head + roles))
    assert free.fixing is None
    share = next(level.share for level in free.above if level.name == "brand")
    costs = []
    for brand in (share, share + 0.1, share + 0.2):
        text = f"[strategy]\nroles = {{ brand = {brand!r} }}\n"
        plan = optimize(held, make.scenario(head + roles + text))
        assert plan.fixing.gain == pytest.approx(free.chosen.value.mean - plan.chosen.value.mean, abs=1e-3 * free.bound)
        told = {level.name: level for level in plan.above if level.of == "role"}
        assert told["brand"].share == pytest.approx(brand, abs=1e-6)
        assert told["brand"].asked == (brand, brand)
        assert told["brand"].free == pytest.approx(share, abs=0.02)
        assert plan.fixing.net == pytest.approx(plan.fixing.gain)
        costs.append(plan.fixing.gain)
    assert costs[0] == pytest.approx(0.0, abs=1e-3 * free.bound)
    assert costs[1] < costs[2]


def test_levels_add_up_to_the_plan_along_every_axis(make):
    held = by_geo(make, 3, count=3)
    held = make.curves(*held.channels, replace(make.channel("radio", [90.0, 100.0, 110.0], kind="owned"), role="brand"))
    asked = make.scenario("budget = { total = 200 }\n" + ROLES)
    plan = optimize(held, asked)
    outcome = by_draw(make.problem_of(held, asked), plan.cells)[0]
    for of in ("role", "kind", "geo"):
        told = [level for level in plan.above if level.of == of]
        assert sum(level.spend for level in told) == pytest.approx(plan.spend)
        assert sum(level.share for level in told) == pytest.approx(1.0)
        assert sum(level.baseline for level in told) == pytest.approx(sum(plan.baseline.spend))
        assert sum(level.outcome.mean for level in told) == pytest.approx(plan.chosen.outcome.mean)
        assert sorted(name for level in told for name in level.members) == sorted(held.names)
    names = {of: [level.name for level in plan.above if level.of == of] for of in ("role", "geo", "channel", "segment")}
    assert names == {
        "role": ["brand", "activation", None],
        "geo": ["north", "south", None],
        "channel": ["c0", "c1", "c2"],
        "segment": [],
    }
    whole = next(level for level in plan.above if level.of == "channel" and level.name == "c1")
    assert whole.outcome.p05 == pytest.approx(np.quantile(outcome[2:4].sum(axis=0), 0.05))


def test_a_role_in_the_scenario_counts_before_one_in_the_curves_and_a_part_before_its_whole(make):
    held = by_geo(make, 3)
    held = make.curves(*(replace(one, role="brand") for one in held.channels))
    asked = make.scenario(
        'budget = { total = 100 }\n[roles]\nbrand = ["c0/south"]\nactivation = ["c0"]\n', name="roles"
    )
    assert [line.role for line in optimize(held, asked).lines] == ["activation", "brand", "brand", "brand"]


def test_the_last_share_of_a_settled_split_has_no_rule_of_its_own(make):
    held = by_geo(make, 3)
    for text, wanted in (
        ("roles = { brand = 0.6, activation = 0.4 }", ["share of role brand"]),
        ("roles = { brand = 0.6 }", ["share of role brand"]),
        (
            "roles = { brand = 0.6, activation = { min = 0.2 } }",
            ["share of role brand", "least share of role activation"],
        ),
        ("geos = { north = { min = 0.2, max = 0.5 } }", ["least share of geo north", "most share of geo north"]),
    ):
        asked = make.scenario("budget = { total = 100 }\n" + ROLES + f"[strategy]\n{text}\n")
        budget = make.problem_of(held, asked).budget
        assert [rule.name for rule in strategy_rules(held, asked, budget)] == wanted


def test_a_fixed_share_of_a_budget_with_money_left_over_is_a_share_of_what_is_spent(make):
    held = by_geo(make, 5)
    head = 'budget = { at_most = 400 }\ngoal = { maximise = "profit", margin = 0.9 }\n' + ROLES
    plan = optimize(held, make.scenario(head + "[strategy]\nroles = { brand = 0.25, activation = 0.75 }\n"))
    assert 0 < plan.spend < 400
    assert sum(plan.chosen.spend[:2]) == pytest.approx(0.25 * plan.spend, abs=1e-5 * plan.spend)
    assert plan.certified


SHOCKED = '[[shocks]]\nkind = "{}"\nchannels = {}\nfactor = {}\n'


@pytest.mark.parametrize("kind", ["price", "effectiveness"])
def test_a_shock_on_a_whole_is_one_on_each_of_its_parts(make, kind):
    held, head = by_geo(make, 3), "budget = { total = 100 }\n"
    plans = [
        optimize(held, make.scenario(head + SHOCKED.format(kind, names, 1.5)), priced=False)
        for names in ('["c0"]', '["c0/north", "c0/south"]')
    ]
    assert plans[0].chosen == plans[1].chosen


def test_a_grid_varies_a_whole_as_it_varies_its_parts_together(make):
    held, question = by_geo(make, 3), make.scenario("budget = { total = 100 }\n")
    grids = [
        Grid.model_validate({"rows": ({"name": "dear", "price": dict.fromkeys(names, 1.2)},)})
        for names in (["c0"], ["c0/north", "c0/south"])
    ]
    one, two = (plan_grid(held, question, grid).batch for grid in grids)
    assert one.spend == pytest.approx(two.spend)
    assert one.value[1] < one.value[0]


def test_a_balance_against_a_side_whose_money_is_fixed_is_refused_by_the_rule_that_fixes_it(make):
    held, head = by_geo(make, 3), "budget = { total = 100 }\n" + ROLES
    fixed = make.scenario(head + "[strategy]\nroles = { brand = 0.6, activation = 0.4 }\n")
    for group in ("brand", "activation", "c0"):
        with pytest.raises(InputError, match=f"share of role brand fixes the money of '{group}'"):
            balances(held, fixed, group, 3, 100.0)
    told = balances(held, make.scenario(head), "c0", 3, 100.0)
    assert told.members == ("c0/north", "c0/south")
    assert [point.money for point in told.points] == sorted(point.money for point in told.points)


REFUSED = {
    "an unknown geo": ('[groups.g]\ngeos = ["nort"]\n', ["groups.g names the geo 'nort'", "north, south"]),
    "an unknown segment": ("[strategy]\nsegments = { young = 0.5 }\n", ["the segment 'young'", "none"]),
    "a role that nobody has": ("[strategy]\nroles = { brand = 0.5 }\n", ["the role 'brand'", "[roles]"]),
    "roles for nobody": ('[roles]\nbrand = ["c9"]\n', ["roles.brand names 'c9'", "c0/north", "c0, c1"]),
    "sorts that nobody is of": (
        ROLES + '[groups.g]\nkinds = ["earned"]\nroles = ["brand"]\n',
        ["groups.g holds no channel", "earned and brand"],
    ),
    "a flight of a sum": ("[channels.c0]\nminimum_flight = 9\n", ["channels.c0.minimum_flight", "c0/north, c0/south"]),
    "all for some": ("[strategy]\nkinds = { paid = 1 }\n", ["strategy.kinds gives all the money to paid", "c1/north"]),
}


@pytest.mark.parametrize(("rules", "words"), REFUSED.values(), ids=REFUSED)
def test_what_no_entry_is_or_can_be_asked_is_refused_in_a_sentence(make, rules, words):
    with pytest.raises(InputError) as refusal:
        make.problem(by_geo(make, 3), "budget = { total = 100 }\n" + rules)
    assert [word for word in ["'x'", *words] if word not in str(refusal.value)] == []


CLASHES = {
    "with the cap of a whole": (
        ROLES + "[strategy]\nroles = { brand = 0.6 }\n[channels.c0]\ncap = 50\n",
        [
            "share of role brand = USD 60 (60.0 % of all spend)",
            "cap of c0 <= USD 50",
            "raise cap of c0 by USD 10 to USD 60",
        ],
        "(50 % of all spend)",
    ),
    "with another axis": (
        "[strategy]\nkinds = { paid = 0.7 }\ngeos = { north = 0.8 }\n[channels.'c0/north']\ncap = 40\n",
        ["share of kind paid = USD 70", "share of geo north = USD 80", "cap of c0/north <= USD 40"],
        "",
    ),
}


@pytest.mark.parametrize(("rules", "words", "eased"), CLASHES.values(), ids=CLASHES)
def test_a_split_that_cannot_be_filled_is_told_with_the_rules_in_its_way(make, rules, words, eased):
    held = by_geo(make, 3)
    if not eased:
        rules += "[channels.'c1/north']\ncap = 20\n"
        words = [word for word in words if "kind" not in word] + ["cap of c1/north <= USD 20"]
    with pytest.raises(InfeasibleError) as refusal:
        optimize(held, make.scenario("budget = { total = 100 }\n" + rules))
    assert [word for word in [*words, eased] if word not in str(refusal.value)] == []


def test_a_soft_split_gives_way_by_no_more_than_is_needed(make):
    rules = ROLES + "[strategy]\nroles = { brand = 0.6, activation = 0.4 }\n[channels.c0]\ncap = 50\n"
    plan = optimize(
        by_geo(make, 3), make.scenario("budget = { total = 100 }\n" + rules + '[soft]\n"share of role" = 1\n')
    )
    assert sum(plan.chosen.spend[:2]) == pytest.approx(50.0)
    assert any("share of role brand" in warning for warning in plan.warnings)


def test_a_plan_shows_parts_under_their_channel_and_the_split_above_first(make):
    held = by_geo(make, 3)
    rules = ROLES + "[strategy]\nroles = { brand = 0.6, activation = 0.4 }\n"
    plan = optimize(held, make.scenario("budget = { total = 100 }\n" + rules))
    lines = plan_text(plan).splitlines()
    first = {line.split("  ")[0]: at for at, line in enumerate(lines)}
    assert first["role brand"] < first["role activation"] < first["geo north"] < first["channel"]
    starts = [line[:10].rstrip() for line in lines[first["channel"] + 1 : first["channel"] + 7]]
    assert starts == ["c0", "  c0/north", "  c0/south", "c1", "  c1/north", "  c1/south"]
    told = next(line for line in lines if line.startswith("role brand")).split()[5:10]
    assert " ".join(told) == "60 60.0 % 60.0 %"
    assert "To fix this split costs" in plan_text(plan)


def test_the_plan_file_tells_the_axes_of_each_entry_and_the_split_above(make):
    held = by_geo(make, 3)
    rules = ROLES + "[strategy]\nroles = { brand = 0.6, activation = 0.4 }\n"
    document = plan_document(optimize(held, make.scenario("budget = { total = 100 }\n" + rules)))
    north = document["by_channel"][0]
    axes = {"name": "c0/north", "channel": "c0", "geo": "north", "role": "brand"}
    assert {key: north[key] for key in axes} == axes
    assert "segment" not in north
    told = document["strategy"]
    assert (told["fixed"], told["cost"]["net"] >= 0) == (True, True)
    assert [(level["of"], level["name"], level.get("asked")) for level in told["levels"][:2]] == [
        ("role", "brand", (0.6, 0.6)),
        ("role", "activation", (0.4, 0.4)),
    ]
    members = [level["members"] for level in told["channels_with_parts"]]
    assert members == [("c0/north", "c0/south"), ("c1/north", "c1/south")]
    plain = plan_document(optimize(make.curves(make.channel()), make.scenario("budget = { total = 100 }\n")))
    assert plain["strategy"] == {"fixed": False, "cost": None, "levels": [], "channels_with_parts": []}
    assert set(plain["by_channel"][0]) == {"name", "kind", "spend", "baseline", "outcome", "marginal", "beyond"}


def test_parts_count_one_each_among_the_active_and_the_rule_says_so(make):
    problem = make.problem(by_geo(make, 1), "budget = { total = 100 }\n[active]\nmax = 2\n")
    names = [rule.name for rule in broken(problem, np.array([40.0, 30.0, 30.0, 0.0]))]
    assert names == ["most active channels and parts"]
    assert broken(problem, np.array([60.0, 40.0, 0.0, 0.0])) == []

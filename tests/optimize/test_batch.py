"""Many variations at once: each row is what the planner answers alone, its bound holds, neighbours do not matter."""

from dataclasses import replace

import numpy as np
import pytest

from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.batch import batch as batches
from engine.optimize.batch import pieces as batch_pieces
from engine.optimize.batch import rows as batch_rows
from engine.optimize.batch.batch import batch
from engine.optimize.batch.limits import limits
from engine.optimize.batch.variations import Variations, variants, varied
from engine.optimize.envelope import envelope, split
from engine.optimize.plan import optimize
from engine.optimize.polish import mean_value
from engine.optimize.rules import broken, problem_of
from engine.optimize.solve import solve
from engine.optimize.tables import tabulate
from engine.response.curves import Family, History

ROWS = 5
GROUPS = '[groups.g]\nkinds = ["earned"]\nshare = { min = 0.2 }\n[groups.h]\nkinds = ["paid", "owned"]\ncap = 130\n'
OWN = "[channels.c0]\nfloor = 30\n[channels.c1]\ncap = 60\nminimum_flight = 25\n[channels.c2]\nminimum_flight = 70\n"
QUESTIONS = {
    "one budget": ("total", ""),
    "floors, caps and flights": ("total", OWN),
    "groups": ("total", GROUPS),
    "a share of one channel": ("total", '[groups.g]\nchannels = ["c3"]\nshare = { min = 0.25 }\n'),
    "groups and flights": ("total", OWN + '[groups.g]\nchannels = ["c3", "c4"]\nfloor = 60\n'),
    "prudence": ("total", 'goal = { maximise = "outcome", prudence = 0.4 }\n' + OWN),
    "a limit": ("at_most", OWN),
    "profit": ("at_most", 'goal = { maximise = "profit", margin = 0.6 }\n' + OWN),
    "prudent profit": ("total", 'goal = { maximise = "profit", margin = 0.9, prudence = 0.3 }\n'),
}
SLOPES = {"concave": (0.4, 1.0), "mixed": (0.4, 4.0)}


def question(make, size, text, total=260.0):
    return make.scenario(f"budget = {{ {size} = {total!r} }}\n{text}")


def drawn(rng, channels, rows=ROWS):
    """Rows whose budgets, prices and effects all differ; now and then a channel brings nothing."""
    works = rng.random((rows, channels)) > 0.1
    return Variations(
        multiple=rng.uniform(0.8, 1.6, rows),
        price=np.exp(0.3 * rng.standard_normal((rows, channels))),
        effect=np.exp(0.3 * rng.standard_normal((rows, channels))) * works,
    )


def rows_of(asked, chosen):
    """Some rows of variations."""
    fields = ("budget", "multiple", "price", "effect", "view")
    return replace(asked, **{name: v[chosen] for name in fields if (v := getattr(asked, name)) is not None})


def same(one, other):
    """Whether two answers agree to the last digit."""
    fields = ("spend", "value", "tolls", "bound", "gap", "planned", "exact")
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in fields)


@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize(("size", "text"), QUESTIONS.values(), ids=QUESTIONS)
def test_each_row_keeps_its_rules_and_is_within_its_proof_of_the_exact_path(make, size, text, slope):
    held = make.random_curves(np.random.default_rng(3), 5, slope=slope)
    asked = question(make, size, text)
    variations = drawn(np.random.default_rng(4), 5)
    found = batch(held, asked, variations)
    problem = problem_of(held, asked)
    given = variants(problem, variations)
    assert found.planned.all()
    assert found.gap.max() <= 1e-3
    for row in range(ROWS):
        alone = varied(problem, given, row)
        solved = solve(alone)
        rounding = 1e-9 * abs(solved.bound)
        assert broken(alone, found.spend[row]) == []
        assert found.value[row] == pytest.approx(mean_value(alone, found.spend[row]), rel=1e-9, abs=1e-9)
        assert found.value[row] <= solved.bound + rounding
        assert found.bound[row] >= solved.value - rounding


@pytest.mark.parametrize("size", ["total", "at_most"])
def test_moves_of_each_row_are_charged_as_on_the_exact_path_whatever_the_rules(make, size):
    held, variations = make.random_curves(np.random.default_rng(8), 5), drawn(np.random.default_rng(9), 5)
    goal, charges = 'goal = { maximise = "outcome", prudence = 0.4 }\n', []
    for rules in ("", OWN, GROUPS, "[channels.c0]\nlocked = 40\n[every_channel.relative]\nmin = 0.3\nmax = 3\n"):
        problem = problem_of(held, question(make, size, goal + rules))
        given = variants(problem, variations)
        allowed = limits(problem, given)
        charges.append(np.stack([allowed.anchor, allowed.less, allowed.more]))
        for row in range(ROWS):
            alone = [(one.anchor, *one.toll) for one in varied(problem, given, row).payoffs]
            charged = charges[-1][:, :, row].T
            assert charged == pytest.approx(np.array(alone), rel=1e-9)
    assert all(np.array_equal(one, charges[0]) for one in charges)
    assert charges[0][1:].max() > 0


SHOCKED = '[[shocks]]\nkind = "price"\nchannels = ["{0}"]\nfactor = {1}\n'
CHANGED = '[[shocks]]\nkind = "effectiveness"\nchannels = ["{0}"]\nfactor = {1}\n'


@pytest.mark.parametrize(("size", "text"), QUESTIONS.values(), ids=QUESTIONS)
def test_factors_are_what_shocks_of_the_whole_horizon_do(make, size, text):
    held = make.random_curves(np.random.default_rng(5), 5)
    variations = rows_of(drawn(np.random.default_rng(6), 5), slice(0, 2))
    found = batch(held, question(make, size, text), variations)
    for row in range(2):
        shocks = "".join(
            SHOCKED.format(f"c{at}", float(variations.price[row, at]))
            + CHANGED.format(f"c{at}", float(variations.effect[row, at]))
            for at in range(5)
        )
        plan = optimize(
            held, question(make, size, text + shocks, 260.0 * float(variations.multiple[row])), priced=False
        )
        assert found.bound[row] >= plan.net - 1e-9 * abs(plan.net)
        assert found.value[row] <= plan.bound + 1e-9 * abs(plan.bound)
        assert found.value[row] + found.tolls[row] == pytest.approx(
            plan.chosen.value.mean, abs=2e-3 * max(abs(plan.bound), 1.0) + abs(found.tolls[row] - plan.tolls)
        )


def test_a_row_without_factors_is_the_scenario_as_asked(make):
    held, text = make.random_curves(np.random.default_rng(7), 4), OWN
    found = batch(held, question(make, "total", text), Variations(multiple=np.ones(1)))
    plan = optimize(held, question(make, "total", text), priced=False)
    assert found.value[0] == pytest.approx(plan.chosen.value.mean, rel=5e-4)
    assert found.spend.sum() == pytest.approx(260.0, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_no_split_on_a_grid_is_worth_more_than_the_bound(make, seed):
    held = make.random_curves(np.random.default_rng(seed), 3, slope=(1.5, 4.0))
    asked = question(make, "total", "[channels.c1]\nminimum_flight = 80\n", 200.0)
    found = batch(held, asked, Variations(budget=np.array([120.0, 200.0])))
    for row, total in enumerate((120.0, 200.0)):
        alone = question(make, "total", "[channels.c1]\nminimum_flight = 80\n", total)
        _, best = make.enumerated(alone, held, total, 30)
        assert found.bound[row] >= best
        assert make.kept(alone, held, found.spend[row])
        assert found.value[row] >= 0.97 * best
        assert found.value[row] == pytest.approx(make.worth(held, found.spend[row]), rel=1e-9)


def test_prices_stretch_a_curve_and_effects_scale_it(make):
    held = make.random_curves(np.random.default_rng(8), 4)
    variations = drawn(np.random.default_rng(9), 4)
    found = batch(held, question(make, "total", ""), variations)
    for row in range(ROWS):
        earned = sum(
            effect * float(make.earned(one, money / price).mean())
            for one, money, price, effect in zip(
                held.channels, found.spend[row], variations.price[row], variations.effect[row], strict=True
            )
        )
        assert found.value[row] == pytest.approx(earned, rel=1e-9)


def test_the_bound_of_concave_curves_is_that_of_segments_taken_by_falling_slope(make):
    held = make.random_curves(np.random.default_rng(10), 6, slope=SLOPES["concave"])
    problem = problem_of(held, question(make, "total", ""))
    tables = [tabulate(payoff, 0.0, 260.0, 0.0, 1e-3) for payoff in problem.payoffs]
    best = split([envelope(table, 0, len(table.spend) - 1) for table in tables], 260.0, 260.0)
    found = batch(held, question(make, "total", ""), Variations(multiple=np.ones(1)))
    assert found.bound[0] == pytest.approx(best.bound, rel=1e-4)


@pytest.mark.parametrize("text", ["", OWN + GROUPS], ids=["plain", "rules"])
def test_the_order_of_rows_changes_nothing_but_their_order(make, text):
    held, asked = make.random_curves(np.random.default_rng(11), 6), question(make, "total", text)
    variations = drawn(np.random.default_rng(12), 6, 40)
    order = np.random.default_rng(13).permutation(40)
    one, other = batch(held, asked, variations), batch(held, asked, rows_of(variations, order))
    fields = ("spend", "value", "bound", "gap")
    assert all(np.array_equal(getattr(one, name)[order], getattr(other, name)) for name in fields)


@pytest.mark.parametrize("numbers", [1, 1_000_000])
def test_how_many_rows_are_worked_on_at_once_changes_nothing(make, numbers, monkeypatch):
    held, asked = make.random_curves(np.random.default_rng(14), 9), question(make, "total", OWN + GROUPS)
    variations = drawn(np.random.default_rng(15), 9, 21)
    one = batch(held, asked, variations)
    monkeypatch.setattr(batch_rows, "NUMBERS", numbers)
    assert same(one, batch(held, asked, variations))


@pytest.mark.parametrize("full", [1, 512])
def test_what_lines_are_filled_up_with_changes_nothing(make, full, monkeypatch):
    held, asked = make.random_curves(np.random.default_rng(16), 5), question(make, "total", OWN)
    variations = drawn(np.random.default_rng(17), 5)
    one = batch(held, asked, variations)
    monkeypatch.setattr(batch_pieces, "FULL", full)
    assert same(one, batch(held, asked, variations))


@pytest.mark.parametrize("size", ["total", "at_most"])
@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
def test_a_larger_budget_never_earns_less(make, slope, size):
    held = make.random_curves(np.random.default_rng(18), 6, slope=slope)
    found = batch(held, question(make, size, ""), Variations(multiple=np.linspace(0.2, 3.0, 60)))
    assert np.all(np.diff(found.bound) >= -1e-9 * found.bound[:-1])
    assert np.all(found.value[1:] >= found.value[:-1] * (1 - found.gap[1:]))


def test_a_channel_that_brings_nothing_gets_its_floor_alone(make):
    held = make.random_curves(np.random.default_rng(19), 5)
    effect = np.ones((2, 5))
    effect[:, 0] = 0.0
    found = batch(held, question(make, "total", OWN), Variations(multiple=np.array([0.8, 1.5]), effect=effect))
    assert found.spend[:, 0] == pytest.approx([30.0, 30.0], rel=1e-9)
    found = batch(held, question(make, "at_most", ""), Variations(multiple=np.array([0.8, 9.0]), effect=effect))
    assert found.spend[:, 0].tolist() == [0.0, 0.0]


def in_units(held, factor):
    """The same curves with money, and so revenue, counted in another unit."""

    def changed(one):
        known = one.saturation.parameters
        scaled = {name: values * (factor if name in ("ceiling", "halfway") else 1.0) for name, values in known.items()}
        history = History(one.history.mean * factor, one.history.max * factor)
        return replace(one, saturation=Family(one.saturation.name, scaled), history=history)

    return replace(held, channels=tuple(changed(one) for one in held.channels))


@pytest.mark.parametrize("unit", [1e-3, 1e6, 1e11])
def test_millions_units_and_yen_give_the_same_shares(make, unit):
    held, variations = make.random_curves(np.random.default_rng(20), 5), drawn(np.random.default_rng(21), 5)
    goal = 'goal = { maximise = "outcome", prudence = 0.4 }\n'
    one = batch(held, question(make, "total", goal), variations)
    other = batch(in_units(held, unit), question(make, "total", goal, 260.0 * unit), variations)
    assert other.spend / unit == pytest.approx(one.spend, abs=1e-3)
    assert other.value / unit == pytest.approx(one.value, rel=1e-5)
    assert other.bound / unit == pytest.approx(one.bound, rel=1e-5)


def with_draws(held, draws):
    """The same curves with some of their draws, each as often as it is named."""

    def chosen(family):
        return Family(family.name, {name: values[draws] for name, values in family.parameters.items()})

    return replace(
        held,
        channels=tuple(
            replace(one, adstock=chosen(one.adstock), saturation=chosen(one.saturation)) for one in held.channels
        ),
    )


def test_odds_choose_the_draws_that_count(make):
    held = make.random_curves(np.random.default_rng(22), 4, draws=3)
    views = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    found = batch(held, question(make, "total", OWN), Variations(odds=views, view=np.array([1, 0, 1])))
    for row, draws in enumerate(([0, 0, 1, 1, 1, 2, 2, 2, 2, 2], [0])):
        plan = optimize(with_draws(held, draws), question(make, "total", OWN), priced=False)
        assert found.value[row] <= plan.bound * (1 + 1e-9)
        assert found.bound[row] >= plan.net * (1 - 1e-9)
        assert found.value[row] == pytest.approx(plan.net, rel=1e-3)
    assert found.value[0] == found.value[2]


def test_rows_that_no_plan_can_keep_are_told_and_harm_no_other(make):
    held = make.random_curves(np.random.default_rng(23), 4)
    asked = question(make, "total", "[every_channel]\ncap = 100\n[channels.c0]\nfloor = 90\ncap = 100\n")
    found = batch(held, asked, Variations(budget=np.array([80.0, 200.0, 410.0, 100.0])))
    assert found.planned.tolist() == [False, True, False, True]
    assert np.isnan(found.value[[0, 2]]).all()
    assert np.isnan(found.spend[[0, 2]]).all()
    assert found.spend[[1, 3]].sum(1) == pytest.approx([200.0, 100.0])


def test_rows_that_are_not_proven_together_are_solved_alone(make, monkeypatch):
    held = make.random_curves(np.random.default_rng(24), 5, slope=(2.5, 4.0))
    asked, variations = question(make, "total", ""), drawn(np.random.default_rng(25), 5, 12)
    monkeypatch.setattr(batch_rows, "WANTED", 0.5)
    found = batch(held, asked, variations)
    problem = problem_of(held, asked)
    assert found.exact.any()
    assert not found.exact.all()
    assert found.gap.max() <= 1e-3
    for row in np.flatnonzero(found.exact).tolist():
        assert found.value[row] == pytest.approx(solve(varied(problem, variants(problem, variations), row)).value)


def test_groups_that_overlap_are_solved_alone_and_only_so_many(make, monkeypatch):
    held = make.random_curves(np.random.default_rng(26), 4)
    overlap = '[groups.g]\nchannels = ["c0", "c1"]\nshare = { min = 0.4 }\n'
    overlap += '[groups.h]\nchannels = ["c1", "c2"]\nshare = { max = 0.5 }\n'
    asked, variations = question(make, "total", overlap), Variations(multiple=np.array([0.9, 1.1]))
    found = batch(held, asked, variations)
    assert found.exact.all()
    for row, multiple in enumerate((0.9, 1.1)):
        plan = optimize(held, question(make, "total", overlap, 260.0 * multiple), priced=False)
        assert found.value[row] == pytest.approx(plan.net, rel=1e-3)
    monkeypatch.setattr(batches, "MOST_ALONE", 1)
    with pytest.raises(InputError, match=r"2 rows are above the limit of 1; give fewer rows"):
        batch(held, asked, variations)


def test_shocks_and_flights_of_the_scenario_stay_in_every_row(make):
    """Price and effect factors come on top of shocks that hold in some periods only."""
    held = make.random_curves(np.random.default_rng(27), 3)
    text = 'name = "x"\nhorizon = { start = 2027-01-04, periods = 8 }\nbudget = { total = 1000.0 }\n'
    text += '[[shocks]]\nkind = "price"\nchannels = ["c0"]\nfactor = 1.5\nfrom = 2027-02-01\n'
    text += "[channels.c1]\nflight = { from = 2027-01-18 }\n"
    asked = parse(text, Scenario, "question.toml")
    price = np.array([[1.2, 0.9, 1.0]])
    found = batch(held, asked, Variations(price=price))
    alone = varied(problem_of(held, asked), variants(problem_of(held, asked), Variations(price=price)), 0)
    assert len(alone.payoffs[0].timing.weight) == 8
    solved = solve(alone)
    assert found.value[0] == pytest.approx(solved.value, rel=1e-3)
    assert found.bound[0] >= solved.value


WRONG = {
    "nothing": (Variations(), "nothing varies"),
    "both": (Variations(budget=np.ones(2), multiple=np.ones(2)), "both budget and multiple"),
    "counts": (Variations(budget=np.ones(2), price=np.ones((3, 4))), "budget 2, price 3"),
    "none": (Variations(budget=np.ones(0)), "no rows"),
    "shape": (Variations(price=np.ones((2, 3))), r"price has the shape \(2, 3\) where \(2, 4\)"),
    "price": (Variations(price=np.zeros((1, 4))), "price of row 0, channel 0 is 0, and a finite number above 0"),
    "effect": (Variations(effect=np.full((1, 4), -1.0)), "effect factor is below 0"),
    "percent": (Variations(effect=np.full((1, 4), 120.0)), "at most 100"),
    "nan": (Variations(multiple=np.array([1.0, np.nan])), "budget of row 1 is nan"),
    "odds alone": (Variations(multiple=np.ones(1), odds=np.ones((1, 3)) / 3), "odds and view go together"),
    "odds of others": (Variations(odds=np.ones((1, 2)) / 2, view=np.zeros(1, int)), "2 draws and the curves have 3"),
    "odds of no sum": (Variations(odds=np.ones((1, 3)), view=np.zeros(1, int)), "must sum to 1"),
    "no such view": (Variations(odds=np.ones((1, 3)) / 3, view=np.ones(1, int)), "beyond the 1"),
}


@pytest.mark.parametrize(("variations", "told"), WRONG.values(), ids=WRONG)
def test_variations_that_cannot_be_are_refused_in_one_sentence(make, variations, told):
    held = make.random_curves(np.random.default_rng(28), 4)
    with pytest.raises(InputError, match=told):
        batch(held, question(make, "total", ""), variations)

"""The rest of a year decided anew, against a loop over weeks that knows nothing of decisions."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from engine import words
from engine.config.loading import parse
from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document, write_plan
from engine.response.curves_file import read_curves
from engine.study.replan import Past, Today, document, replan, replanned
from engine.study.replan_text import text

START, WEEKS = date(2027, 1, 4), 52
NAMES = ("tv", "search", "pr")
RETAIN, HALFWAY, SLOPE = ([0.7, 0.6], [0.2, 0.3], [0.5, 0.4]), ([900.0, 1100.0], 500.0, [300.0, 350.0]), (1.0, 0.8, 0.9)
CEILING, PACE = ([3000.0, 2500.0], [1500.0, 1600.0], [900.0, 1000.0]), (700.0, 400.0, 200.0)
HEAD = 'name = "x"\nhorizon = {{ start = 2027-01-04, periods = 52, decide = "{0}" }}\n'
BUDGET = "budget = { total = 60_000 }\n"
RULES = '[ramp]\nmax_change = 0.2\n[groups.earned]\nkinds = ["earned"]\nshare = { min = 0.1 }\n'


def pairs(values):
    return [values, values] if isinstance(values, float) else values


CURVES = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "channels": [
        {
            "name": name,
            "kind": "earned" if name == "pr" else "paid",
            "adstock": {"family": "geometric", "retain": RETAIN[at]},
            "saturation": {
                "family": "hill",
                "ceiling": CEILING[at],
                "halfway": pairs(HALFWAY[at]),
                "slope": pairs(SLOPE[at]),
            },
            "history": {
                "mean": PACE[at],
                "max": 5 * PACE[at],
                "last": [PACE[at] * (1 + 0.5 * (k % 2)) for k in range(8)],
            },
        }
        for at, name in enumerate(NAMES)
    ],
}


@pytest.fixture(scope="module")
def plan(curves):
    """The plan of the year, before it begins."""
    return optimize(curves, asked(), priced=False)


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    path = tmp_path_factory.mktemp("curves") / "curves.json"
    path.write_text(json.dumps(CURVES))
    return read_curves(path)


def asked(rules=RULES, decide="quarter", budget=BUDGET):
    return parse(HEAD.format(decide) + budget + rules, Scenario, "q.toml")


def as_of(weeks):
    return START + timedelta(7 * weeks)


def uneven(weeks, seed=1):
    """Some weeks of spend near history's pace."""
    rng = np.random.default_rng(seed)
    return np.array(PACE) * 0.9 * rng.uniform(0.8, 1.2, (weeks, 3))


def earned(money, tail=26):
    """Revenue by draw that 52 weeks of money add to what comes anyway: week after week, draw after draw."""
    total = np.zeros(2)
    for draw in range(2):
        for at in range(3):
            known = [each[at] if isinstance(each[at], float) else each[at][draw] for each in (CEILING, HALFWAY, RETAIN)]
            for sign, weeks in ((1, money[:, at]), (-1, np.zeros(WEEKS))):
                total[draw] += sign * through(at, [*weeks, *[PACE[at]] * tail], known)
    return total


def through(at, weeks, known):
    ceiling, halfway, retain = known
    stock, outcome = PACE[at], 0.0
    for money in CURVES["channels"][at]["history"]["last"]:
        stock = retain * stock + (1 - retain) * money
    for money in weeks:
        stock = retain * stock + (1 - retain) * money
        outcome += ceiling * stock ** SLOPE[at] / (stock ** SLOPE[at] + halfway ** SLOPE[at])
    return outcome


@pytest.mark.parametrize("decide", ["quarter", "month"])
def test_at_the_very_start_a_replan_is_the_plan(curves, decide):
    plan = optimize(curves, asked(decide=decide), priced=False)
    found = replanned(curves, asked(decide=decide), Past(None, ""), START)
    assert found.plan.cells.tolist() == plan.cells.tolist()
    assert found.carried.gain == plan.gain
    assert found.over == 0


@pytest.mark.parametrize("weeks", [6, 13, 40])
def test_what_was_spent_as_planned_keeps_the_plan(curves, plan, weeks):
    schedule = np.array(plan.schedule)
    found = replanned(curves, asked(), Past(Spent(schedule[:weeks]), ""), as_of(weeks), schedule)
    close = max(plan.gap, found.plan.gap, 2e-4) * plan.net
    assert abs(found.carried.gain.mean) <= close
    assert found.plan.net == pytest.approx(plan.net, abs=close)
    assert found.carried.broken == ()
    assert np.array(found.plan.schedule) == pytest.approx(schedule, abs=0.1 * schedule.mean())


CASES = [("quarter", 5), ("quarter", 26), ("month", 7), ("month", 20)]


@pytest.mark.parametrize(("decide", "weeks"), CASES)
def test_the_past_stays_the_budget_is_kept_and_a_loop_over_weeks_earns_what_is_told(curves, decide, weeks):
    scenario = asked(decide=decide, rules="[ramp]\nmax_change = 0.5\n")
    spent = uneven(weeks)
    earlier = np.array(optimize(curves, scenario, priced=False).schedule)
    found = replanned(curves, scenario, Past(Spent(spent), "a table"), as_of(weeks), earlier)
    schedule = np.array(found.plan.schedule)
    assert schedule[:weeks] == pytest.approx(spent, rel=1e-9)
    assert np.array(found.plan.chosen.decided)[: found.over].sum(axis=0) == pytest.approx(spent.sum(axis=0))
    assert schedule.sum() == pytest.approx(60_000)
    assert schedule.min() >= 0
    told = earned(schedule)
    assert found.plan.chosen.value.mean == pytest.approx(told.mean(), rel=1e-6)
    carried = earned(np.concatenate([spent, earlier[weeks:]]))
    assert found.carried.gain.mean == pytest.approx((told - carried).mean(), rel=1e-5)
    assert found.carried.value == pytest.approx(carried.mean(), rel=1e-6)
    assert found.carried.chance_of_loss == np.mean(told < carried)
    assert found.carried.rest == pytest.approx(earlier[weeks:].sum(axis=0))


GOALS = {
    "profit, discounted": 'goal = { maximise = "profit", margin = 0.4, discount_rate = 0.2 }\n',
    "a dearer autumn": '[[shocks]]\nkind = "price"\nfactor = 1.5\nfrom = 2027-09-01\n',
    "a closed summer": '[[shocks]]\nkind = "outage"\nchannels = ["tv"]\nfrom = 2027-07-01\nuntil = 2027-08-15\n',
    "a year like any other": "# cycle",
}


@pytest.mark.parametrize("rules", GOALS.values(), ids=GOALS)
def test_plan_and_going_on_are_valued_alike_whatever_the_goal(curves, rules):
    """The value of the plan by decisions is that of its weeks, one by one."""
    scenario = asked(rules)
    if "cycle" in rules:
        cycling = scenario.horizon.model_copy(update={"carry_over": "cycle"})
        scenario = scenario.model_copy(update={"horizon": cycling})
    found = replanned(curves, scenario, Past(Spent(uneven(20)), ""), as_of(20), uneven(52, seed=3))
    assert found.carried.value + found.carried.gain.mean == pytest.approx(found.plan.chosen.value.mean, rel=1e-9)


def test_no_other_rest_on_a_grid_earns_more(curves):
    """With three of four quarters over, the last is one split: every tenth of what is left."""
    spent = uneven(39)
    found = replanned(curves, asked(rules=""), Past(Spent(spent), ""), as_of(39))
    left = 60_000 - spent.sum()
    best = -np.inf
    for one in range(11):
        for two in range(11 - one):
            split = left / 10 * np.array([one, two, 10 - one - two]) / 13
            best = max(best, earned(np.concatenate([spent, np.tile(split, (13, 1))])).mean())
    assert found.plan.chosen.value.mean >= best * (1 - 1e-6)


def test_commitments_and_caps_of_the_quarter_that_has_begun_hold_for_both_parts(curves):
    spent = np.tile([900.0, 300.0, 200.0], (20, 1))
    rules = "[channels.tv]\nquarter_cap = 12_000\n[channels.pr]\ncommitted = [0, 5_000]\n"
    found = replanned(curves, asked(rules), Past(Spent(spent), ""), as_of(20))
    decided = np.array(found.plan.chosen.decided)
    assert decided[1:3, 0].sum() <= 12_000 * (1 + 1e-6)
    assert decided[1:3, 2].sum() >= 5_000 * (1 - 1e-6)
    assert decided[2, 2] >= (5_000 - 7 * 200) * (1 - 1e-6)


BROKEN = {
    "a quarter's cap": ("[channels.tv]\nquarter_cap = 8_000\n", "quarter cap of tv from 2027-01-04 <= USD 8,000"),
    "a commitment": ("[channels.pr]\ncommitted = [9_000]\n", "pr committed from 2027-01-04 >= USD 9,000"),
    "a year's cap": ("[channels.tv]\ncap = 9_000\n", "cap of tv <= USD 9,000"),
    "a flight": ("[channels.pr]\nminimum_flight = 2_700\n", "minimum flight of pr from 2027-01-04 USD 2,700"),
    "what a quarter spends": ("# quarters", "budget of the quarter from 2027-01-04 = USD 15,000"),
    "a ramp": ("[channels.search]\nmax_change = 0.0\n", "ramp of search into 2027-04-05, upwards"),
}


@pytest.mark.parametrize(("rules", "words"), BROKEN.values(), ids=BROKEN)
def test_what_was_spent_and_breaks_a_rule_is_told_and_leaves_a_plan_for_the_rest(curves, rules, words):
    """A rule that the past broke by a dollar once made every replan infeasible."""
    spent = np.tile([900.0, 300.0, 200.0], (20, 1))
    spent[13:, 1] = 700.0
    quarters = [15_000, 26_000, 14_000, 5_000]
    budget = BUDGET.replace(" }", f", quarters = {quarters} }}") if "quarters" in rules else BUDGET
    found = replanned(curves, asked(rules, budget=budget), Past(Spent(spent), ""), as_of(20))
    (note,) = [one for one in found.plan.warnings if "what was spent has broken" in one]
    assert words in note
    decided = np.array(found.plan.chosen.decided)
    assert decided[:2].sum(axis=0) == pytest.approx(spent.sum(axis=0))
    assert decided.sum() == pytest.approx(60_000 + 13 * 1400 - 15_000 if "quarters" in rules else 60_000)
    if "quarter cap" in words:
        assert decided[2, 0] <= (8_000 - 7 * 900) * (1 + 1e-4)
    elif "cap" in words:
        assert decided[2:, 0].sum() <= 60_000 * 1e-6
    if "quarters" in rules:
        assert decided[3:].sum(axis=1) == pytest.approx(quarters[2:])


def test_a_miss_of_a_dollar_in_a_quarter_s_budget_leaves_the_others_as_they_were_asked_for(curves):
    spent = np.tile([700.0, 300.0, 153.0], (13, 1))
    quarters = [15_000, 15_000, 15_000, 15_000]
    budget = BUDGET.replace(" }", f", quarters = {quarters} }}")
    found = replanned(curves, asked("", budget=budget), Past(Spent(spent), ""), as_of(13))
    assert np.array(found.plan.chosen.decided).sum(axis=1) == pytest.approx([13 * 1153, 15_000, 15_000, 15_000])


def test_a_budget_that_is_spent_already_is_refused(curves):
    with pytest.raises(InfeasibleError, match="breaks budget = USD 60,000 where USD 80,000 are spent"):
        replanned(curves, asked(""), Past(Spent(np.full((20, 3), 80_000 / 60)), ""), as_of(20))


def test_a_soft_rule_that_was_broken_holds_for_what_is_to_come(curves):
    spent = np.tile([900.0, 300.0, 200.0], (20, 1))
    rules = '[channels.tv]\nquarter_cap = 8_000\n[soft]\n"quarter cap of tv from 2027-01-04" = 1\n'
    rules += '"quarter cap of tv from 2027-04-05" = 2\n'
    found = replanned(curves, asked(rules), Past(Spent(spent), ""), as_of(20))
    assert np.array(found.plan.chosen.decided)[0, 0] == pytest.approx(13 * 900)
    assert any("quarter cap of tv from 2027-01-04 <= USD 8,000" in warning for warning in found.plan.warnings)
    assert np.array(found.plan.chosen.decided)[1:3, 0].sum() <= 8_000 * (1 + 1e-6)


def test_soft_words_that_also_name_the_past_are_refused(curves):
    with pytest.raises(InputError, match="soft 'tv' also names 'tv as spent from 2027-01-04'"):
        replanned(curves, asked('[soft]\n"tv" = 1\n'), Past(Spent(uneven(5)), ""), as_of(5))


def test_one_split_for_the_whole_horizon_has_no_rest(curves):
    with pytest.raises(InputError, match=r'write horizon\.decide = "quarter" or "month"'):
        replanned(curves, asked("", "horizon"), Past(Spent(uneven(5)), ""), as_of(5))


@pytest.mark.parametrize("budget", ["target_outcome = 170_000", "at_most = 60_000", "target_marginal_roas = 1.5"])
def test_every_kind_of_budget_keeps_the_past(curves, budget):
    spent = uneven(15)
    found = replanned(
        curves, asked("", budget=f"budget = {{ {budget} }}\n"), Past(Spent(spent), ""), as_of(15), uneven(52)
    )
    assert np.array(found.plan.schedule)[:15] == pytest.approx(spent, rel=1e-9)
    assert found.plan.chosen.value.mean == pytest.approx(earned(np.array(found.plan.schedule)).mean(), rel=1e-6)


def test_a_careful_replan_keeps_the_past(curves):
    rules = '[risk]\nmeasure = "cvar"\nlevel = 0.5\n'
    found = replanned(curves, asked(rules), Past(Spent(uneven(15)), ""), as_of(15))
    assert np.array(found.plan.schedule)[:15] == pytest.approx(uneven(15), rel=1e-9)
    assert found.plan.net == pytest.approx(earned(np.array(found.plan.schedule)).min(), rel=1e-6)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "curves.json").write_text(json.dumps(CURVES))
    (tmp_path / "q.toml").write_text(HEAD.format("quarter") + BUDGET + RULES)
    return tmp_path


@pytest.fixture
def written(folder, plan):
    """Writes the year's plan with some fields changed."""

    def write(**changed):
        (folder / "plan.json").write_text(json.dumps(plan_document(plan) | changed))
        return folder / "plan.json"

    return write


DAMAGED = {
    "another file": ({"schema": "peso.fit/1"}, "no plan"),
    "another currency": ({"currency": "EUR"}, "currency of the plan is 'EUR' and here 'USD'"),
    "another start": ({"horizon": {"start": "2026-01-05", "periods": 52}}, "horizon.start of the plan is '2026-01-05'"),
    "another length": ({"horizon": {"start": "2027-01-04", "periods": 26}}, "horizon.periods of the plan is 26"),
    "no horizon": ({"horizon": None}, "horizon.start of the plan is None"),
    "another channel": ({"channels": ["tv", "search", "press"]}, "not about the channels of the curves"),
    "a channel twice": ({"channels": ["tv", "tv", "pr"]}, "not about the channels of the curves"),
    "too few weeks": ({"schedule": [[1.0, 1.0, 1.0]]}, "its schedule needs 52 rows of 3 amounts"),
    "a debt": ({"schedule": [[-1.0, 1.0, 1.0]] * 52}, "amounts of 0 or more"),
    "a spend of its own": ({"spend": [[9.0, 1.0, 1.0]] * 4}, r"spend of '.*' in decision \d is .*edit both alike"),
    "no spend": ({"spend": None}, "its spend needs 4 rows of 3 amounts"),
    "decisions within weeks": ({"decisions": ["2027-01-05 to 2028-01-02"]}, "decisions do not begin with its periods"),
    "a text": ({"schedule": [["1", 1.0, 1.0]] * 52}, "amounts of 0 or more"),
}


@pytest.mark.parametrize(("changed", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_plan_of_something_else_is_refused(folder, written, changed, words):
    today = Today(as_of(10), plan=written(**changed))
    with pytest.raises(InputError, match=words):
        replan(folder / "curves.json", folder / "q.toml", today)


def test_a_plan_with_its_channels_in_another_order_is_the_same_plan(folder, written):
    told = json.loads(written().read_text())
    found = replan(folder / "curves.json", folder / "q.toml", Today(as_of(10), plan=folder / "plan.json"))
    turned = {key: [row[::-1] for row in told[key]] for key in ("schedule", "spend")}
    turned["channels"] = told["channels"][::-1]
    again = replan(folder / "curves.json", folder / "q.toml", Today(as_of(10), plan=written(**turned)))
    assert again.plan.cells.tolist() == found.plan.cells.tolist()
    assert again.carried == found.carried
    assert "no --spent is given" in text(found)


def test_a_replan_can_be_replanned(folder, written):
    written()
    first = replan(folder / "curves.json", folder / "q.toml", Today(as_of(10), plan=folder / "plan.json"))
    (folder / "again.json").write_text(json.dumps(document(first)))
    second = replan(folder / "curves.json", folder / "q.toml", Today(as_of(30), plan=folder / "again.json"))
    assert np.array(second.plan.schedule)[:30] == pytest.approx(np.array(first.plan.schedule)[:30])


DATES = {
    "before": (START - timedelta(7), "lies outside the horizon of scenario 'x', 2027-01-04 to 2028-01-02"),
    "after": (START + timedelta(7 * 52), "lies outside the horizon"),
    "within a week": (START + timedelta(10), "not the first day of a week of the horizon; the next is 2027-01-18"),
    "within the last": (START + timedelta(7 * 51 + 3), "the last is 2027-12-27"),
}


@pytest.mark.parametrize(("day", "words"), DATES.values(), ids=DATES)
def test_a_day_that_begins_no_week_of_the_horizon_is_refused(folder, day, words):
    with pytest.raises(InputError, match=words):
        replan(folder / "curves.json", folder / "q.toml", Today(day))


def test_money_that_nobody_knows_is_asked_for(folder):
    with pytest.raises(InputError, match=r"not known; give --spent FILE .*, or --plan plan.json"):
        replan(folder / "curves.json", folder / "q.toml", Today(as_of(10)))


def test_a_table_for_a_year_that_has_not_begun_is_refused(folder):
    with pytest.raises(InputError, match="is the first day of the horizon, so nothing is spent; leave --spent out"):
        replan(folder / "curves.json", folder / "q.toml", Today(START, folder / "spent.csv"))
    found = replan(folder / "curves.json", folder / "q.toml", Today(START))
    assert "USD 0 are spent" in text(found)


def test_the_text_says_the_decision_first_and_marks_what_is_over(folder, plan):
    lines = ["date,tv,search,pr", *(f"{as_of(at)},900,300,200" for at in range(20))]
    (folder / "spent.csv").write_text("\n".join(lines))
    write_plan(folder / "plan.json", plan)
    today = Today(as_of(20), folder / "spent.csv", folder / "plan.json")
    found = replan(folder / "curves.json", folder / "q.toml", today)
    told = text(found)
    assert told.startswith(
        "x, 2027-05-24 to 2028-01-02: of USD 60.0 k, USD 28.0 k are spent; with the USD 32.0 k left, "
    )
    had = words.money(sum(found.carried.rest), "USD")
    unlike = (
        f"against going on with the earlier plan, which would spend {had} in the rest where this one spends "
        "USD 32.0 k and is not allowed (it breaks budget)"
    )
    assert f"{unlike}, chance to bring less" in told.splitlines()[0]
    certain = text(replace(found, plan=replace(found.plan, draws=1))).splitlines()[0]
    assert certain.endswith(f"(one draw: no uncertainty is known) {unlike}.")
    allowed = replace(found, carried=replace(found.carried, broken=(), rest=(32_000.0, 0.0, 0.0)))
    assert "against going on with the earlier plan, chance to bring less" in text(allowed).splitlines()[0]
    assert re.search(r"^split above +spent, history +share", told, re.MULTILINE)
    assert "spent, history: what was spent before 2027-05-24, and history's split of the money left after it." in told
    assert "2027-01-04 spent  2027-04-05 spent  2027-05-24  2027-07-05  2027-10-04" in told
    assert "Beware: going on with the earlier plan does not keep" in told
    assert "as spent from" not in told
    assert document(found)["replan"]["decisions_over"] == 2

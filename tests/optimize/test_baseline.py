"""What a plan is compared with: history's split as it was spent, not as the scenario would have it."""

import numpy as np
import pytest

from engine.optimize.compare import compare
from engine.optimize.over_time import several
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, compared, problem_of


@pytest.mark.parametrize("flight", ["from = 2030-01-01", "from = 2027-01-18"])
def test_history_is_not_valued_by_the_flights_of_the_scenario(make, flight):
    """A channel kept off the air once made history's split worthless, and a loss look like a gain."""
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 20.0, 50.0))
    asked = make.scenario(f"budget = {{ of_history = 1.0 }}\n[channels.tv]\nflight = {{ {flight} }}\n", 4)
    plan, answer = optimize(held, asked), compare(held, [asked])[0]
    assert plan.baseline.value.mean == pytest.approx(4 * make.worth(held, [40.0, 40.0]))
    assert plan.gain.mean == pytest.approx(answer.change.mean)
    assert plan.gain.mean < 0
    assert "flight of tv" in plan.baseline.broken


@pytest.mark.parametrize("budget", [1.5e-6, 1.5e6])
def test_a_budget_in_another_unit_than_history_is_doubted(make, budget):
    held = make.curves(make.channel("tv"), make.channel("pr"))
    told = optimize(held, make.scenario(f"budget = {{ total = {budget} }}")).warnings
    (doubt,) = [warning for warning in told if "millions" in warning]
    assert "where history spent USD 80 in as many weeks" in doubt
    assert not optimize(held, make.scenario("budget = { total = 80 }")).warnings


def test_where_nothing_can_be_gained_nothing_is_moved(make):
    held = make.curves(make.channel("tv", 0.0), make.channel("pr", 0.0))
    plan = optimize(held, make.scenario("budget = { total = 80 }"))
    assert np.array(plan.chosen.spend).tolist() == [40.0, 40.0]


@pytest.mark.parametrize("periods", [52, 365])
def test_a_split_that_stays_changes_nothing_at_all(make, periods):
    """Not even by what sums in another order may differ by."""
    draws = np.random.default_rng(0)
    held = make.curves(
        *(
            make.channel(
                f"channel {index}", draws.lognormal(13, 1, 60), draws.lognormal(9, 1, 60), mean=np.pi * 9**index
            )
            for index in range(7)
        )
    )
    asked = make.scenario("budget = { of_history = 1.0 }\ngoal = { maximise = 'outcome', prudence = 10.0 }", periods)
    answer = compare(held, [asked])[0]
    assert (answer.change.mean, answer.change.p05, answer.change.p95) == (0.0, 0.0, 0.0)
    assert answer.chance_of_less == 0.0


@pytest.mark.parametrize("budget", ["total = 4160", "at_most = 5000"])
@pytest.mark.parametrize("closed", ["outage", "flight"])
def test_by_quarter_today_s_money_is_spent_where_there_are_open_dates(make, closed, budget):
    """Money in closed quarters once bought nothing, so that plans looked better than they were."""
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 90.0, 50.0))
    given = {
        "outage": '[[shocks]]\nkind = "outage"\nchannels = ["tv"]\nuntil = 2027-07-05',
        "flight": "[channels.tv]\nflight = { from = 2027-07-05 }",
    }[closed]
    posed = problem_of(held, make.quarterly(f"budget = {{ {budget} }}\n{given}"))
    tv, pr = several.by_cell(posed, compared(posed))
    assert tv.sum() == pytest.approx(2080)
    assert pr == pytest.approx([520.0] * 4, rel=0.02)
    assert tv[:2].sum() == 0.0
    assert not broken(posed, compared(posed))


def test_a_channel_without_any_open_date_is_left_as_history_had_it(make):
    held = make.curves(make.channel("tv", 100.0, 50.0), make.channel("pr", 90.0, 50.0))
    closed = "budget = { total = 4160 }\n[channels.tv]\nflight = { from = 2030-01-01 }"
    plan = optimize(held, make.quarterly(closed), priced=False)
    free = optimize(held, make.quarterly("budget = { total = 4160 }"), priced=False)
    assert plan.baseline.spend == pytest.approx((2080, 2080))
    assert plan.baseline.value.mean == pytest.approx(free.baseline.value.mean)
    assert "flight of tv" in plan.baseline.broken

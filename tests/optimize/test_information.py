"""What knowing more is worth, against nested grids on draws whose dependence is known."""

import numpy as np
import pytest

from engine.optimize.risk.information import information, perfect_information
from engine.optimize.solve import solve
from tests.optimize.builders import channel, curves, earned, problem

BUDGET, STEPS = 100.0, 400
TEXT = f"budget = {{ total = {BUDGET} }}"


def crossed(one, two, slope=0.8):
    """Two channels of which every pair of ceilings is a draw: neither tells anything of the other."""
    first, second = (each.ravel() for each in np.meshgrid(one, two, indexing="ij"))
    return curves(channel("a", first, 30.0, slope), channel("b", second, 30.0, slope))


def on_grid(held):
    """What every draw earns at each split."""
    money = BUDGET * np.arange(STEPS + 1) / STEPS
    one, two = (np.array([earned(c, m) for m in money]) for c in held.channels)
    return one + two[::-1]


def known_worth(rows, groups):
    """What knowing the group of a draw is worth, by the best split of each group."""
    best = sum(rows[:, groups == group].sum(1).max() for group in np.unique(groups)) / rows.shape[1]
    return best - rows.mean(1).max()


def asked(held, text=TEXT):
    posed, memory = problem(held, text), {}
    return posed, solve(posed, memory), memory


ONE, TWO = np.linspace(40, 160, 12), np.linspace(80, 120, 16)


@pytest.mark.parametrize("slope", [0.8, 2.0], ids=["concave", "S-shaped"])
def test_each_channel_is_worth_what_a_nested_grid_says(slope):
    held = crossed(ONE, TWO, slope)
    rows, draws = on_grid(held), np.arange(len(ONE) * len(TWO))
    told = information(*asked(held))
    assert [one.name for one in told] == ["a", "b"]
    for one, groups in zip(told, (draws // len(TWO), draws % len(TWO)), strict=True):
        truth = known_worth(rows, groups)
        assert 0.75 * truth - 1e-3 * rows.mean() <= one.gain <= truth + 2 * one.error
        assert one.seen >= 0.9 * truth - 1e-3 * rows.mean()
        assert one.seen <= 1.25 * truth + 2e-3 * rows.mean()
    assert told[0].gain > 3 * told[1].gain


def test_a_channel_whose_response_is_certain_is_worth_nothing_to_know():
    told = information(*asked(crossed(ONE, np.full(8, 100.0))))
    assert (told[1].gain, told[1].seen, told[1].error) == (0.0, 0.0, 0.0)
    assert told[0].gain > 0


def test_one_draw_leaves_nothing_to_know():
    posed = asked(crossed([90.0], [110.0]))
    assert all(one.seen == 0 for one in information(*posed))
    found = perfect_information(*posed)
    assert found.lower == pytest.approx(0, abs=1e-6)
    assert found.upper <= 1e-3 * posed[1].value


@pytest.mark.parametrize("slope", [0.8, 2.0], ids=["concave", "S-shaped"])
def test_knowing_everything_is_worth_the_mean_of_the_best_splits_of_all_draws(slope):
    held = crossed(ONE[::3], TWO[::4], slope)
    rows, (posed, solved, memory) = on_grid(held), asked(crossed(ONE[::3], TWO[::4], slope))
    found = perfect_information(posed, solved, memory)
    truth = rows.max(0).mean() - rows.mean(1).max()
    rounding = 1e-3 * rows.mean()
    assert (found.solved, found.error, found.proven) == (16, 0.0, True)
    assert found.lower == pytest.approx(truth, abs=rounding)
    assert found.lower <= found.upper <= truth + rounding


def test_of_many_draws_some_are_solved_and_the_error_says_how_much_that_may_matter():
    held = crossed(ONE, TWO)
    rows = on_grid(held)
    found = perfect_information(*asked(held))
    truth = rows.max(0).mean() - rows.mean(1).max()
    assert found.solved < rows.shape[1]
    assert abs(found.lower - truth) <= 3 * found.error
    assert found.error > 0


def test_knowing_one_channel_is_worth_no_more_than_knowing_everything():
    posed = asked(crossed(ONE, TWO))
    upper = perfect_information(*posed)
    assert all(one.gain <= upper.upper + 3 * upper.error for one in information(*posed))


def test_noise_that_moves_no_best_plan_is_worth_next_to_nothing():
    """Groups by pure luck gain on the draws that they are planned for, and not on others."""
    rng = np.random.default_rng(0)
    luck = np.exp(0.4 * rng.standard_normal(96))
    held = curves(
        channel("a", 100 * luck, 30.0, 0.8), channel("b", 100 * luck, 30.0, 0.8), channel("c", 80 * luck, 50.0, 0.8)
    )
    posed = asked(held)
    assert all(one.gain <= 1e-3 * posed[1].value for one in information(*posed))


def test_channels_beyond_the_most_promising_are_named_as_not_looked_at():
    rng = np.random.default_rng(1)
    held = curves(
        *(channel(f"c{at}", 100 * np.exp(0.02 * (at + 1) * rng.standard_normal(32)), 30.0, 0.8) for at in range(14))
    )
    told = information(*asked(held))
    assert [one.name for one in told] == [f"c{at}" for at in range(14)]
    assert sum(not one.looked_at for one in told) == 2
    assert {one.name for one in told if not one.looked_at} <= {f"c{at}" for at in range(5)}
    assert all(one.gain == 0 for one in told if not one.looked_at)


def test_money_that_is_charged_for_prudence_is_charged_to_both_sides():
    text = 'budget = { of_history = 1.0 }\ngoal = { maximise = "outcome", prudence = 10.0 }\n'
    told = information(*asked(crossed(ONE, TWO), text))
    free = information(*asked(crossed(ONE, TWO), text.replace("10.0", "0.0")))
    assert told[0].seen < free[0].seen

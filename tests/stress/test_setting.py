"""The setting of a stress test: one margin, by which policies plan and are ranked."""

import pytest

from engine.errors import InputError
from tests.stress.scenes import BUDGET, asked, curves, set_up

PROFIT = 'goal = { maximise = "profit", margin = 0.6 }\n'
OF_SEARCH = 'goal = { maximise = "profit", margin = 0.6, margins = { c1 = 0.3 } }\n'


@pytest.mark.parametrize(
    ("goal", "margin", "said"),
    [
        (PROFIT, 0.5, r"stress.margin = 0.5 and the goal's margin of c0 is 0.6, .* leave stress.margin out"),
        (OF_SEARCH, 0.6, r"stress.margin = 0.6 and the goal's margin of c1 is 0.3, .* leave stress.margin out"),
    ],
)
def test_a_goal_of_profit_and_a_stress_test_do_not_reckon_with_two_margins(goal, margin, said):
    with pytest.raises(InputError, match=said):
        set_up(curves(), asked(BUDGET + goal + f"[stress]\nmargin = {margin}\n"))


@pytest.mark.parametrize(
    "text",
    [PROFIT, PROFIT + "[stress]\nmargin = 0.6\n", OF_SEARCH, "[stress]\nmargin = 0.5\n"],
    ids=["of the goal", "the same twice", "by channel", "of the stress test"],
)
def test_one_margin_is_taken_wherever_it_is_written(text):
    assert set_up(curves(), asked(BUDGET + text))[0].planned.budget.total == 90_000

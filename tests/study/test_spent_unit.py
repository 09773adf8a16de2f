"""A table in thousands is refused before it is taken for money; whatever else was spent is taken as it is."""

from pathlib import Path

import numpy as np
import pytest

from engine.errors import InputError
from engine.study.spent_unit import require_own_unit

USUAL = np.array([600_000.0, 300_000.0, 0.0, 90_000.0])


@pytest.mark.parametrize(("name", "unit"), [("thousands", 1e3), ("millions", 1e6)])
@pytest.mark.parametrize("really", [[1.4, 0.7, 0.0, 1.0], [0.5, 0.0, 0.0, 2.0]])
def test_what_is_in_a_larger_unit_is_refused_with_that_unit(name, unit, really):
    with pytest.raises(InputError, match=f"seems to be in {name} of EUR; write amounts in EUR"):
        require_own_unit(Path("spent.csv"), USUAL * really / unit, USUAL, "EUR")


@pytest.mark.parametrize(
    "spent",
    [
        [0.0, 0.0, 0.0, 0.0],  # nothing at all
        [0.0, 0.0, 0.0, 2_000.0],  # one channel alone
        [600.0, 300.0, 50.0, 90.0],  # a channel without a usual spend has some
        [60_000.0, 30_000.0, 0.0, 9_000.0],  # a tenth
        [600e6, 300e6, 0.0, 90e6],  # far too much
        [60.0, 0.0, 0.0, 0.0],  # less than thousands and more than millions
    ],
)
def test_what_may_be_money_is_taken_as_it_is(spent):
    require_own_unit(Path("spent.csv"), np.array(spent), USUAL, "EUR")


def test_without_a_usual_spend_nothing_is_said():
    require_own_unit(Path("spent.csv"), np.ones(2), np.zeros(2), "EUR")

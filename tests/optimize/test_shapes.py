"""Lines over totals that no allowed course exceeds: against linear programs of SciPy, whatever a solver returns."""

import numpy as np
import pytest
from scipy.optimize import linprog

from engine.optimize.over_time.shapes import Shapes, filled

COUNT, STEPS = 4, 6


def ramps(rng):
    """Courses in a box whose steps are bounded, and whose first half has a cap: rows that ratios alone do not say."""
    low, high = rng.uniform(0, 5, COUNT) * (rng.random(COUNT) < 0.5), rng.uniform(20, 60, COUNT)
    rows = []
    for at in range(COUNT - 1):
        for before, least, most in ((-1.3, -np.inf, 0.0), (-0.7, 0.0, np.inf)):
            weights = np.zeros(COUNT)
            weights[at : at + 2] = before, 1.0
            rows.append((weights, least, most))
    rows.append((np.array([1.0, 1.0, 0.0, 0.0]), 8.0, 50.0))
    return Shapes(low, high, tuple(rows), np.zeros(COUNT))


def steepest(held, slope, total=None):
    """The most that a slope times an allowed course, of a total, can be; below everything where there is none."""
    weights, size = np.array([row[0] for row in held.rows]), float(np.abs(slope).max())
    least, most = (np.array([row[at] for row in held.rows]) for at in (1, 2))
    upper = np.concatenate([weights[np.isfinite(most)], -weights[np.isfinite(least)]])
    limit = np.concatenate([most[np.isfinite(most)], -least[np.isfinite(least)]])
    of_total = {} if total is None else {"A_eq": np.ones((1, COUNT)), "b_eq": [total]}
    box = list(zip(held.low, held.high, strict=True))
    found = linprog(-slope / size, upper, limit, bounds=box, method="highs", **of_total)
    return -found.fun * size if found.status == 0 else -np.inf


@pytest.mark.parametrize("tolerance", [None, 0.03], ids=["as it is", "a careless solver"])
@pytest.mark.parametrize("seed", range(4))
def test_no_course_exceeds_its_line_even_where_the_solver_is_careless(seed, tolerance):
    """A solver that stops early once told a height that courses exceed, because that was the worth of its course."""
    rng = np.random.default_rng(seed)
    held = ramps(rng)
    least, most = held.totals(0.0, float(held.high.sum()))
    if tolerance:
        for option in ("dual_feasibility_tolerance", "primal_feasibility_tolerance"):
            held.programs[0].setOptionValue(option, tolerance)
    totals = np.linspace(least, most, STEPS)
    for slope in (rng.normal(0, 1, COUNT), 1 + 0.02 * rng.normal(0, 1, COUNT), 1e-6 * rng.random(COUNT)):
        best = np.array([steepest(held, slope, total) for total in totals])
        for at, total in enumerate(totals):
            height, rise = held.line(slope, float(total))
            size = 1e-8 * float(np.abs(slope) @ held.high)
            assert (height + rise * (totals - total) >= best - size).all()
            assert tolerance or best[at] == -np.inf or height <= best[at] + size


def test_totals_are_the_ends_that_linear_programs_find():
    held = ramps(np.random.default_rng(3))
    ends = held.totals(0.0, float(held.high.sum()))
    assert ends == pytest.approx((-steepest(held, -np.ones(COUNT)), steepest(held, np.ones(COUNT))), rel=1e-9)


def test_beyond_what_a_box_holds_its_line_still_lies_above_all_that_it_holds():
    low, high, slope = np.zeros(3), np.array([1.0, 2.0, 3.0]), np.array([5.0, 1.0, 2.0])
    height, rise = filled(low, high, slope, 7.0)
    assert height - rise * (7.0 - 6.0) == pytest.approx(float(slope @ high))

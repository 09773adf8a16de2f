"""A smooth trend bends every four weeks and believes as much of a year as a piecewise one."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.baseline import COMPONENTS, design
from engine.config.model import Baseline
from engine.periods import PER_YEAR


def trend_of(dataset, kind):
    found = design(dataset, Baseline(trend=kind))
    mine = found.component == COMPONENTS.index("trend")
    return found.columns[:, mine], found.spread[mine]


@pytest.mark.parametrize(("period", "columns"), [("week", 39), ("month", 155), ("day", 6)])
def test_a_smooth_trend_has_a_knot_every_four_weeks_or_period(world, period, columns):
    smooth, spread = trend_of(replace(world(periods=156).dataset, period=period), "smooth")
    assert smooth.shape == (156, columns) and spread.shape == (columns,)


def test_the_slope_of_a_year_is_believed_alike(world):
    """Over a year between knots the slope changes by the sum of its bends, which are independent."""
    dataset = world(periods=522).dataset
    variance = {kind: (trend_of(dataset, kind)[1][1:] ** 2).sum() / 10 for kind in ("piecewise", "smooth")}
    assert variance["smooth"] == pytest.approx(variance["piecewise"], rel=0.06)
    assert variance["piecewise"] == pytest.approx(2 * 0.1**2, rel=0.06)


def test_a_smooth_trend_follows_what_a_piecewise_one_cuts(world):
    """A rise within two months: least squares with the beliefs as penalty, both trends upon the same noise."""
    dataset = world(periods=156).dataset
    years = np.arange(156) / PER_YEAR["week"]
    target = 0.2 / (1 + np.exp(-(years - 1.55) * 30)) - 0.1
    left = {}
    for kind in ("piecewise", "smooth"):
        columns, spread = trend_of(dataset, kind)
        columns = np.concatenate([np.ones((156, 1)), columns], axis=1)
        penalty = np.diag(np.r_[0.0, (0.01 / spread) ** 2])
        found = columns @ np.linalg.solve(columns.T @ columns + penalty, columns.T @ target)
        left[kind] = np.abs(found - target).mean()
    assert left["smooth"] < 0.7 * left["piecewise"]

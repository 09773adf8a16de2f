"""History per head."""

from dataclasses import replace

import numpy as np
import pytest

from engine.calibrate.panel import scale


@pytest.mark.parametrize(
    ("people", "sized_by", "size"),
    [(500.0, "population", [1.0, 1.0]), (1.0, "mean outcome", [0.5, 1.5])],  # ones: unknown
)
def test_known_populations_size_the_geos_even_where_they_are_equal(world, people, sized_by, size):
    dataset = world(channels=1, periods=60, people=(1.0, 1.0)).dataset
    outcome = np.ones((60, 2)) * np.array([100.0, 300.0])
    panel = scale(replace(dataset, outcome=outcome, population=np.full(2, people)))
    assert panel.sized_by == sized_by and panel.size == pytest.approx(size)


@pytest.mark.parametrize(("period", "first"), [("day", 28), ("week", 4), ("month", 1), ("quarter", 1)])
def test_the_stock_before_history_is_the_mean_of_four_weeks(world, period, first):
    dataset = replace(world(channels=1, periods=60).dataset, period=period)
    panel = scale(dataset)
    assert panel.opening_periods == first
    assert np.array_equal(panel.opening, panel.dose[:first].mean(axis=0))

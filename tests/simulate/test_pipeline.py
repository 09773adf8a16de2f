"""The sales queue, one opportunity at a time, against queueing theory, the engine's weekly law, and its own books."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc, gammaln

from engine.errors import InputError
from engine.simulate.pipeline import (
    Outcome,
    Team,
    by_week,
    erlang_c,
    poisson_arrivals,
    reps_needed,
    simulate_pipeline,
    steady,
    wins_by_week,
)

RUNS, WARM, WEEKS = 16, 60, 460


def observed(team, per_week, seed):
    """Share that must wait, mean wait and share that leaves, of the opportunities after a warm-up."""
    told = simulate_pipeline(team, poisson_arrivals(np.full(WEEKS, per_week), seed), WEEKS, seed)
    settled = (told.arrived > WARM) & (told.arrived < WEEKS - WARM)
    left = told.outcome[settled] == Outcome.ABANDONED
    stayed = np.where(left, told.ended[settled], told.started[settled]) - told.arrived[settled]
    return (stayed > 0).mean(), stayed.mean(), left.mean()


QUEUES = {
    "M/M/1": (Team(1, 1, 2.0, 3.0), 3.0),
    "M/M/6": (Team(2, 3, 0.3, 0.5), 3.6),
    "M/M/6 with patience": (Team(3, 2, 0.3, 0.5, patience=2.0), 4.5),
    "more than a team can work": (Team(4, 1, 0.6, 0.6, patience=1.0), 8.0),
}


@pytest.mark.parametrize(("team", "per_week"), QUEUES.values(), ids=QUEUES)
def test_the_queue_waits_and_loses_as_erlang_says(team, per_week):
    runs = np.array([observed(team, per_week, seed) for seed in range(RUNS)])
    error = runs.std(axis=0, ddof=1) / np.sqrt(RUNS)
    theory = steady(team, per_week)
    off = runs.mean(axis=0) - [theory.must_wait, theory.wait, theory.abandoned]
    print(off, error)
    assert (np.abs(off) <= 3 * error).all()

"""Thousands of variations of one question at once, each with its value, its bound and its gap.

Tables are made once; prices and effects stretch them. All rows are relaxed together and divided until each is proven
(branch and bound by waves); the split found is valued over all draws. A row that is not certified then goes to the
exact path, `engine.optimize.solve`, one by one.
"""

import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize.batch.arrays import NUMPY, Backend
from engine.optimize.batch.limits import apart, limits, tolls
from engine.optimize.batch.rows import Found, Work, plan_together
from engine.optimize.batch.variations import Variations, variants, varied
from engine.optimize.closeness import CERTIFIED
from engine.optimize.polish import charged
from engine.optimize.rules import Problem, compared, problem_of
from engine.optimize.solve import solve
from engine.response.curves import Curves

MOST_ALONE = 2_000  # rows that may be solved one by one where the rules across channels allow nothing else


@dataclass(frozen=True)
class Seconds:
    """Where the time went."""

    tables: float
    division: float  # relaxing and dividing rows
    valuation: float  # over all draws, and checks
    exact: float  # rows on the exact path


@dataclass(frozen=True)
class Batch:
    """The best split of every row; a row that no split can keep the rules of is not planned, and its figures are nan.

    Value, bound and gap speak of what is maximised, the mean less the tolls on moves, as those of a plan do.
    """

    names: tuple[str, ...]
    budget: Float[np.ndarray, " row"]  # total or limit [currency over the horizon]
    spend: Float[np.ndarray, "row channel"]  # [currency over the horizon]
    value: Float[np.ndarray, " row"]  # mean objective over all draws, less tolls
    tolls: Float[np.ndarray, " row"]  # what moves from today's split are charged; value plus tolls is the plain mean
    bound: Float[np.ndarray, " row"]  # no split under the row's rules is worth more
    gap: Float[np.ndarray, " row"]  # relative
    exact: Bool[np.ndarray, " row"]  # went to the exact path
    planned: Bool[np.ndarray, " row"]  # some split keeps every rule
    seconds: Seconds


def batch(curves: Curves, scenario: Scenario, asked: Variations, backend: Backend = NUMPY) -> Batch:
    """The certified best splits of many variations of a scenario.

    The order of rows, and how many are worked on at once, do not matter to the last digit; tables are made for all
    rows together.

    Args:
        curves: What spend does, joint draws.
        scenario: The question that is varied; its rules, groups and shocks hold in each row, and shares of a total are
            of the row's own.
        asked: What differs by row.
        backend: Where arrays are worked on.

    Raises:
        InputError: The scenario does not fit the curves, or the variations do not fit each other.
    """
    problem = problem_of(curves, scenario)
    _require_plain(problem, scenario)
    given = variants(problem, asked)
    rows, together = len(given.budget), apart(problem)
    if not together and rows > MOST_ALONE:
        raise InputError(
            f"scenario {scenario.name!r}: its rules across channels overlap, are shares of a budget that is not fixed, "
            f"or ask for steps, numbers of channels or tiers, so each row is solved alone, and {rows} rows are above "
            f"the limit of {MOST_ALONE}; give fewer rows"
        )
    found, seconds, charge = Found.unknown(len(problem.names), rows), np.zeros(3), np.zeros(rows)
    if together:
        work = Work(problem, given, limits(problem, given), backend)
        for view in range(given.views):
            seconds += plan_together(work, view, found)
        charge = tolls(work.limits, found.spend)
    begin = time.perf_counter()
    doubtful = ~(found.gap <= CERTIFIED) & (found.bound != -np.inf)
    for row in np.flatnonzero(doubtful).tolist():
        charge[row] = _alone(varied(problem, given, row), row, found)
    planned = np.isfinite(found.value)
    tables, division, valuation = seconds.tolist()
    return Batch(
        problem.names,
        given.budget,
        found.spend.T,
        found.value,
        np.where(planned, charge, np.nan),
        np.where(planned, found.bound, np.nan),
        found.gap,
        doubtful,
        planned,
        Seconds(tables, division, valuation, time.perf_counter() - begin),
    )


def _require_plain(problem: Problem, scenario: Scenario) -> None:
    """Refuse what cannot be told of many variations at once.

    Raises:
        InputError: The plan decides over time, or keeps what follows from what money brings.
    """
    if problem.ways:
        raise InputError(
            f"scenario {scenario.name!r}: many variations at once are planned as one split of a year like any other, "
            'and this one decides over time; set horizon.decide = "horizon" without carry_over, or ask one by one'
        )
    if problem.returns:
        raise InputError(
            f"scenario {scenario.name!r}: {problem.returns[0].name} follows from what money brings, which many "
            "variations at once change; leave it out, or ask one by one"
        )


def _alone(problem: Problem, row: int, found: Found) -> float:
    """Solve one row on the exact path and put it among what was found; its tolls come back."""
    solved = solve(problem, starts=(compared(problem),))
    if solved is None:
        found.put(row, np.full(len(problem.names), np.nan), (np.nan, -np.inf, np.nan))
        return 0.0
    found.put(row, solved.spend, (solved.value, solved.bound, solved.gap))
    return charged(problem, solved.spend)

"""Heeded: which rules of the scenario a policy keeps on which paths, once shocks have come."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.optimize.over_time.decision_rules import QUARTER, RAMP
from engine.optimize.over_time.several import by_cell
from engine.optimize.rules import Problem, problem_of
from engine.stress.play import Paths
from engine.stress.sets import Case
from engine.stress.setting import Setting
from engine.stress.trial import Trial, shocked

HAIR = 0.01  # of the money of the mean cell: by less a rule is not broken
TOGETHER = 2000  # paths whose dates are looked at together


@dataclass(frozen=True)
class Unkept:
    """A rule that is not kept on some paths."""

    rule: str
    paths: float  # share of them on which it is not
    money: float  # by how much, in the mean of those [currency]


@dataclass(frozen=True)
class Heeded:
    """What becomes of the rules under one policy."""

    broken: float  # share of paths on which any rule is not kept
    unkept: tuple[Unkept, ...]  # those rules, the most frequent first


def heeded(
    setting: Setting,
    problem: Problem,
    spend: Float[np.ndarray, "path decision channel"],
    shut: Bool[np.ndarray, "#path decision channel"],
) -> Heeded:
    """Which rules a policy does not keep.

    Those about how much money there is are left out, for shocks change it; so are ramps of decisions with closed
    dates, which leave no pace to go by. Rules that are shares of all money are shares of what is spent.

    Args:
        setting: The plan.
        problem: Its rules (`rules_asked`).
        spend: By path [currency].
        shut: Where some dates of a decision are closed.
    """
    cells, total = spend.reshape(len(spend), -1), float(setting.money.sum())
    hair, closed = HAIR * total / len(problem.lower), shut.reshape(len(shut), -1)
    scale = cells.sum(axis=1) / total
    anywhere, found = np.zeros(len(cells), bool), []
    for rule in problem.rules[1:]:
        if rule.name.startswith(QUARTER) or rule.is_discrete or rule.flight:
            continue
        weights = by_cell(problem, rule.weights).T.ravel()  # those turn, for of paths there may be many
        amount, size = cells @ weights, scale if rule.share else np.ones(len(cells))
        missed = np.maximum(_beyond(rule.low, size, amount, -1.0), _beyond(rule.high, size, amount, 1.0))
        broken = missed > hair
        if rule.name.startswith(RAMP):
            broken &= ~closed[:, weights != 0].any(axis=1)
        if broken.any():
            anywhere |= broken
            found.append(Unkept(rule.name, float(broken.mean()), float(missed[broken].mean())))
    return Heeded(float(anywhere.mean()), tuple(sorted(found, key=lambda one: -one.paths)))


def rules_asked(setting: Setting) -> Problem:
    """The rules of the plan, over its cells."""
    return problem_of(setting.curves, setting.scenario)


def closed(trial: Trial, case: Case, paths: Paths) -> Bool[np.ndarray, "_path decision channel"]:
    """Where shocks close some dates of a decision; one path where none of them does."""
    setting = trial.setting
    none = np.zeros((1, setting.grid.count, len(setting.names)), bool)
    outages = tuple(shock for shock in case.shocks if shock.kind == "outage")
    if not outages:
        return none
    found = []
    for begin in range(0, len(paths.number), TOGETHER):
        some = Paths(paths.number[begin : begin + TOGETHER], paths.draws[begin : begin + TOGETHER])
        levels = shocked(trial, outages, some)(setting, None).open
        rows = np.stack(np.broadcast_arrays(*(level[:, : setting.periods] for level in levels)), axis=2)
        least = np.minimum.reduceat(rows, setting.grid.edges[:-1], axis=1)
        found.append(np.broadcast_to(least < 1, (len(some.number), *none.shape[1:])))
    return np.concatenate(found)


def _beyond(
    end: float, size: Float[np.ndarray, " path"], amount: Float[np.ndarray, " path"], sign: float
) -> Float[np.ndarray, " path"]:
    """How far an amount lies beyond an end of a rule [currency]."""
    return np.maximum(sign * (amount - end * size), 0.0) if np.isfinite(end) else np.zeros(len(amount))

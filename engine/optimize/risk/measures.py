"""Measures of risk as sets of odds: the worst mean that the draws have under any odds of a set, beside their mean.

Conditional value at risk lets no draw be likelier than its own chance over the level (Rockafellar and Uryasev,
Optimization of conditional value-at-risk, 2000); the robust mean keeps within a chi-square ball (Ben-Tal et al.,
Robust solutions of optimization problems affected by uncertain probabilities, 2013); regret lets any draw be certain
and counts from the best that each draw allows. All are concave in what the draws earn.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Risk

ALIKE = 1e-12  # of the largest value: draws no further apart than this are one


@dataclass(frozen=True)
class Measure:
    """`weight` times the worst mean over a set of odds, plus the rest times the mean.

    With a `target` the odds need not sum to one: each draw below the target costs `most` for each unit it is short.
    """

    base: Float[np.ndarray, " draw"]  # chance of each draw, summing to 1
    most: Float[np.ndarray, " draw"]  # the most that odds of the set give a draw
    radius: float = np.inf  # root mean square by which odds of the set may deviate from `base`, relative
    weight: float = 1.0  # from 0 to 1
    less: Float[np.ndarray, " draw"] | float = 0.0  # taken off each draw before the worst is looked for [objective]
    sure: Float[np.ndarray, " draw"] | float = 0.0  # what is certainly to be taken off, for bounds: at most `less`
    target: float | None = None  # [objective]

    @property
    def single(self) -> bool:
        """Whether the set holds nothing but the draws' own chances, so that the measure is the mean."""
        fixed = self.weight == 0 or self.radius == 0 or len(self.base) == 1 or bool(np.all(self.most <= self.base))
        return fixed and self.target is None and not np.any(self.less)

    def per(self, unit: float) -> float:
        """What odds count as where a value of `unit` is counted as one: those of a target are a cost of each unit."""
        return 1.0 if self.target is None else unit

    def scaled(self, unit: float) -> "Measure":
        """The same measure where a value of `unit` is counted as one."""
        if self.target is None:
            return replace(self, less=self.less / unit, sure=self.sure / unit)
        return replace(self, most=self.most * self.per(unit), target=self.target / unit)

    def mixed(self, odds: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
        """Odds of the set, which may be short of a sum of one, with the draws' own chances mixed in."""
        return self.weight * odds + (1 - self.weight) * self.base

    def value(self, values: Float[np.ndarray, " draw"]) -> float:
        """The measure of what a plan earns by draw."""
        odds = worst(self, values - self.less)
        least = float(odds @ (values - self.less)) - float(odds.sum()) * (self.target or 0.0)
        return self.weight * least + (1 - self.weight) * float(self.base @ values)

    def limit(self, odds: Float[np.ndarray, " draw"], bound: float) -> float:
        """What no plan's measure exceeds, where none has a mean above `bound` under the mixed odds, summing to 1."""
        mixed = self.mixed(odds)
        taken = float(odds @ (self.sure + np.zeros(len(odds)))) + float(odds.sum()) * (self.target or 0.0)
        return float(mixed.sum()) * bound - self.weight * taken


def measure_of(risk: Risk, base: Float[np.ndarray, " draw"]) -> Measure:
    """The measure that a scenario asks for, over all odds that it allows; of regret the odds alone."""
    if risk.measure == "cvar":
        return Measure(base, np.minimum(base / risk.level, 1.0), weight=risk.weight)
    if risk.measure == "robust":
        return Measure(base, np.ones(len(base)), risk.radius, risk.weight)
    if risk.measure == "regret":
        return Measure(base, np.ones(len(base)), weight=risk.weight)
    return Measure(base, base, weight=0.0)


def worst(measure: Measure, values: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
    """The odds of the set under which the mean of some values, or the shortfall from the target, is worst."""
    if measure.target is not None:
        return np.where(values < measure.target, measure.most, 0.0)
    if measure.radius == 0 or np.ptp(values) <= ALIKE * float(np.abs(values).max()):
        return measure.base
    order = np.argsort(values, kind="stable")
    odds = np.empty(len(values))
    if np.isfinite(measure.radius):
        odds[order] = _in_ball(values[order], measure.base[order], measure.radius)
    else:
        most = measure.most[order]
        odds[order] = np.clip(1.0 - (np.cumsum(most) - most), 0.0, most)
    return within(measure, odds)


def _in_ball(values: np.ndarray, base: np.ndarray, radius: float) -> np.ndarray:
    """The worst odds in the chi-square ball for rising values: linear on the lowest draws and nothing on the rest.

    On the draws that keep a chance the relative deviation is (middle - value) / spread. For each number of draws that
    keep one, both follow from two conditions: odds sum to one and lie on the ball.
    """
    centred = (values - float(base @ values)) / float(np.ptp(values))
    kept = np.cumsum(base)
    lost = np.append(np.maximum(1 - kept[:-1], 0.0), 0.0)
    mean = np.cumsum(base * centred) / kept
    squares = np.maximum(np.cumsum(base * centred**2) - kept * mean**2, 0.0)
    room = radius**2 - lost / kept
    held = np.flatnonzero(room >= 0)
    if squares[held[0]] <= ALIKE:  # the ball reaches odds on the lowest draws alone, which are alike
        return np.where(np.arange(len(values)) <= held[0], base / kept[held[0]], 0.0)
    held = held[room[held] > 0]
    spread = np.sqrt(squares[held] / room[held])
    middle = mean[held] + lost[held] / kept[held] * spread
    chosen = np.flatnonzero(centred[held] - middle <= spread * (1 + ALIKE))[-1]
    return base * np.maximum(1 + (middle[chosen] - centred) / spread[chosen], 0.0)


def within(measure: Measure, odds: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
    """Odds of the set near some that may be off by rounding or by a solver's tolerance."""
    odds = np.clip(odds, 0.0, measure.most)
    if measure.target is not None:
        return odds
    total = float(odds.sum())
    if total > 1:
        odds = odds / total
    elif total < 1:
        odds = np.minimum(odds / max(total, 1e-300), measure.most)  # what has no chance keeps none where that is enough
        room = measure.most - odds
        odds = odds + max(0.0, 1 - float(odds.sum())) * room / max(float(room.sum()), 1e-300)
    if np.isfinite(measure.radius):
        away = float(np.sqrt(np.sum((odds - measure.base) ** 2 / measure.base)))
        odds = measure.base + (odds - measure.base) * min(1.0, measure.radius / max(away, 1e-300))
    return odds

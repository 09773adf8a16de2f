"""The certificate of a plan of several decisions whose curves bend upwards: a bound that is a proof.

The estimate in the tables behind such a plan (see `totals`) is replaced, channel by channel, by what parts of all
courses earn at the most (see `proof`). Where the bound that follows is still far from the plan, parts that allow the
best split over these tables more than its courses earn are seen closer, until both meet or the effort is spent.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import CERTIFIED
from engine.optimize.over_time.proof import Part, Question, begun, divided, over, refined, table
from engine.optimize.over_time.several import by_cell, is_flat
from engine.optimize.over_time.totals import Known, View
from engine.optimize.rules import USUAL, Problem
from engine.optimize.side_by_side import each
from engine.optimize.solve import routed

CLOSE = 5e-4  # relative gap at which a proof is good enough: half of what a certificate may show
SHARE = 0.4  # of that which the parts of all channels together may leave open at the prices of the plan
AT_ONCE = 8  # parts of a channel that are divided before all channels are looked at again
HOPELESS = 2.0  # times what a certificate may show: where parts leave open more, usual effort ends
A_ROUND = 5  # divided parts of a channel that are worth one round in which parts are seen closer
MUCH = 0.3  # of what stands out most: channels that stand out so much are looked at together


@dataclass(frozen=True)
class Tables:
    """The tables of all channels at some prices of the rules that tell decisions of several channels apart."""

    views: tuple[View, ...]
    known: tuple[Known, ...]  # be it on some of the draws of the views
    constant: float  # what priced rules add to the bound [objective]


@dataclass(frozen=True)
class Proof:
    """What no plan exceeds, and the totals that come closest to it."""

    bound: float
    totals: Float[np.ndarray, " channel"]  # [currency]


def proven(
    problem: Problem, question: Problem, tables: Tables, plan: tuple[float, np.ndarray], prices: np.ndarray
) -> Proof | None:
    """The rigorous bound of a problem; None where no totals keep the rules.

    Args:
        problem: The problem, with the effort of its proof.
        question: The question of totals.
        tables: The tables around the plan, of which some are estimates.
        plan: What the plan is worth, and its money by cell.
        prices: What one unit of room by each rule is worth, of a lower limit below 0.
    """
    value, spend = plan
    channels = zip(tables.views, tables.known, by_cell(problem, spend), _prices(problem, prices).tolist(), strict=True)
    asked = [Question(*channel) for channel in channels]
    tolerance = SHARE * CLOSE * abs(value)
    parts = _closed(asked, tolerance, problem.effort)
    left = sum(over(one, own) for one, own in zip(asked, parts, strict=True))
    hopeless = problem.effort <= USUAL and left > HOPELESS * CERTIFIED * abs(value)
    best, seen = None, list[Float[np.ndarray, " channel"]]()
    for _ in range(1 + problem.effort // A_ROUND):
        made = [
            table(one, own, np.array([split[one.view.channel] for split in seen]))
            for one, own in zip(asked, parts, strict=True)
        ]
        found, _ = routed(question, made)
        if found is None:
            return None
        bound = found.bound + tables.constant
        best = Proof(bound, found.spend) if best is None or bound < best.bound else best
        if hopeless or bound - value <= CLOSE * abs(bound):
            break
        seen.append(found.spend)
        held = zip(asked, parts, found.spend.tolist(), strict=True)
        parts = each(lambda one: refined(*one, tolerance / len(asked)), held)
    return best


def _closed(asked: list[Question], tolerance: float, effort: int) -> list[list[Part]]:
    """The parts of all channels, divided where they stand out most until all together stand out by a tolerance."""
    parts = each(begun, asked)
    left = [effort * one.view.bent for one in asked]
    goal = MUCH * tolerance / max(1, sum(one.view.bent for one in asked))
    while True:
        high = [over(one, own) for one, own in zip(asked, parts, strict=True)]
        if sum(high) <= tolerance:
            break
        most = max((one for one, more in zip(high, left, strict=True) if more > 0), default=0.0)
        if most <= goal:
            break
        some = [at for at, one in enumerate(high) if left[at] > 0 and one >= MUCH * most]
        closer = each(lambda at: divided(asked[at], parts[at], goal, AT_ONCE), some)
        for at, own in zip(some, closer, strict=True):
            parts[at], left[at] = own, left[at] - AT_ONCE
    return parts


def _prices(problem: Problem, prices: Float[np.ndarray, " rule"]) -> Float[np.ndarray, " channel"]:
    """What the rules about totals of several channels charge a unit of each channel's money."""
    found = np.zeros(len(problem.names))
    for rule, price in zip(problem.rules, prices.tolist(), strict=True):
        weights = by_cell(problem, rule.weights)
        if price and np.count_nonzero(weights.any(axis=1)) > 1 and is_flat(problem, rule):
            found += price * weights[:, 0]
    return found

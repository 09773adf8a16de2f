"""The certificate of a plan of several decisions whose curves bend upwards: a bound that is a proof.

The estimate in the tables behind such a plan (see `totals`) is replaced, channel by channel, by what parts of all
courses earn at the most (see `proof`). Where the bound that follows is still far from the plan, parts that allow the
best split over these tables more than its courses earn are seen closer, until both meet or the effort is spent.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.proof import Part, Question, begun, divided, excess, refined, standing_out, table
from engine.optimize.over_time.several import by_cell, gross, is_flat
from engine.optimize.over_time.totals import Known, View
from engine.optimize.rules import USUAL, Problem
from engine.optimize.side_by_side import each
from engine.optimize.solve import LEAST_OUTCOME, LEAST_PROFIT, routed

CLOSE = 8e-4  # relative gap at which a proof is good enough: a little less than a certificate may show
SHARE = 0.4  # of that which the parts of all channels together may leave open at the prices of the plan
DIVIDED = 4  # parts of a channel that are divided before all channels are looked at again
MUCH = 0.3  # of what stands out most: channels that stand out so much are looked at together
LEAST = 0.5  # of the tolerance: what the channels that are left alone may leave open together
AFTERWARDS = 0.4  # of the effort: kept for what is left open between prices
MANY = 40  # channels of which an effort is spoken
TINY = 1e-300
HOPELESS = 5.0  # times the tolerance: where parts leave open more, the usual effort ends


@dataclass(frozen=True)
class Tables:
    """The tables of all channels at some prices of the rules that tell decisions of several channels apart."""

    views: tuple[View, ...]
    known: tuple[Known, ...]  # be it on some of the draws of the views; nothing where none were made
    constant: float  # what priced rules add to the bound [objective]


@dataclass(frozen=True)
class Proof:
    """What no plan exceeds, and known courses of the totals that come closest to it."""

    bound: float
    courses: Float[np.ndarray, " cell"]  # [currency]


def proven(
    problem: Problem, question: Problem, tables: Tables, plan: tuple[float, np.ndarray], prices: np.ndarray
) -> Proof | None:
    """The rigorous bound of a problem; None where no totals keep the rules.

    Args:
        problem: The problem, with the effort of its proof: about how many parts may be looked at.
        question: The question of totals.
        tables: The tables around the plan, of which some are estimates.
        plan: What the plan is worth, and its money by cell.
        prices: What one unit of room by each rule is worth, of a lower limit below 0.
    """
    value, spend = plan
    guides = tables.known or (None,) * len(tables.views)
    size = measured(problem, value)
    tolerance = SHARE * CLOSE * size
    channels = zip(tables.views, guides, by_cell(problem, spend), _prices(problem, prices).tolist(), strict=True)
    asked = [Question(*channel, LEAST * tolerance / len(tables.views)) for channel in channels]
    parts, left, hopeful = _closed(problem, asked, tolerance)
    best, seen = None, list[Float[np.ndarray, " channel"]]()
    while True:
        made = [
            table(one, own, np.array([split[one.view.channel] for split in seen]))
            for one, own in zip(asked, parts, strict=True)
        ]
        found, _ = routed(question, made)
        if found is None:
            return None
        bound = found.bound + tables.constant
        problem.tell(f"{_counted(problem, left)}; no plan earns {max(bound - value, 0.0) / size:.2%} more")
        if best is None or bound < best.bound:
            totals = zip(asked, found.spend.tolist(), strict=True)
            best = Proof(bound, np.concatenate([one.course(total) for one, total in totals]))
        if bound - value <= CLOSE * size or left <= 0 or not hopeful:
            return best
        seen.append(found.spend)
        some = _loose(asked, parts, found.spend, tolerance)
        if not some:
            return best
        held = [(asked[at], parts[at], float(found.spend[at])) for at in some]
        closer = each(lambda one: refined(*one), held)
        before = left
        for at, own in zip(some, closer, strict=True):
            left -= _made(parts[at], own)
            parts[at] = own
        if left == before:
            return best


def measured(problem: Problem, value: float) -> float:
    """Against what a plan's gap is measured: its worth, or a share of all that could be earned; above 0."""
    return max(abs(value), least_share(problem) * gross(problem), TINY)


def least_share(problem: Problem) -> float:
    """Of all that could be earned: the worth against which gaps of plans that are worth less are measured."""
    return LEAST_PROFIT if any(way.cost.any() for way in problem.ways) else LEAST_OUTCOME


def _loose(
    asked: list[Question], parts: list[list[Part]], split: Float[np.ndarray, " channel"], tolerance: float
) -> list[int]:
    """The channels that a split allows most above what is known to be earned, all others together a tolerance."""
    held = zip(asked, parts, split.tolist(), strict=True)
    high = np.array(each(lambda one: excess(*one), held))
    order = np.argsort(-high, kind="stable")
    without = np.cumsum(np.maximum(high[order], 0.0)[::-1])[::-1]  # of each and all that are less loose
    return [int(at) for at in order[(without > LEAST * tolerance) & (high[order] > 0)]]


def _closed(problem: Problem, asked: list[Question], tolerance: float) -> tuple[list[list[Part]], int, bool]:
    """The parts of all channels, divided where they stand out most until all together stand out by a tolerance.

    And how much of the effort is left, of which not all is spent here, and whether there is hope to certify with it.
    """
    effort = _allowed(problem)
    parts, left = each(begun, asked), effort
    while True:
        high = [standing_out(one, own) for one, own in zip(asked, parts, strict=True)]
        problem.tell(f"{_counted(problem, left)}; they leave open {sum(high) / tolerance:.1f} times what they may")
        if sum(high) <= tolerance or left <= effort * AFTERWARDS:
            break
        some = [at for at, one in enumerate(high) if one >= max(MUCH * max(high), asked[at].tolerance)]
        closer = each(lambda at: divided(asked[at], parts[at], DIVIDED), some)
        before = left
        for at, own in zip(some, closer, strict=True):
            left -= _made(parts[at], own)
            parts[at] = own
        if left == before:
            break
    return parts, left, sum(high) <= HOPELESS * tolerance or problem.effort > USUAL


def _counted(problem: Problem, left: int) -> str:
    return f"{_allowed(problem) - left:,} parts of all courses looked at"


def _allowed(problem: Problem) -> int:
    """How many parts may be looked at: the effort, and of more than many channels as much more."""
    return int(problem.effort * max(1.0, len(problem.names) / MANY))


def _made(before: list[Part], now: list[Part]) -> int:
    """How many parts were looked at between two states: the new ones."""
    known = {id(part) for part in before}
    return sum(id(part) not in known for part in now)


def _prices(problem: Problem, prices: Float[np.ndarray, " rule"]) -> Float[np.ndarray, " channel"]:
    """What the rules about totals of several channels charge a unit of each channel's money."""
    found = np.zeros(len(problem.names))
    for rule, price in zip(problem.rules, prices.tolist(), strict=True):
        weights = by_cell(problem, rule.weights)
        if price and np.count_nonzero(weights.any(axis=1)) > 1 and is_flat(problem, rule):
            found += price * weights[:, 0]
    return found

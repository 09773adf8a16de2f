"""Which limits to move so that all rules can be kept: one alone, or several together as cheaply as can be."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.conflict.choosing import settled
from engine.optimize.conflict.elastic import NEAR, Point, Program, Refusal, money_of
from engine.optimize.conflict.feasible import BRIEF, PATIENCE, cheapest, easing, everything
from engine.optimize.rules import Rule

COSTS = (  # of one unit of money by which a rule gives way, by how its name begins or ends: the first that fits
    (r" as spent from ", math.inf),  # what is over cannot give way
    (r"^no date on which ", 1000.0),  # no limit can be typed here: a date must be opened
    (r" locked$| committed\b", 100.0),  # contracts
    (r"^budget\b", 10.0),
    (r"\b(floor|cap|minimum flight) of ", 3.0),  # limits of one channel, or of a group
    (r"", 1.0),  # policies: shares, ramps, bounds relative to history, reserves
)
TINY = 1e-6  # share of an amount by which another is not cheaper
COARSE = 1e3  # times: where limits shrink by more, the others were too small to be seen beside the one that gave way
FEW = 12  # rules in conflict up to which each is tried as a way out where minimum flights leave a choice
SOME = 3  # ways out that are sought where there are more
ROUNDS = 3  # of joint repairs, each in the unit of what the last one left


@dataclass(frozen=True)
class Relaxation:
    """One rule and the money by which it must give way, alone or together with others."""

    rule: Rule
    amount: float  # [currency]
    limit: float  # the new one: what the rule's side is at `spend` [currency]
    upwards: bool  # whether its limit must rise
    index: int  # of the rule among all
    spend: Float[np.ndarray, " cell"]  # that keeps all rules once this, and what goes with it, has given way [currency]
    is_least: bool = (
        True  # whether less is proven to be too little; together, up to `CERTIFIED` where flights are chosen
    )

    @property
    def signed(self) -> float:
        """The amount, below zero where the limit must fall [currency]."""
        return self.amount if self.upwards else -self.amount


def cost(rule: Rule) -> float:
    """What one unit of money costs by which a rule gives way beside others: contracts more than policies.

    >>> cost(Rule("tv locked", np.ones(1))), cost(Rule("most share of earned", np.ones(1)))
    (100.0, 1.0)
    """
    return next(price for pattern, price in COSTS if re.search(pattern, rule.name))


def eased(rules: Sequence[Rule], given: Sequence[Relaxation]) -> tuple[Rule, ...]:
    """The rules as if new limits had been typed; what is a share of a total that gave way is a share of the new one."""
    moved_by = {item.index: item for item in given}
    total = moved_by[0].limit if 0 in moved_by else rules[0].high
    shared = (_of_total(rule, total) for rule in rules)
    return tuple(_at(rule, moved_by[at], total) if at in moved_by else rule for at, rule in enumerate(shared))


def _of_total(rule: Rule, total: float) -> Rule:
    if not rule.share:
        return rule
    limit = rule.share * total
    low, high = (limit if math.isfinite(side) else side for side in (rule.low, rule.high))
    return replace(rule, low=low, high=high)


def _at(rule: Rule, item: Relaxation, total: float) -> Rule:
    """A rule at its new limit; a share of a total is another share of it."""
    if rule.flight:
        return replace(rule, flight=item.limit)
    limit = rule.share * total + item.signed if rule.share else item.limit
    if rule.low == rule.high:
        changed = replace(rule, low=limit, high=limit)
    else:
        changed = replace(rule, high=limit) if item.upwards else replace(rule, low=limit)
    return replace(changed, share=limit / total) if rule.share else changed


def alone(program: Program, members: Sequence[int], enough: int | None = None) -> tuple[Relaxation, ...]:
    """For each of some rules in conflict that can end every conflict alone: the least it must give, cheapest first.

    The total is among them where a share of it is. With `enough`, no more than the cheapest so many; a few, not always
    the cheapest, where they are `too_many`.
    """
    tried = [0, *members] if 0 not in members and any(program.rules[at].share for at in members) else members
    least, unknown = _least(program, members), 0.0
    patience = BRIEF if is_hard(program, members) else PATIENCE
    if enough and too_many(program, members):
        enough, unknown, patience = min(enough, SOME), math.inf, 0
    found: list[Relaxation] = []
    for at in sorted(tried, key=lambda at: least.get(at, 0.0)):
        if least.get(at, 0.0) > _vacuous(program.rules[at]):
            continue
        if enough and len(found) >= enough and least.get(at, unknown) >= found[enough - 1].amount * (1 - TINY):
            break
        item = _alone(program, at, patience)
        found = sorted([*found, item], key=lambda item: item.amount) if item else found
    return tuple(found[:enough])


def _least(program: Program, members: Sequence[int]) -> dict[int, float]:
    """Less than this is too little of each rule in conflict, from the multipliers that prove it [currency].

    Nothing is said where minimum flights or shares of the total are in the conflict.
    """
    if any(program.rules[at].flight or program.rules[at].share for at in members):
        return {}
    kept = np.isin(np.arange(len(program.rules)), members)
    point = program.ask(replace(everything(program), kept=kept, evenly=True), {})
    if isinstance(point, Refusal):
        return {}
    return {at: point.cost / max(float(point.weight[at]), 1e-300) * (1 - NEAR) for at in members}


def _vacuous(rule: Rule) -> float:
    """What a rule has given when it forbids nothing any more; infinite where it cannot give so much."""
    if cost(rule) == math.inf:
        return -1.0
    return rule.low if rule.low > 0 and rule.high == math.inf and rule.weights.min() >= 0 else math.inf


def together(program: Program) -> tuple[Relaxation, ...]:
    """The rules whose giving way together costs least (`cost`), in their order; none where all can be kept.

    Where limits are far apart in size, the small ones show only once the large ones gave way: in some rounds.
    """
    given = dict[int, Relaxation]()
    first = program.rules
    for _ in range(ROUNDS):
        price = np.array([cost(rule) for rule in program.rules])
        loose = np.isfinite(price)
        point = cheapest(program, replace(everything(program), loose=loose, price=np.where(loose, price, 0.0)))
        found = moved(program, point, range(len(first))) if isinstance(point, Point) else []
        given |= {item.index: _both(given.get(item.index), item) for item in found}
        now = eased(program.rules, found)
        if not found or money_of(now) * COARSE >= program.money:
            break
        program = Program(now)
    return tuple(replace(given[at], rule=first[at]) for at in sorted(given))


def moved(program: Program, point: Point, members: Sequence[int]) -> list[Relaxation]:
    """The rules among some that give way at a point, by how much, and which way."""
    found = []
    for at in members:
        if point.give[at] > NEAR * program.money:
            rule = program.rules[at]
            limit = float(rule.weights @ point.spend)
            up = not rule.flight and limit - rule.high > rule.low - limit
            found.append(Relaxation(rule, float(point.give[at]), limit, up, at, point.spend, point.is_least))
    return found


def too_many(program: Program, members: Sequence[int]) -> bool:
    """Whether it takes too long to look for the cheapest way out at each of some rules."""
    return len(members) > FEW and is_hard(program, members)


def is_hard(program: Program, members: Sequence[int]) -> bool:
    """Whether some of the rules are minimum flights that leave a choice."""
    asked = everything(program)
    open_flights = set(program.flights.rules) - set(settled(program, asked))
    return not open_flights.isdisjoint(members)


def _alone(program: Program, at: int, patience: int) -> Relaxation | None:
    point = cheapest(program, easing(program, [at]), patience)
    found = moved(program, point, [at]) if isinstance(point, Point) else []
    if not found:
        return None
    after = eased(program.rules, found)
    if money_of(after) * COARSE >= program.money:
        return found[0]
    finer = Program(after)
    point = cheapest(finer, easing(finer, [at]))
    if isinstance(point, Refusal):
        return None
    more = moved(finer, point, [at])
    return replace(_both(found[0], more[0]), rule=program.rules[at]) if more else replace(found[0], spend=point.spend)


def _both(first: Relaxation | None, second: Relaxation) -> Relaxation:
    """What a rule gave way in two rounds, as one step."""
    move = second.signed + (first.signed if first else 0.0)
    return replace(second, amount=abs(move), upwards=move > 0)

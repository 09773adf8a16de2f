"""Questions about the rules alone, whatever money earns: can they be kept, and by how much must they give?

Where minimum flights leave a choice, it is searched depth first. A linear program that has no answer names the rules
that prove it, so that choices which had no part in it are not tried the other way; what takes long goes to a
mixed-integer program.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import highspy
import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import ROUNDING
from engine.optimize.conflict.choosing import chosen, is_ruled_out, leaning, settled
from engine.optimize.conflict.elastic import (
    NEAR,
    STAKE,
    Point,
    Program,
    Question,
    Refusal,
    Sides,
    money_of,
    quiet_solver,
)
from engine.optimize.rules import Rule

PATIENCE = 60  # programs after which a choice of flights goes to a mixed-integer program
BRIEF = 8  # the same where such a program was needed before
BEGUN = 1.001  # what a unit of money costs that is moved to where nothing was spent; 1 where something was
MOSTLY = 0.5  # share of a flight above which rounding takes it as flown
LESS = 1e-6  # share of what a rule gives by which it is asked to give less


@dataclass
class Choice:
    """A search over the sides of minimum flights: what is asked, and what has been found so far."""

    program: Program
    question: Question
    patience: int
    floor: float | None = None  # no way to keep the rules costs less [currency]
    best: Point | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing better can be found."""
        slack = NEAR * self.program.money
        return self.best is not None and self.floor is not None and self.best.cost <= self.floor + slack


class ImpatientError(Exception):
    """A search of flights took more programs than it may."""


def cheapest(program: Program, question: Question, patience: int = PATIENCE) -> Point | Refusal:
    """The cheapest way to keep the rules that are kept; or rules of which there is none, not always the fewest."""
    if not question.price.any() and not question.evenly:
        question = replace(question, leaning=leaning(program, question))
    said = settled(program, question)
    sides = {rule: on for rule, (on, _) in said.items()}
    choice = Choice(program, question, patience)
    if patience <= BRIEF and is_ruled_out(program, question, sides):
        return Refusal(frozenset(np.flatnonzero(question.kept).tolist()), frozenset())
    try:
        proof = _search(choice, sides)
    except ImpatientError:
        one = question.price.any() and question.loose.sum() == 1
        proof = _descent(choice) if one else _by_whole_numbers(choice, sides)
    if choice.best is not None:
        return choice.best
    if proof is None:  # without a proof in rules: all of them
        return Refusal(frozenset(np.flatnonzero(question.kept).tolist()), frozenset())
    reasons = {said[rule][1] for rule in proof.flights if rule in said}
    return Refusal(proof.rules | reasons, frozenset())


def _search(choice: Choice, sides: Sides) -> Refusal | None:
    """Look for the best below some sides; the proof that there is nothing, None where there may be something."""
    if not choice.patience:
        raise ImpatientError
    choice.patience -= 1
    answer = choice.program.ask(choice.question, sides)
    if isinstance(answer, Refusal):
        return answer
    choice.floor = answer.cost if choice.floor is None else choice.floor
    if choice.best is not None and answer.cost >= choice.best.cost:
        return None
    flight = _undecided(choice, answer, sides)
    if flight is None:
        choice.best = answer
        return None
    proofs = []
    for on in (True, False):  # in this order: what is not flown goes to the next flight, and so to all of them
        proof = _search(choice, {**sides, flight: on})
        if choice.ended or (proof is not None and flight not in proof.flights):
            return proof  # all is found, or this flight has no part in the proof
        proofs.append(proof)
    return _joined(flight, *proofs)


def _joined(flight: int, one: Refusal | None, other: Refusal | None) -> Refusal | None:
    """The proof from those for both sides of a flight."""
    if one is None or other is None:
        return None
    return Refusal(one.rules | other.rules, (one.flights | other.flights) - {flight})


def _undecided(choice: Choice, point: Point, sides: Sides) -> int | None:
    """The rule whose flight a point neither flies nor leaves out, the nearest to flown; None where there is none."""
    flights, question = choice.program.flights, choice.question
    if not flights.rules:
        return None
    rules = np.array(flights.rules)
    amount, slack = flights.amount @ point.spend, NEAR * choice.program.money
    need = flights.least - point.give[rules]
    is_open = question.kept[rules] & (amount > slack) & (amount < need - slack)
    is_open &= np.array([rule not in sides for rule in flights.rules])
    if not is_open.any():
        return None
    share = np.where(is_open, amount / np.maximum(need, slack), -1.0)
    return int(rules[share.argmax()])


def _by_whole_numbers(choice: Choice, sides: Sides) -> Refusal | None:
    """The best point by a mixed-integer program into the choice; it tells no proof in rules."""
    program, question = choice.program, choice.question
    if question.price.any():
        relaxed = program.ask(question, sides)
        _improve(
            choice,
            program.ask(question, {**_flown(program, relaxed), **sides}) if isinstance(relaxed, Point) else relaxed,
        )
    found, is_least = chosen(program, question, sides, choice.best.cost if choice.best else np.inf)
    if found is not None:
        _improve(choice, program.ask(question, found))
    if choice.best is not None:
        choice.best = replace(choice.best, is_least=is_least)
    return None


def _improve(choice: Choice, answer: Point | Refusal) -> None:
    if isinstance(answer, Point) and (choice.best is None or answer.cost < choice.best.cost):
        choice.best = answer


def _descent(choice: Choice) -> Refusal | None:
    """The best point, where one rule gives way, by asking whether it can give less until it cannot.

    Whether some rules can be kept is far easier to decide than how little one of them must give.
    """
    program, free = choice.program, replace(choice.question, price=np.zeros(len(choice.question.price)))
    start = replace(free, kept=free.kept & ~free.loose)
    if choice.best is not None:
        start = replace(free, given=choice.best.cost * (1 - LESS))
    found = cheapest(program, start, BRIEF)
    jumped = False
    while isinstance(found, Point):
        better = program.ask(choice.question, _flown(program, found))
        if isinstance(better, Refusal) or (choice.best and better.cost >= choice.best.cost):
            break
        choice.best = better
        if not jumped:
            jumped, found = True, cheapest(program, replace(free, given=_counted(choice, free)), BRIEF)
            if isinstance(found, Point):
                continue
        found = cheapest(program, replace(free, given=better.cost * (1 - LESS)), BRIEF)
    return None


def _counted(choice: Choice, free: Question) -> float:
    """The least that a rule may give as far as counting flights tells, by bisection [currency]."""
    high = choice.best.cost if choice.best else 0.0
    low = 0.0
    while high - low > LESS * high:
        middle = (low + high) / 2
        if is_ruled_out(choice.program, replace(free, given=middle), {}):
            low = middle
        else:
            high = middle
    return high


def _flown(program: Program, point: Point, share: float = 0.0) -> dict[int, bool]:
    """Which flights a point flies: more than a share of each is spent."""
    flights = program.flights
    is_flown = flights.amount @ point.spend > np.maximum(share * flights.least, NEAR * program.money)
    return dict(zip(flights.rules, is_flown.tolist(), strict=True))


def everything(program: Program) -> Question:
    """All rules kept, none of which gives way."""
    count = len(program.rules)
    return Question(np.ones(count, bool), np.zeros(count, bool), np.zeros(count))


def easing(program: Program, loose: Sequence[int]) -> Question:
    """All rules kept, of which some may give way at one price."""
    question = everything(program)
    chosen = np.isin(np.arange(len(program.rules)), loose)
    return replace(question, loose=chosen, price=chosen.astype(float))


def can_be_kept(rules: Sequence[Rule], rounding: float = 0.0) -> bool:
    """Whether some spend keeps all rules, each but for `rounding` of the largest limit that asks for money.

    >>> total = Rule("budget", np.ones(1), low=0.3, high=0.3)
    >>> floor = Rule("floor of tv", np.ones(1), low=0.3 + 1e-10)
    >>> can_be_kept([total, floor]), can_be_kept([total, floor], ROUNDING)
    (False, True)
    """
    slack = rounding * STAKE * money_of(rules)
    program = Program(tuple(rule.loosened(slack) for rule in rules) if slack else tuple(rules))
    return isinstance(cheapest(program, everything(program)), Point)


def kept(rules: Sequence[Rule]) -> Float[np.ndarray, " cell"] | None:
    """Some spend that keeps all rules [currency]; None where there is none."""
    program = Program(tuple(rules))
    found = cheapest(program, everything(program))
    return found.spend if isinstance(found, Point) else None


def least_relaxation(rules: Sequence[Rule], loose: Sequence[int]) -> float | None:
    """The least sum of money by which the rules at `loose` must give way so that all can be kept.

    Shares of a known total are shares of what is spent where the total, the first rule, is one of those that give way.

    Returns:
        0 where nothing must give way; None where nothing that these rules can give is enough.
    """
    program = Program(tuple(rules))
    found = cheapest(program, easing(program, loose))
    if isinstance(found, Refusal):
        return None
    return found.cost if found.cost > ROUNDING * STAKE * program.money else 0.0


def nearest(rules: Sequence[Rule], spend: Float[np.ndarray, " channel"]) -> Float[np.ndarray, " channel"] | None:
    """The spend closest to one that keeps the rules but for a solver's tolerance; None where none is.

    Close in the sum of all moves, of two that are equally close the one that begins no spend where there was none.
    Channels stay on the side of their minimum flight on which they are.
    """
    money = max(float(spend.sum()), 1e-300) / STAKE
    flown = [_on_its_side(rule, float(rule.weights @ spend)) for rule in rules]
    count = len(spend)
    solver = quiet_solver()
    ends = np.zeros(count), np.full(count, np.inf)
    above = np.where(spend > 0, 1.0, BEGUN)
    for cost in (np.zeros(count), np.ones(count), above):  # of spend, and of how far it is below and above what it was
        solver.addCols(count, cost, *ends, 0, _INDEX, _INDEX, _NOTHING)
    for at, was in enumerate(spend / money):
        moved = np.array([at, count + at, 2 * count + at], np.int32)
        solver.addRow(was, was, 3, moved, np.array([1.0, 1.0, -1.0]))
    for rule in flown:
        cells = rule.weights.nonzero()[0].astype(np.int32)
        solver.addRow(rule.low / money, rule.high / money, len(cells), cells, rule.weights[cells])
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.maximum(0.0, np.asarray(solver.getSolution().col_value)[:count]) * money


_INDEX, _NOTHING = np.zeros(0, np.int32), np.zeros(0)


def _on_its_side(rule: Rule, amount: float) -> Rule:
    """A minimum flight as the one of its two sides on which an amount is."""
    if not rule.flight:
        return rule
    if amount < rule.flight / 2:
        return replace(rule, high=0.0, flight=0.0)
    return replace(rule, low=max(rule.low, rule.flight), flight=0.0)

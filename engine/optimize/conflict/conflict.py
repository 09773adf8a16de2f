"""Why no plan exists: a smallest set of rules that cannot be kept together, and what to relax.

Where the search starts: all limits give way by one and the same amount; the rules on which that amount depends hold a
conflict, the one that is deepest for each of its rules. A deletion filter leaves of them what is needed (Chinneck and
Dravnieks, Locating minimal infeasible constraint sets in linear programs, 1991).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.optimize.conflict.choosing import settled
from engine.optimize.conflict.counting import conflict_of, explanation_of
from engine.optimize.conflict.elastic import EXACT, NEAR, Program, Question, Refusal
from engine.optimize.conflict.feasible import cheapest, everything
from engine.optimize.conflict.repair import Relaxation, alone, is_hard, together, too_many
from engine.optimize.conflict.telling import Telling
from engine.optimize.rules import Problem, Rule

TOLD = 5  # ways out that are told
ROUNDED = (
    "no plan keeps all rules together, by no more than sums of such numbers are rounded: "
    "loosen the budget or another limit a little"
)


Known = dict[tuple[bool, bool, bool], tuple[int, np.ndarray]]  # by sides: the last rule needed, a spend but for it


def conflict(problem: Problem) -> tuple[Rule, ...]:
    """The rules that cannot be kept together, none of which is superfluous; none at all where all can be kept.

    Rules are tried for deletion from the last to the first, so that the budget is named where it matters.
    """
    if problem.is_discrete:
        return conflict_of(problem)
    return tuple(problem.rules[at] for at in _conflict(Program(problem.rules)))


def relaxations(problem: Problem, rules: tuple[Rule, ...]) -> tuple[Relaxation, ...]:
    """For each rule in conflict that can end it alone: the least it must give, cheapest first."""
    members = [at for at, rule in enumerate(problem.rules) if any(rule is other for other in rules)]
    return alone(Program(problem.rules), members)


def explanation(problem: Problem, currency: str) -> str:
    """Why no plan exists, in one sentence for the conflict and one for the remedies."""
    if problem.is_discrete:
        return explanation_of(problem, currency) or ROUNDED
    program = Program(problem.rules)
    members = _conflict(program)
    if not members:
        return ROUNDED
    ways = alone(program, members, TOLD)
    joint = () if ways else together(program)
    telling = Telling(problem.rules, currency, [item.amount for item in ways or joint])
    said = f"no plan keeps these rules together: {telling.clash([problem.rules[at] for at in members])}. "
    if ways:
        return f"{said}{'Ways' if too_many(program, members) else 'Cheapest ways'} out: {telling.cures(ways, ', or ')}"
    if joint:
        how = "Cheapest together" if all(item.is_least for item in joint) else "Together"
        return f"{said}No single one of them can end it. {how}: {telling.cures(joint, ', and ')}"
    return f"{said}No single one of them can end it; remove one of them"


def _conflict(program: Program) -> list[int]:
    asked = everything(program)
    deepest = _deepest(program, asked)
    found = cheapest(program, _only(asked, deepest)) if deepest else None
    if not isinstance(found, Refusal):
        found = cheapest(program, asked)
    return _needed(program, sorted(found.rules)) if isinstance(found, Refusal) else []


def _deepest(program: Program, asked: Question) -> list[int]:
    """Rules on which it depends by how much all limits must give way, if by one amount; none where flights decide."""
    said = settled(program, asked)
    found = program.ask(replace(asked, evenly=True), {rule: on for rule, (on, _) in said.items()})
    if isinstance(found, Refusal) or found.cost <= NEAR * program.money:
        return []
    tight = np.flatnonzero(found.weight > EXACT).tolist()
    return sorted({*tight, *(said[rule][1] for rule in tight if rule in said)})


def _needed(program: Program, rules: list[int]) -> list[int]:
    """What remains of rules in conflict when each that is superfluous is left out, several at once where that goes."""
    asked, needed, left = everything(program), list[int](), rules
    step = max(1, len(rules) // 4) if is_hard(program, rules) else 1
    known: Known = {}
    while left:
        rest = left[:-step]
        others = _only(asked, rest + needed)
        moved = _moved(program, left[-1], others, known) if step == 1 else None
        if moved is not None:
            known[_sides(program.rules[left[-1]])] = (left[-1], moved)
            left, needed = rest, [left[-1], *needed]
            continue
        found = cheapest(program, others)
        if isinstance(found, Refusal):
            left, step = [at for at in rest if at in found.rules], step * 2
        elif step > 1:
            step = step // 2
        else:
            known[_sides(program.rules[left[-1]])] = (left[-1], found.spend)
            left, needed = rest, [left[-1], *needed]
        step = max(1, min(step, len(left)))
    return needed


def _moved(program: Program, at: int, others: Question, known: Known) -> np.ndarray | None:
    """A spend that keeps all rules but one, made of one that keeps all but another of its kind; None if that fails.

    The other's channel is brought to a limit of its own, and what it had too much or too little goes to the first's.
    """
    rule = program.rules[at]
    if _sides(rule) not in known:
        return None
    like, spend = known[_sides(rule)]
    here, there = rule.channel, program.rules[like].channel
    if here is None or there is None or here == there:
        return None
    for aim in (program.rules[like].low, program.rules[like].high, program.rules[like].flight, 0.0):
        if math.isfinite(aim) and aim - spend[there] <= spend[here]:
            moved = spend.copy()
            moved[here] += spend[there] - aim
            moved[there] = aim
            if program.is_kept(moved, others.kept):
                return moved
    return None


def _sides(rule: Rule) -> tuple[bool, bool, bool]:
    return math.isfinite(rule.low), math.isfinite(rule.high), bool(rule.flight)


def _only(asked: Question, rules: Sequence[int]) -> Question:
    return replace(asked, kept=np.isin(np.arange(len(asked.kept)), rules))

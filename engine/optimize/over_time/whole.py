"""Steps and numbers of active channels over several decisions: the best plan found, and what none exceeds.

A program of all rules (see `outer`) proposes active channels and totals in steps, and bounds every plan; what it
proposes becomes a plan at the top of its own hill (see `exchange`), and is seen closer by the next program. The bound
of the question without whole numbers holds, too. Where curves bend upwards the last tables are proven as far as the
effort goes.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.closeness import CERTIFIED
from engine.optimize.conflict.discrete import settled
from engine.optimize.over_time.ascent import shadow_prices
from engine.optimize.over_time.certificate import Tables, measured, proven
from engine.optimize.over_time.exchange import improved
from engine.optimize.over_time.lattice import lattice
from engine.optimize.over_time.outer import UNIT, Answer, Outer, Seen, answered, begun, even_steps, seen_closer
from engine.optimize.over_time.search import Frame, framed, tables_of
from engine.optimize.over_time.several import by_cell, flat, mean_value
from engine.optimize.over_time.totals import tabled
from engine.optimize.rules import USUAL, Problem, broken
from engine.optimize.solve import Solved

PARTED = 15  # programs in which whole numbers may be parted
ROUNDS = 12  # programs in which they may not
IDLE = 2  # of these in a row that bring nothing, after which no more are asked
ENOUGH = 2e-4  # relative gap to the bound at which nothing better is looked for
NEAR = ENOUGH / 4  # of one program
NEWS = 1e-6  # relative: what a bound must fall, or a plan rise, to count
AROUND = (0.25, 0.5, 1.0, 1.5, 2.5)  # of the plan without whole numbers: what is seen closer at once
MOST = 2 * USUAL  # effort of a proof: each of its bounds takes a mixed-integer program
KEPT = 3  # latest plans around which tables are made, beside the best


@dataclass(frozen=True)
class State:
    """Where the search stands."""

    best: Float[np.ndarray, " cell"]
    value: float
    bound: float
    latest: tuple[np.ndarray, ...] = ()  # plans
    idle: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing better is looked for."""
        return self.bound - self.value <= ENOUGH * abs(self.bound) or self.idle >= IDLE


def best(problem: Problem, top: Solved, starts: tuple[np.ndarray, ...]) -> Solved | None:
    """The best plan under every rule, with its bound; None where there is none.

    Args:
        problem: The question.
        top: The best plan without whole numbers.
        starts: Plans known beforehand.
    """
    near = (improved(problem, spend) for spend in (top.spend, *(one for one in starts if not broken(problem, one))))
    plans = [spend for spend in near if spend is not None]
    if not plans:
        return None
    first = max(plans, key=lambda spend: mean_value(problem, spend))
    free = problem.with_rules(tuple(rule for rule in problem.rules if not rule.is_discrete))
    state = State(first, mean_value(problem, first), top.bound)
    frame, sure = framed(free), top.proven
    if frame is not None and not state.ended:
        state, sure = _searched(problem, free, frame, top, state)
    wrong = state.bound < state.value - NEWS * abs(state.value)
    route = f"whole steps or numbers of channels: a program of all rules, beside {top.route}"
    bound = max(state.bound, state.value)
    return replace(top, spend=state.best, value=state.value, bound=bound, route=route, proven=sure and not wrong)


def _searched(problem: Problem, free: Problem, frame: Frame, top: Solved, state: State) -> tuple[State, bool]:
    """The search by programs, and whether its bound is proven."""
    outer = _begun(problem, free, frame, top, state)
    if all(one.proven for one in outer.seen) and not top.proven:
        state = replace(state, bound=top.gross)  # an estimate has no part in a proof
    for _ in range(ROUNDS):
        found = answered(outer, False, NEAR)
        if found is None:
            break
        state = _after(problem, outer, found, state)
        if state.ended:
            break
        outer = _around(outer, state)
    if all(one.proven for one in outer.seen):
        return (state, True) if state.bound < top.gross else (replace(state, bound=top.bound), top.proven)
    if top.proven and top.bound - state.value <= CERTIFIED * abs(top.bound):
        return replace(state, bound=top.bound), True
    return _proven(problem, free, frame, outer, state)


def _begun(problem: Problem, free: Problem, frame: Frame, top: Solved, state: State) -> Outer:
    """The program, after it has seen closer what it wants where whole numbers may be parted."""
    tables = tables_of(free, frame, [(0.0, top.spend), (0.0, state.best)], np.zeros(len(free.rules)))
    pairs = zip(tables.views, tables.known, even_steps(problem).tolist(), strict=True)
    seen = tuple(Seen(view, known, lattice(view, size, known)) for view, known, size in pairs)
    outer = begun(problem, seen, max(abs(top.value), top.least * top.gross), {})
    for spend in (*(part * top.spend for part in AROUND), state.best):
        seen_closer(outer, spend)
    before = np.inf
    for _ in range(PARTED):
        found = answered(outer, True, NEAR)
        if found is None or found.bound - state.value <= ENOUGH * abs(state.value):
            break
        seen_closer(outer, found.spend)
        seen_closer(outer, (found.spend + state.best) / 2)
        if found.bound > before - NEAR / PARTED * abs(found.bound):
            break
        before = found.bound
    return outer


def _proven(problem: Problem, free: Problem, frame: Frame, outer: Outer, state: State) -> tuple[State, bool]:
    """The search with a proof as its bound where that is near enough, or where it was asked for; steps are let pass."""
    if not problem.effort or frame.special:
        return state, False
    counts = tuple(rule for rule in flat(problem).rules if rule.active)
    question = replace(frame.question, rules=(*frame.question.rules, *counts))
    held = replace(problem, rules=settled(problem.rules, problem.decisions, state.best))
    kept = [at for at, rule in enumerate(problem.rules) if not rule.is_discrete]
    prices = shadow_prices(held, state.best)[kept]
    tables = Tables(tuple(one.view for one in outer.seen), tuple(one.known for one in outer.seen), 0.0)
    asked = replace(free, effort=min(problem.effort, MOST))
    proof = proven(asked, question, tables, (state.value, state.best), prices)
    if proof is None or not (
        problem.effort > USUAL or proof.bound - state.value <= CERTIFIED * measured(problem, proof.bound)
    ):
        return state, False
    return replace(state, bound=proof.bound), True


def _after(problem: Problem, outer: Outer, found: Answer, state: State) -> State:
    """The search after a program has found something."""
    spend = seen_closer(outer, found.spend)
    plan = improved(problem, spend)
    value = -np.inf if plan is None else mean_value(problem, plan)
    if plan is not None:
        seen_closer(outer, plan)
    risen, fallen = value - state.value, state.bound - found.bound
    news = risen > NEWS * abs(state.value) or fallen > NEWS * abs(state.bound)
    best, worth = (plan, value) if plan is not None and value > state.value else (state.best, state.value)
    latest = (spend if plan is None else plan, *state.latest)[:KEPT]
    return State(best, worth, min(state.bound, found.bound), latest, 0 if news else state.idle + 1)


def _around(outer: Outer, state: State) -> Outer:
    """The program with tables of curves that bend upwards made anew around the latest plans."""
    bent = [channel for channel, one in enumerate(outer.seen) if one.view.bent and not one.proven]
    if not bent:
        return outer
    plans = [by_cell(outer.problem, spend) for spend in (state.best, *state.latest)]
    seen = tuple(
        replace(one, known=tabled(one.view, [money[channel] for money in plans])) if channel in bent else one
        for channel, one in enumerate(outer.seen)
    )
    return begun(outer.problem, seen, outer.worth * UNIT, outer.planes)

"""From a scenario to its answer: the problem that it poses, solved in the way that its budget and its risk ask for."""

import importlib
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.errors import InfeasibleError, InputError, UntrustworthyError
from engine.optimize.closeness import ROUNDING
from engine.optimize.giving_way import hard, softened
from engine.optimize.over_time.decisions import Spent
from engine.optimize.rules import USUAL, Problem, Tell, compared, open_returns, problem_of, unheard
from engine.optimize.solve import Memory, Solved, solve
from engine.response.curves import Curves
from engine.words import exact, number


@dataclass(frozen=True)
class Found:
    """A budget that was found for a target."""

    target: str  # as the scenario names it
    wanted: float
    reached: float  # the same figure of the plan
    money: float  # of the plan [currency]
    unhurried: float  # what a plan without prudence needs, or can spend [currency]
    proven: float  # no plan with less money reaches an outcome, none with more keeps an average [currency]
    gap: float  # from `unhurried` to `proven`, relative
    sure: bool = True  # whether `proven` and `gap` are proofs, not estimates


@dataclass(frozen=True)
class Asked:
    """A question and its answer."""

    problem: Problem
    solved: Solved
    today: Float[np.ndarray, " cell"]  # what the plan is compared with [currency]
    memory: Memory
    found: Found | None = None  # the budget, where there is a target
    spent: Spent | None = None  # where the horizon has begun
    notes: tuple[str, ...] = ()  # what a reader must know: rules that gave way, money kept back


def answered(
    curves: Curves, scenario: Scenario, spent: Spent | None = None, proof: tuple[int, Tell] = (0, unheard)
) -> Asked:
    """The best plan that a scenario asks for.

    Args:
        curves: What spend does, joint draws.
        scenario: The question.
        spent: What the first periods of the horizon have spent, where it has begun.
        proof: Its effort, and whom it tells how far it is; see `Problem`.

    Raises:
        InputError: The scenario does not fit the curves.
        InfeasibleError: No plan keeps every rule; the message names the conflict and the ways out.
    """
    targets = importlib.import_module("engine.optimize.budgets.targets")  # each of these only where it is asked for
    if targets.target_of(scenario):
        return _for_target(curves, scenario, spent, proof)
    problem = problem_of(curves, scenario, spent)
    problem, notes = softened(problem, scenario, curves.currency)
    notes = (*_missed(problem, curves.currency), *notes)
    _require_means(problem, scenario)
    memory: Memory = {}
    today = compared(problem)
    problem = replace(problem, effort=proof[0], tell=proof[1])
    solved = _solved(_asking_much(problem) if open_returns(problem) else problem, scenario, memory, today)
    if solved is None:
        _require_search_enough(problem, scenario)
        raise InfeasibleError(f"scenario {scenario.name!r}: {_why_not(hard(problem, scenario), curves.currency)}")
    notes = (*notes, *_of_risk(scenario, problem), *_out_of_reach(scenario, solved))
    if scenario.budget.reserve:
        kept = problem.budget.high * scenario.budget.reserve / (1 - scenario.budget.reserve)
        notes = (*notes, f"{exact(kept, curves.currency)} of the budget are kept in reserve")
    return Asked(problem, solved, today, memory, None, spent, notes)


def _require_search_enough(problem: Problem, scenario: Scenario) -> None:
    """Say so where rules can be kept and only the search found no plan.

    Raises:
        UntrustworthyError: There is a plan, and none was found.
    """
    by_returns = open_returns(problem) and solve(replace(problem, returns=(), effort=0)) is not None
    if problem.ways and not by_returns and _can_be_kept(problem):
        raise UntrustworthyError(
            f"scenario {scenario.name!r}: there is a plan that keeps every rule, and none was found: minimum flights "
            "beside rules on single decisions leave too many choices; drop some of either, or lock channels that rest"
        )


def _can_be_kept(problem: Problem) -> bool:
    if problem.is_discrete:
        counted = importlib.import_module("engine.optimize.conflict.discrete")
        return bool(counted.can_be_kept(problem.rules, problem.decisions))
    feasible = importlib.import_module("engine.optimize.conflict.feasible")  # its solver, only where there is no plan
    return bool(feasible.can_be_kept(problem.rules, ROUNDING))


def _require_means(problem: Problem, scenario: Scenario) -> None:
    """Refuse least returns that are priced beside a measure of risk: both weigh the same draws, each in its own way.

    Raises:
        InputError: Both are asked for.
    """
    if open_returns(problem) and scenario.risk.measure != "mean" and scenario.risk.weight:
        raise InputError(
            f"scenario {scenario.name!r}: {open_returns(problem)[0].name} cannot be planned beside risk.measure = "
            f"{scenario.risk.measure!r}; leave out one of them, or ask it of single channels in one split"
        )


def _solved(problem: Problem, scenario: Scenario, memory: Memory, today: np.ndarray) -> Solved | None:
    if scenario.risk.measure == "mean" or not scenario.risk.weight:
        return solve(problem, memory, (today,))
    risk = importlib.import_module("engine.optimize.risk.at_risk")
    found = risk.solve_at_risk(_asking_much(problem), scenario.risk, memory, (today,))
    solved: Solved | None = None if found is None else found.solved
    return solved


def _asking_much(problem: Problem) -> Problem:
    """The problem where many plans are searched for one answer: proofs only where they were asked for."""
    return problem if problem.effort > USUAL else replace(problem, effort=0)


def _for_target(curves: Curves, scenario: Scenario, spent: Spent | None, proof: tuple[int, Tell]) -> Asked:
    """The plan of the budget that meets a target."""
    targets = importlib.import_module("engine.optimize.budgets.targets")

    def problem(held: Curves, asked: Scenario) -> Problem:
        return replace(problem_of(held, asked, spent), effort=proof[0], tell=proof[1])

    sized = targets.sized(curves, scenario, problem)
    met = sized.target, sized.wanted, sized.reached, sized.money
    found = Found(*met, sized.unhurried, sized.proven, sized.gap, sized.sure)
    notes = _missed(sized.problem, curves.currency)
    return Asked(sized.problem, sized.solved, compared(sized.problem), {}, found, spent, notes)


def _missed(problem: Problem, currency: str) -> tuple[str, ...]:
    """What was spent before the plan begins and breaks a rule, as a note."""
    if not problem.missed:
        return ()
    telling = importlib.import_module("engine.optimize.conflict.telling")
    told = telling.Telling(problem.rules, currency, [problem.budget.high]).clash(problem.missed)
    left = "that cannot be mended: it now asks for no more than what was spent leaves, and all other rules hold"
    return (f"what was spent has broken {told}; {left}",)


def _of_risk(scenario: Scenario, problem: Problem) -> tuple[str, ...]:
    """What a measure of risk cannot do on these draws, or cannot tell."""
    risk, draws = scenario.risk, problem.payoffs[0].timing.gain.shape[1]
    if not risk.weight:
        return ()
    if risk.measure == "cvar" and draws > 1 and risk.level * draws < 1 - ROUNDING:
        more = f"for the mean of several give a level above {1 / draws:.2g}, or curves with more draws"
        return (f"risk.level {risk.level:g} is less than one of {draws} draws: the worst draw alone counts; {more}",)
    if risk.measure in ("probability", "regret"):
        why = "a chance is no money" if risk.measure == "probability" else "with other money every plan has other bests"
        return (f"rules have no prices under risk.measure {risk.measure!r}: {why}",)
    return ()


def _out_of_reach(scenario: Scenario, solved: Solved) -> tuple[str, ...]:
    """That the target of a chance is reached in no draw: by no plan, or by none that was found."""
    risk = scenario.risk
    if risk.measure != "probability" or solved.value > 0:
        return ()
    goal = number(risk.target or 0.0)
    if solved.bound > 0:
        return (f"no plan was found that reaches risk.target {goal} in any draw; ask for less, or ease the rules",)
    left = "so this is the plan of the best mean; ask for less, more money or fewer rules"
    return (f"risk.target {goal} is out of reach: no plan under these rules reaches it in any draw, {left}",)


def _why_not(problem: Problem, currency: str) -> str:
    if open_returns(problem):
        refusal = importlib.import_module("engine.optimize.returns.refusal")
        reason: str = refusal.reason(problem)
        if reason:
            return reason
    conflict = importlib.import_module("engine.optimize.conflict.conflict")  # its solver, only where there is no plan
    told: str = conflict.explanation(problem, currency)
    return told

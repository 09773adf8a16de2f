"""Targets: the budget that a wanted outcome, return or cost asks for, found and proven in money.

- `target_outcome`: the least money that brings so much mean outcome. What growth asks for is such an outcome.
- `target_roas`: the most money that returns so much on average; `target_cac`: the most money that costs no more per
  unit of outcome, which is the same question with another unit.
- `target_marginal_roas`: the budget at which outcome less so much for each unit of money is largest. Break-even is
  1 / margin: from there on a further unit of money brings less than it costs.

The first two are answered by the largest mean outcome at most so much money can bring, which never falls as money
grows, and by its bound. The last is one question with a price on money. That the next unit returns just so much would
be no safe criterion: on S-curves the marginal return rises before it falls, so it can be met at a budget that loses
against both a smaller and a larger one. A price is linear, so with it every shape is planned exactly and the best of
all such budgets is found.

Prudence (a charge on moves away from today's split) does not enter the proof, which is about mean outcomes of all
plans. With prudence the money is that of prudent plans, and what plans without it would need stands beside it.
"""

import importlib
import math
from dataclasses import dataclass, replace
from typing import NoReturn

from engine.config.scenario import SIZES, Budget, Scenario
from engine.errors import InfeasibleError, InputError, UntrustworthyError
from engine.optimize.budgets.any_budget import (
    Pose,
    Question,
    Solver,
    before_tolls,
    beyond,
    keeps_up_to,
    priced,
    reach,
    with_budget,
)
from engine.optimize.budgets.bracket import GONE, Opening, Trial, least, widest
from engine.optimize.closeness import CERTIFIED
from engine.optimize.rules import Problem, compared, problem_of
from engine.optimize.solve import Solved, solve
from engine.response.curves import Curves
from engine.words import exact, money

FARTHEST = 1000.0  # times the usual money: no question goes further
LITTLE = 1e-5  # of the usual money: less is no budget
SMALL = 1e-2  # the same where there are several decisions, whose bounds near no money at all are no nearer
PRUDENT, EXACT = 4, 1e-9  # most plans of several decisions that are solved for a target; what may be short of it
ROUNDS = 40  # of steps down to what a prudent plan keeps
WIDE, KNOWN = 0.4, CERTIFIED / 2  # first relative step of a search from a guess, and from money that is nearly right


@dataclass(frozen=True)
class Sized:
    """A budget that meets a target, its plan, and what is proven about the money."""

    target: str  # which target, as the scenario names it
    wanted: float  # its value there
    reached: float  # the same figure of the plan; of a marginal return, the price on money that the budget is best at
    problem: Problem  # the question with that money as its total
    solved: Solved  # its plan
    money: float  # what the plan spends [currency]
    unhurried: float  # what a plan without prudence needs, or can spend; the same without prudence [currency]
    proven: float  # no plan with less money reaches an outcome; none with more keeps an average [currency]
    gap: float  # from `unhurried` to `proven`, relative; of a marginal return, of its outcome to what any budget adds
    sure: bool = True  # whether `proven` and `gap` are proofs, not estimates

    @property
    def certified(self) -> bool:
        """Whether the gap is proven to be at most 0.1 %."""
        return self.sure and self.solved.proven and self.gap <= CERTIFIED


def target_of(scenario: Scenario) -> tuple[str, float] | None:
    """The target of a scenario and its value; None where its budget is given."""
    given = ((name, getattr(scenario.budget, name)) for name in SIZES if name.startswith("target"))
    return next(((name, float(value)) for name, value in given if value is not None), None)


def sized(curves: Curves, scenario: Scenario, pose: Pose = problem_of, solver: Solver = solve) -> Sized:
    """The budget that meets a scenario's target, with its plan and its proof.

    Args:
        curves: What spend does.
        scenario: The question, with a target in its budget.
        pose: Makes a problem of a scenario with a given budget.
        solver: Plans it.

    Raises:
        InputError: The target does not fit the goal or what the curves count.
        InfeasibleError: No money meets the target, or no plan keeps the rules; the message names the most there is.
        UntrustworthyError: The search ended before it knew.
    """
    target = target_of(scenario)
    if target is None:
        raise InputError(f"scenario {scenario.name!r}: its budget has no target; give one of {', '.join(SIZES[3:])}")
    name, wanted = target
    _require_sense(curves, scenario, name)
    question = Question(curves, scenario, pose, solver)
    if name == "target_outcome":
        found = _for_outcome(question, wanted)
    elif name == "target_marginal_roas":
        found = _for_next_unit(question, wanted)
    else:
        found = _for_average(question, name, wanted)
    _require_usual(question, found)
    return found


def _require_usual(question: Question, found: Sized) -> None:
    """Refuse a target whose money is no budget that anybody has: it was meant in another unit."""
    times, currency = found.money / question.usual, question.curves.currency
    if LITTLE <= times <= FARTHEST:
        return
    told = f"{times:.2g} times what" if times > 1 else "next to nothing of what"
    raise InputError(
        f"{_place(question, found.target, found.wanted)} is met with {money(found.money, currency)}, {told} these "
        f"channels take ({money(question.usual, currency)}): check its unit, or cap the channels"
    )


def _require_sense(curves: Curves, scenario: Scenario, name: str) -> None:
    """Refuse a target that says nothing about these curves or beside this goal."""
    place = f"scenario {scenario.name!r}: budget.{name}"
    if scenario.risk.measure != "mean" and scenario.risk.weight:
        raise InputError(
            f"{place} finds the money by mean outcomes and cannot be planned beside risk.measure = "
            f'"{scenario.risk.measure}"; leave the target out, or ask for its money without [risk] and then plan that '
            "money (budget.total) with it"
        )
    if scenario.goal.maximise != "outcome":
        raise InputError(
            f"{place} speaks of the outcome and the goal is {scenario.goal.maximise}; leave the goal out (the most "
            "profitable budget is budget.at_most with the goal profit)"
        )
    if name == "target_cac" and curves.outcome_value is None and curves.is_money:
        raise InputError(
            f"{place} needs an outcome that is counted, and these curves give {curves.outcome}; "
            "calibrate on orders or customers, or give target_roas"
        )
    if name in ("target_roas", "target_marginal_roas") and not curves.is_money:
        raise InputError(
            f"{place} needs an outcome in money, and the curves count {curves.outcome!r} without outcome_value; "
            "add outcome_value to the curves, or give target_cac"
        )


def _for_outcome(question: Question, wanted: float) -> Sized:
    most = min(question.caps, FARTHEST * question.usual)
    guess, width = min(question.usual, most), WIDE
    if question.fixed.ways:
        return _over_time(question, ("target_outcome", wanted), (wanted, 0.0), Opening(guess, width, most))
    if any(rule.weights.min() < 0 for rule in question.free.rules):  # shares of an unknown total take longer to plan
        near = least(question.exactly, wanted, Opening(guess, width, most))[1]
        guess, width = (near.spent, KNOWN) if near else (guess, width)
    proven, plan, trials = least(question.at_most, wanted, Opening(guess, width, most))
    if plan is None:
        _refuse_outcome(question, wanted, trials)
    prudent: Trial | None = plan
    if question.fixed.prudence:
        prudent = least(question.prudently, wanted, Opening(plan.spent, 4 * KNOWN, most))[1]
    if prudent is None:
        raise InfeasibleError(
            f"{_place(question, 'target_outcome', wanted)} is met by no plan of prudence {question.fixed.prudence:g}, "
            f"and without prudence by {money(plan.spent, question.curves.currency)}; lower goal.prudence"
        )
    return _sized(question, ("target_outcome", wanted), prudent, (plan.spent, proven))


def _for_average(question: Question, name: str, wanted: float) -> Sized:
    rate = wanted if name == "target_roas" else question.curves.value / wanted
    limit = beyond(question, rate)
    if math.isinf(limit):
        _refuse_endless(question, rate)
    _require_room(question, (name, wanted), keeps_up_to(question, rate, limit))
    opening = Opening(question.usual, WIDE, limit)
    if question.fixed.ways:
        return _over_time(question, (name, wanted), (0.0, rate), opening)
    found = widest(question.at_most, question.between, rate, opening)
    plan, most = found.plan, found.most
    if plan is None:
        _refuse_average(question, (name, wanted), most)
    prudent = plan
    if question.fixed.prudence:
        prudent = question.prudently(plan.spent)
        for _ in range(ROUNDS):
            if prudent.value >= rate * prudent.money or prudent.money < GONE * question.usual:
                break
            prudent = question.prudently(max(prudent.value, 0.0) / rate * (1 - CERTIFIED / 4))
        if prudent.value < rate * prudent.money:
            raise InfeasibleError(
                f"{_place(question, name, wanted)} is met by no plan of prudence {question.fixed.prudence:g}, and "
                f"without prudence by {money(plan.spent, question.curves.currency)}; lower goal.prudence"
            )
    return _sized(question, (name, wanted), prudent, (plan.spent, most))


def _require_room(question: Question, named: tuple[str, float], kept: float) -> None:
    """Refuse an average at once where no plan of more than `kept` money keeps it and the floors take more."""
    floors, currency = question.floors, question.curves.currency
    if kept * (1 + CERTIFIED) < floors <= question.caps:
        raise InfeasibleError(
            f"{_place(question, *named)} is out of reach at any budget: no plan of more than {money(kept, currency)} "
            f"keeps it, and the floors alone take {money(floors, currency)}; ask for less, or ease floors and shares"
        )


def _over_time(question: Question, named: tuple[str, float], target: tuple[float, float], opening: Opening) -> Sized:
    """The money of several decisions, which is looked for by ascents."""
    ascents = importlib.import_module("engine.optimize.budgets.by_ascent")  # its solver takes long to load
    found = ascents.unhurried(question, target, opening)
    wanted, rate = target
    if found is None:
        if rate:
            _refuse_average(question, named, opening.most)
        _refuse_outcome(question, wanted, [question.at_most(opening.most)])
    ends = (found.plan.spent, found.proven)
    if not question.fixed.prudence:
        return replace(_told(question, named, found.problem, found.solved, ends), sure=found.sure)
    hill = ascents.prudent(question, found.plan)
    near = ascents.met(hill, found.plan, target, opening.most)
    for _ in range(PRUDENT):
        if near is None:
            break
        told = replace(_sized(question, named, near, ends), sure=found.sure)
        value = before_tolls(told.problem, told.solved)
        short = wanted - value if wanted else rate * told.money - value
        if short <= EXACT * value:
            return told
        near = ascents.met(hill, Trial(told.money, told.solved.spend, value), target, opening.most)
    raise InfeasibleError(
        f"{_place(question, *named)} is met by no plan of prudence {question.fixed.prudence:g} that was found, and "
        f"without prudence by {money(found.plan.spent, question.curves.currency)}; lower goal.prudence"
    )


def _for_next_unit(question: Question, wanted: float) -> Sized:
    plan, limit = best_at(question, wanted)
    if plan.spent <= GONE * question.usual:
        _refuse_average(question, ("target_marginal_roas", wanted), 0.0 if plan.proven else limit)
    gap = (plan.bound - plan.value) / max(plan.value + wanted * plan.spent, 1e-300)
    chosen = plan
    if question.fixed.prudence:
        chosen = _prudent_at(question, wanted, limit)
    found = _sized(question, ("target_marginal_roas", wanted), chosen, (plan.spent, plan.spent))
    return replace(found, gap=gap, unhurried=plan.spent, sure=plan.proven)


def best_at(question: Question, price: float) -> tuple[Trial, float]:
    """The plan whose outcome less a price on its money is largest, over all budgets, and money that it cannot exceed.

    Raises:
        InfeasibleError: There is no such budget, or no plan keeps the rules.
    """
    limit = beyond(question, price)
    if math.isinf(limit):
        _refuse_endless(question, price)
    limit = max(limit, question.usual)
    plan = question.between(0.0, limit, price)
    while plan.spend is None and limit < FARTHEST * question.usual:
        limit *= 2
        plan = question.between(0.0, limit, price)
    if plan.spend is None:
        raise InfeasibleError(f"scenario {question.scenario.name!r}: {_why_not(question, limit)}")
    past = reach(question, limit) - price * limit if limit < question.caps else -math.inf
    return replace(plan, bound=max(plan.bound, past)), limit


def _prudent_at(question: Question, price: float, limit: float) -> Trial:
    """The prudent plan of the money at which prudent plans are worth most at a price on money."""
    problem = question.pose(question.curves, with_budget(question.scenario, Budget(at_most=limit), None))
    dear = priced(problem, price)
    solved = question.solver(dear, {}, (compared(dear),))
    if solved is None or solved.spend.sum() <= GONE * question.usual:
        raise InfeasibleError(
            f"{_place(question, 'target_marginal_roas', price)} is met by no plan of prudence {problem.prudence:g} "
            "that spends anything; lower goal.prudence"
        )
    return question.prudently(float(solved.spend.sum()))


def _richest(question: Question, rate: float) -> Trial | None:
    """A plan with nearly the highest average return there is: a price on money that rises to it (Dinkelbach 1967)."""
    best = None
    limit = min(question.caps, beyond(question, rate / 10), FARTHEST * question.usual)
    price = 0.0
    for _ in range(6):
        plan = question.between(0.0, limit, price)
        earned = plan.value + price * plan.spent
        if plan.spent <= GONE * question.usual or (best and earned / plan.spent <= best.value / best.spent):
            break
        best = replace(plan, value=earned)
        price = 0.99 * earned / plan.spent
    return best


def _sized(question: Question, target: tuple[str, float], plan: Trial, ends: tuple[float, float]) -> Sized:
    """The answer: the plan of that money, asked for as a total, and the money's proof."""
    problem = question.again(plan.spent)
    starts = (compared(problem),) if problem.prudence or plan.spend is None else (compared(problem), plan.spend)
    solved = question.solver(problem, {}, starts)
    if solved is None:
        raise AssertionError(f"no plan of {plan.spent}, which one has just spent")
    return _told(question, target, problem, solved, ends)


def _told(
    question: Question, target: tuple[str, float], problem: Problem, solved: Solved, ends: tuple[float, float]
) -> Sized:
    """What was found, from the plan of the money."""
    name, wanted = target
    value, spent = before_tolls(problem, solved), float(solved.spend.sum())
    reached = {
        "target_outcome": value,
        "target_roas": value / spent,
        "target_cac": spent * question.curves.value / max(value, 1e-300),
        "target_marginal_roas": wanted,
    }[name]
    gap = (max(ends) - min(ends)) / max(ends)
    return Sized(name, wanted, reached, problem, solved, spent, ends[0], ends[1], gap)


def _refuse_outcome(question: Question, wanted: float, trials: list[Trial]) -> NoReturn:
    farthest = max(trials, key=lambda one: one.money)
    if farthest.spend is None:
        raise InfeasibleError(f"scenario {question.scenario.name!r}: {_why_not(question, farthest.money)}")
    currency, unit = question.curves.currency, _unit(question)
    if not farthest.proven or farthest.bound >= wanted:
        raise UntrustworthyError(
            f"{_place(question, 'target_outcome', wanted)} is met by no plan that was found, and no proof that there "
            f"is none: {money(farthest.spent, currency)} bring {money(farthest.value, unit)}, and a bound of "
            f"{money(farthest.bound, unit)} is {'proven' if farthest.proven else 'an estimate'}; {_surer(question)}"
        )
    raise InfeasibleError(
        f"{_place(question, 'target_outcome', wanted)} is out of reach: {money(farthest.spent, currency)} bring "
        f"{money(farthest.value, unit)}, and no plan of up to {money(farthest.money, currency)} brings more than "
        f"{money(farthest.bound, unit)}; ask for less, or ease caps and shares"
    )


def _refuse_average(question: Question, named: tuple[str, float], most: float) -> NoReturn:
    """Refuse an average that no plan was found to keep; that none of more than `most` money does is known."""
    name, wanted = named
    rate = question.curves.value / wanted if name == "target_cac" else wanted
    best = _richest(question, rate)
    if best is None:
        raise InfeasibleError(f"scenario {question.scenario.name!r}: {_why_not(question, question.usual)}")
    currency, average = question.curves.currency, best.value / best.spent
    told = f"the highest average return found is {average:.3g}"
    if name == "target_cac":
        told = f"the lowest cost found is {money(question.curves.value / average, currency)}"
    if question.fixed.ways and most > 0:
        most = min(most, _kept_up_to(question, rate, (average + rate) / 2))
    if most > LITTLE * question.usual and not (question.fixed.ways and most <= SMALL * question.usual):
        raise UntrustworthyError(
            f"{_place(question, name, wanted)} is met by no plan that was found, and no proof that there is none of up "
            f"to {money(most, currency)}: {told}, with {money(best.spent, currency)}; {_surer(question)}"
        )
    raise InfeasibleError(
        f"{_place(question, name, wanted)} is out of reach at any budget: {told}, with {money(best.spent, currency)}; "
        "ask for less, or ease floors and shares"
    )


def _kept_up_to(question: Question, rate: float, price: float) -> float:
    """Money above which a lower price on money proves that no plan brings a rate; infinite where it does not."""
    found = question.between(0.0, beyond(question, rate), price)
    return max(found.bound, 0.0) / (rate - price) if found.proven and price < rate else math.inf


def _surer(question: Question) -> str:
    """What to do where a search found nothing and proved nothing."""
    return f"ask {'with --prove or ' if question.fixed.ways else ''}for less, or ease caps, floors and shares"


def _refuse_endless(question: Question, rate: float) -> NoReturn:
    raise InfeasibleError(
        f"scenario {question.scenario.name!r}: these curves bring {rate:g} for each unit of money however much is "
        "spent, so that no budget is the largest; cap the channels, or give budget.at_most"
    )


def _why_not(question: Question, limit: float) -> str:
    problem = replace(question.free, rules=(replace(question.free.budget, high=limit), *question.free.rules[1:]))
    conflict = importlib.import_module("engine.optimize.conflict.conflict")  # cvxpy, only where there is no plan
    told: str = conflict.explanation(problem, question.curves.currency)
    return told


def _unit(question: Question) -> str:
    return question.curves.currency if question.curves.is_money else ""


def _place(question: Question, name: str, wanted: float) -> str:
    """A target as a message names it."""
    amount = {"target_outcome": money(wanted, _unit(question)), "target_cac": exact(wanted, question.curves.currency)}
    return f"scenario {question.scenario.name!r}: budget.{name} {amount.get(name, f'{wanted:g}')}"

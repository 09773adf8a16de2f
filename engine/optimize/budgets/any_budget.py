"""A scenario's rules with any budget: what so much money can bring, and what no money can."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.config.scenario import Budget, Scenario
from engine.optimize.budgets.bracket import Trial
from engine.optimize.closeness import CERTIFIED
from engine.optimize.over_time import several
from engine.optimize.polish import charged, untolled
from engine.optimize.rules import Problem, asked_again, compared
from engine.optimize.solve import Memory, Solved
from engine.optimize.tables import gross
from engine.response.curves import Curves

ROUNDS = 40  # of steps to money beyond which no plan returns enough

Solver = Callable[[Problem, Memory, tuple[np.ndarray, ...]], Solved | None]
Pose = Callable[[Curves, Scenario], Problem]


@dataclass(frozen=True)
class Question:
    """A scenario's rules with any budget: what so much money can bring."""

    curves: Curves
    scenario: Scenario
    pose: Pose
    solver: Solver

    @cached_property
    def free(self) -> Problem:
        """Rules for any total, shares as rows over all spend, without prudence."""
        return self.pose(self.curves, with_budget(self.scenario, Budget(at_most=1.0), 0.0))

    @cached_property
    def fixed(self) -> Problem:
        """Rules for one total, shares as amounts of it, with the prudence that is asked for."""
        return self.pose(self.curves, with_budget(self.scenario, Budget(total=self.usual), None))

    @cached_property
    def usual(self) -> float:
        """Money of the size that these channels take: history's, or what brings them halfway, or the floors."""
        history = float(self.free.history.sum())
        halfway = sum(
            float(np.mean(payoff.channel.saturation.parameters["halfway"]) / np.mean(payoff.timing.gain))
            for payoff in self.free.payoffs
            if payoff.timing.active
        )
        return max(history or halfway, float(self.free.lower.sum())) or 1.0

    @cached_property
    def floors(self) -> float:
        """What all channels together take at the least by their own rules over the horizon [currency]."""
        return float((several.flat(self.free) if self.free.ways else self.free).lower.sum())

    @cached_property
    def caps(self) -> float:
        """What all channels together can take by their own rules; infinite where one has no limit [currency]."""
        open_ended = replace(self.free, rules=(replace(self.free.budget, high=math.inf), *self.free.rules[1:]))
        return float(open_ended.upper.sum())

    def between(self, low: float, high: float, price: float = 0.0) -> Trial:
        """The best plan that spends between two sums, by its mean outcome less a price on its money.

        Args:
            low: Least spend [currency].
            high: Most spend [currency].
            price: Outcome that a unit of money must bring.
        """
        budget = replace(self.free.budget, low=low if low else -math.inf, high=high)
        rules = (budget, *self.free.rules[1:])
        return _trial(self.solver, replace(priced(self.free, price), rules=rules), high)

    def at_most(self, high: float) -> Trial:
        """The best plan of at most so much money, without prudence."""
        return self.between(0.0, high)

    def exactly(self, total: float) -> Trial:
        """The best plan of just so much money without prudence, its bound not looked at: a plan's money is enough."""
        found = _trial(self.solver, untolled(replace(self.again(total), prudence=0.0)), total)
        return replace(found, bound=found.value)

    def prudently(self, total: float) -> Trial:
        """The prudent plan of just so much money, by its mean outcome before any charge for the doubt of moves."""
        problem = self.again(total)
        solved = self.solver(problem, {}, (compared(problem),))
        if solved is None:
            return Trial(total)
        value = before_tolls(problem, solved)
        return Trial(total, solved.spend, value, value)

    def again(self, total: float) -> Problem:
        """The question as if that total had been asked for."""
        return asked_again(self.fixed, 0, replace(self.fixed.budget, low=total, high=total))


def _trial(solver: Solver, problem: Problem, high: float) -> Trial:
    solved = solver(problem, {}, ())
    if solved is None:  # of several decisions a plan may only not have been found
        return Trial(high, proven=not problem.ways)
    return Trial(high, solved.spend, solved.value, solved.bound, solved.proven)


def reach(question: Question, limit: float) -> float:
    """What no plan of up to so much money exceeds, whatever the rules [outcome]."""
    free = question.free
    if free.ways:
        return several.gross(replace(free, rules=(replace(free.budget, high=limit), *free.rules[1:])))
    return sum(gross(payoff, limit) for payoff in free.payoffs)


def beyond(question: Question, rate: float) -> float:
    """Money above which no plan brings `rate` for each unit of it, whatever the floors take; infinite for none.

    What channels can earn at the most grows slower than money, if it grows at all.
    """
    floors, limit = float(question.free.lower.sum()), question.usual
    for _ in range(ROUNDS):
        needed = reach(question, limit) / rate + floors
        if needed <= limit:
            return min(limit, question.caps)
        if needed >= question.caps:
            return question.caps
        limit = needed * (1 + CERTIFIED)
    return math.inf


def keeps_up_to(question: Question, rate: float, limit: float) -> float:
    """Money above which no plan brings `rate` for each unit of it, floors not looked at, from such money on downwards.

    What plans of up to m earn at the most is what m * rate has to be: more than that is not kept, and so on.
    """
    for _ in range(ROUNDS):
        kept = reach(question, limit) / rate
        if kept >= limit * (1 - CERTIFIED):
            break
        limit = kept
    return limit


def with_budget(scenario: Scenario, budget: Budget, prudence: float | None) -> Scenario:
    """The scenario with another budget, and without prudence where that is 0."""
    goal = scenario.goal if prudence is None else scenario.goal.model_copy(update={"prudence": prudence})
    return scenario.model_copy(update={"budget": budget, "goal": goal})


def priced(problem: Problem, price: float) -> Problem:
    """The question with a price on money instead of what it cost, discounted where the goal discounts."""
    payoffs = tuple(replace(payoff, cost=price * payoff.timing.cost) for payoff in problem.payoffs)
    ways = tuple(replace(way, cost=price * np.where(way.cost > 0, way.cost, 1.0)) for way in problem.ways)
    return replace(problem, payoffs=payoffs, ways=ways)


def before_tolls(problem: Problem, solved: Solved) -> float:
    """Mean objective of a solution before its moves are charged for their doubt."""
    tolls = float(several.tolls(problem, solved.spend).sum()) if problem.ways else charged(problem, solved.spend)
    return solved.value + tolls

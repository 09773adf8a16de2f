"""Money of a target where there are several decisions, which take long to plan anew: by ascents from one plan.

One plan is solved, on few draws. What other money brings is what an ascent finds from the nearest known plan, scaled to
it: first on few draws, then, near the money that was found, on all. The plan of that money is solved as any other; what
its bound leaves open is told in money by what the last money brings.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.optimize.budgets.any_budget import Question, priced
from engine.optimize.budgets.bracket import GONE, Opening, Trial, crossing_average, least
from engine.optimize.closeness import CERTIFIED
from engine.optimize.few_draws import on_draws
from engine.optimize.over_time import several
from engine.optimize.over_time.ascent import reached
from engine.optimize.over_time.course import even_draws
from engine.optimize.polish import untolled
from engine.optimize.rules import Problem, asked_again
from engine.optimize.solve import Solved

FEW = 24  # draws on which the money is looked for first
NEIGHBOURS = 2  # known plans from which it is climbed on few draws
LADDER, LOWEST = 8, 100  # sums that are looked at for an average, from so small a part of the most
CROSSED = 5  # steps to where an average is met
NEAR = CERTIFIED / 2  # first relative step on all draws
EXACT = 1e-6  # relative gain of a plan that is worth looking at
APART = 0.01  # of the money: the distance over which the slope is measured


@dataclass
class Hill:
    """Plans of some money, each climbed from the nearest known one."""

    base: Problem  # with a total, whatever it is
    plans: list[Float[np.ndarray, " cell"]]
    neighbours: int = 1  # known plans from which other money is climbed

    def at(self, total: float) -> Trial:
        """What just so much money brings before tolls; no bound is looked at, a plan's money is enough."""
        problem = _of_total(self, total)
        if total <= 0 or not self.plans:
            return Trial(total)
        near = sorted(self.plans, key=lambda plan: abs(math.log(float(plan.sum()) / total)))[: self.neighbours]
        tops = [reached(problem, plan * (total / float(plan.sum()))) for plan in near]
        found = [top for top in tops if top is not None and top.sum() > 0]
        if not found:
            return Trial(total)
        top = max(found, key=lambda plan: several.mean_value(problem, plan))
        self.plans.append(top)
        value = several.earned(problem, top)
        return Trial(total, top, value, value)


def hills(question: Question, rate: float, most: float) -> tuple[Hill, Hill]:
    """The question without prudence on few draws, with a plan to begin with; and on all draws.

    The plan is that of the usual money, and where a rate is wanted that of any money, up to `most`, that earns most
    beyond it: what keeps the rate at all keeps it there.
    """
    base, draws = untolled(replace(question.fixed, prudence=0.0)), question.fixed.courses[0].draws
    some = even_draws(draws, FEW) if draws >= 2 * FEW else np.arange(draws)
    few, asked = on_draws(base, some), [on_draws(base, some)]
    if rate:
        free = on_draws(question.free, some)
        rules = (replace(free.budget, low=-math.inf, high=most), *free.rules[1:])
        asked.append(replace(priced(free, rate), rules=rules))
    found = [question.solver(problem, {}, ()) for problem in asked]
    starts = [solved.spend for solved in found if solved is not None and solved.spend.sum() > GONE * question.usual]
    return Hill(few, starts, NEIGHBOURS), Hill(base, [])


def near_money(question: Question, target: tuple[float, float], opening: Opening) -> tuple[Trial | None, Hill]:
    """The money found on few draws, planned anew there, and the question on all draws."""
    few, whole = hills(question, target[1], opening.most)
    near = _looked_for(few, target, opening)
    if near is None or near.spend is None:
        return None, whole
    found = question.solver(_of_total(few, near.spent), {}, (near.spend,))
    if found is not None and found.value > near.value * (1 + NEAR):
        better = Trial(near.spent, found.spend, found.value)
        near = met(Hill(few.base, []), better, target, opening.most) or near
    return near, whole


def _looked_for(hill: Hill, target: tuple[float, float], opening: Opening) -> Trial | None:
    """The money of a target by ascents alone."""
    wanted, rate = target
    return least(hill.at, wanted, opening)[1] if wanted else _widened(hill, rate, opening.most)


def _widened(hill: Hill, rate: float, most: float) -> Trial | None:
    """The most money that brings `rate` for each unit of it: of a ladder of sums, then by halving above the best."""
    if not hill.plans:
        return None
    own = [float(plan.sum()) for plan in hill.plans]
    sums = sorted({*own, *np.geomspace(min(*own, most / LOWEST), most, LADDER).tolist()})
    trials = [hill.at(money) for money in sums]
    kept = [at for at, one in enumerate(trials) if _keeps(one, rate)]
    if not kept:
        return None
    low, high = trials[kept[-1]], sums[min(kept[-1] + 1, len(sums) - 1)]
    while high - low.money > NEAR * high:
        middle = hill.at((low.money + high) / 2)
        low, high = (middle, high) if _keeps(middle, rate) else (low, middle.money)
    return low


def met(hill: Hill, near: Trial, target: tuple[float, float], most: float) -> Trial | None:
    """The money of a target near one that is known, by ascents."""
    wanted, rate = target
    if near.spend is not None:
        hill.plans.append(near.spend)
    return least(hill.at, wanted, Opening(near.spent, NEAR, most))[1] if wanted else _crossed(hill, near.spent, rate)


def _crossed(hill: Hill, money: float, rate: float) -> Trial | None:
    """The most money near some that brings `rate` for each unit of it; None where none was found."""
    trials = [hill.at(money), hill.at(money * (1 - APART))]
    for _ in range(CROSSED):
        if min(one.spent for one in trials) <= 0:
            break
        trials.append(hill.at(crossing_average(trials[-2], trials[-1], rate) * (1 - NEAR / 4)))
        if abs(trials[-1].spent - trials[-2].spent) <= NEAR * trials[-1].spent:
            break
    return max((one for one in trials if _keeps(one, rate)), key=lambda one: one.spent, default=None)


def _keeps(found: Trial, rate: float) -> bool:
    return found.spent > 0 and found.value >= rate * found.spent


def prudent(question: Question, near: Trial) -> Hill:
    """Prudent plans near one of some money."""
    return Hill(question.fixed, [] if near.spend is None else [near.spend])


def slope(hill: Hill, plan: Trial) -> float:
    """What each unit of the last money brings, in the mean of a hundredth of it."""
    less = hill.at(plan.spent * (1 - APART))
    return max((plan.value - less.value) / (plan.spent - less.spent), 0.0) if less.spend is not None else 0.0


@dataclass(frozen=True)
class Unhurried:
    """The money of a target without prudence."""

    plan: Trial
    hill: Hill  # on all draws
    problem: Problem  # with that money as its total
    solved: Solved
    proven: float  # less money does not bring an outcome; more does not keep an average [currency]
    sure: bool  # whether that is a proof, not an estimate


def unhurried(question: Question, target: tuple[float, float], opening: Opening) -> Unhurried | None:
    """The money of a target without prudence; None where none was found.

    Args:
        question: What is asked, of several decisions.
        target: The wanted outcome, and the wanted rate; the one that is not asked for is 0.
        opening: Where to begin, and no more than which money counts.
    """
    near, hill = near_money(question, target, opening)
    found = near and met(hill, near, target, opening.most)
    if found is None or found.spend is None:
        return None
    problem = _of_total(hill, found.spent)
    solved = question.solver(problem, {}, (found.spend,))
    if solved is None:
        return None
    better = Trial(found.spent, solved.spend, several.earned(problem, solved.spend))
    if better.value > found.value * (1 + EXACT):  # a better hill: less money may do, or more
        found = met(hill, better, target, opening.most) or found
        solved, problem = _moved(question, solved, (hill, found)), _of_total(hill, found.spent)
    ends = _left_open(question, solved, target, slope(hill, found), opening.most)
    return Unhurried(found, hill, problem, solved, *ends)


def _of_total(hill: Hill, total: float) -> Problem:
    return asked_again(hill.base, 0, replace(hill.base.budget, low=total, high=total))


def _moved(question: Question, solved: Solved, to: tuple[Hill, Trial]) -> Solved:
    """The solution of other money nearby: a proven bound is proven anew, an estimate goes on at what money brings."""
    (hill, found), money = to, float(solved.spend.sum())
    if found.spend is None:
        return solved
    again = question.solver(_of_total(hill, found.spent), {}, (found.spend,)) if solved.proven else None
    bound = solved.bound + slope(hill, found) * (found.spent - money)
    return again or replace(solved, spend=found.spend, value=found.value, bound=max(bound, found.value))


def _left_open(
    question: Question, solved: Solved, target: tuple[float, float], last: float, most: float
) -> tuple[float, bool]:
    """The money up to which, or from which on, a plan's bound leaves no other, by what the last money brings.

    Where the bound is proven a question with a price on money may prove it, which the second says; where one of both
    bounds is an estimate, so is this.
    """
    (wanted, rate), money = target, float(solved.spend.sum())
    price = max(last, 1e-9 * solved.value / money)
    price = min(price, 0.999 * rate) if rate else price
    worth, sure = solved.bound - price * money, False  # no plan's outcome less the price on its money is more
    if solved.proven:
        found = question.between(0.0, most if rate else money, price)
        worth, sure = (found.bound, found.proven) if found.spend is not None else (worth, False)
    if wanted:
        return min(money, max(0.0, (wanted - worth) / price)), sure
    return max(money, worth / (rate - price)), sure

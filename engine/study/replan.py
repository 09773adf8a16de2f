"""A plan in the middle of its horizon: what is over is fixed as it was spent, the rest is decided anew."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from engine.config.scenario import Budget, Scenario
from engine.data.spent import Elapsed, read_spent
from engine.errors import InfeasibleError, InputError
from engine.optimize.conflict.telling import Telling
from engine.optimize.over_time.decisions import Spent
from engine.optimize.plan import Plan, Range, by_draw, optimize, spread
from engine.optimize.plan_file import plan_document
from engine.optimize.rule import Rule
from engine.optimize.rules import Problem, broken, problem_of
from engine.periods import starts, step
from engine.response.curves import Curves, pace
from engine.study.ask import curves_of, warned
from engine.study.earlier_plan import read_earlier
from engine.study.question import question
from engine.study.spent_unit import require_own_unit
from engine.words import exact, percent, plain

SLACK = 1e-7  # of all money: what is let pass as rounding
DUST = 1e-12  # of what is earned without a new plan: a smaller change is that of sums in another order


@dataclass(frozen=True)
class Today:
    """Where a horizon stands, and the files that say so."""

    as_of: date  # first day that can still be decided
    spent: Path | None = None  # a table of what was spent
    plan: Path | None = None  # the plan that was carried out so far


@dataclass(frozen=True)
class Carried:
    """What would be done without a new plan, beside the new plan."""

    name: str
    is_plan: bool  # an earlier one, not history's split
    rest: tuple[float, ...]  # money by channel from today on [currency]
    gain: Range  # of the new plan over it, draw by draw [objective]
    chance_of_loss: float  # that it would have earned more
    value: float  # what it earns in all, in the mean [objective]
    broken: tuple[str, ...]  # rules that it does not keep


@dataclass(frozen=True)
class Replan:
    """A new plan for the rest of a horizon."""

    as_of: date
    source: str  # where what was spent is from
    over: int  # decisions that are in the past
    plan: Plan
    carried: Carried
    holding: tuple[str, ...]  # binding rules that are not about the past alone


@dataclass(frozen=True)
class Past:
    """What was spent, and who says so."""

    spent: Spent | None  # none where nothing is over
    source: str


def replan(curves: Path, scenario: Path, today: Today, accept_weak_fit: bool = False) -> Replan:
    """The best plan for what is left of a scenario's horizon.

    Raises:
        InputError: A file is wrong, or the date is no first day of a period of the horizon.
        InfeasibleError: More was spent than the budget has, or no plan for the rest keeps every rule.
    """
    known = curves_of(curves, accept_weak_fit)
    asked = question(scenario, known)
    over = _periods_over(known, asked, today)
    earlier = None if today.plan is None else read_earlier(today.plan, known, asked)
    past = _past(known, asked, today, over, earlier)
    found = replanned(known, asked, past, today.as_of, earlier)
    return replace(found, plan=warned(found.plan, curves))


def replanned(
    curves: Curves,
    scenario: Scenario,
    past: Past,
    as_of: date,
    earlier: Float[np.ndarray, "period channel"] | None = None,
) -> Replan:
    """The best plan for the rest, beside going on with an earlier schedule or, without one, at history's pace.

    Raises:
        InputError: The scenario does not fit the curves.
        InfeasibleError: More was spent than the budget has, or no plan for the rest keeps every rule.
    """
    if scenario.horizon.decide == "horizon":
        raise InputError(
            f"scenario {scenario.name!r}: decides one split for all of its horizon, so there is no rest to decide; "
            'write horizon.decide = "quarter" or "month"'
        )
    if past.spent is not None:
        begun = _posed(curves, scenario, past.spent)
        _require_past_stays(begun, scenario)
        _require_money_left(begun, scenario, curves.currency, as_of)
    plan = optimize(curves, scenario, priced=False, spent=past.spent)
    problem = _posed(curves, scenario, past.spent, plan.found.money if plan.found else np.inf)
    over = problem.grid.over if problem.grid else 0
    only_past = {rule.name for rule in problem.rules if past.spent is not None and _is_over(rule, problem)}
    holding = tuple(name for name in plan.binding if name not in only_past)
    if earlier is None:
        carried = _history(plan, over)
    else:
        carried = _carried(curves, scenario, (plan, problem), past.spent, earlier)
    return Replan(as_of, past.source, over, plan, carried, holding)


def document(found: Replan) -> dict[str, Any]:
    """The new plan as the content of `plan.json`, with what it was made from and what it is compared with."""
    carried = found.carried
    return {
        **plan_document(found.plan),
        "replan": {
            "as_of": str(found.as_of),
            "spent": found.source,
            "decisions_over": found.over,
            "against": carried.name,
            "rest": list(carried.rest),
            "gain": asdict(carried.gain),
            "chance_of_loss": carried.chance_of_loss,
            "broken": list(carried.broken),
        },
    }


def _periods_over(curves: Curves, scenario: Scenario, today: Today) -> int:
    """How many periods of the horizon are over."""
    horizon = scenario.horizon
    days = starts(horizon.start, horizon.periods, curves.period)
    end = step(horizon.start, horizon.periods, curves.period)
    if not horizon.start <= today.as_of < end:
        raise InputError(
            f"--as-of {today.as_of} lies outside the horizon of scenario {scenario.name!r}, {horizon.start} to "
            f"{step(end, -1, 'day')}; give a date within it"
        )
    if today.as_of not in days:
        after = next((day for day in days if day > today.as_of), None)
        remedy = f"the next is {after}" if after else f"the last is {days[-1]}"
        raise InputError(f"--as-of {today.as_of} is not the first day of a {curves.period} of the horizon; {remedy}")
    return days.index(today.as_of)


def _past(
    curves: Curves,
    scenario: Scenario,
    today: Today,
    over: int,
    earlier: Float[np.ndarray, "period channel"] | None,
) -> Past:
    """What was spent in the periods that are over: by a table, or else as an earlier plan had it."""
    if not over and today.spent is not None:
        raise InputError(
            f"--as-of {today.as_of} is the first day of the horizon, so nothing is spent; leave --spent out"
        )
    if not over:
        return Past(None, "nothing is over yet")
    if today.spent is not None:
        elapsed = Elapsed(starts(scenario.horizon.start, over + 1, curves.period), curves.period)
        found = read_spent(today.spent, curves.names, elapsed)
        usual = np.array([over * pace(channel, curves.period) for channel in curves.channels])
        planned = usual if earlier is None else earlier[:over].sum(axis=0)
        require_own_unit(today.spent, found.money.sum(axis=0), planned, curves.currency)
        unused = f"; columns not used: {', '.join(map(plain, found.unused))}" if found.unused else ""
        return Past(Spent(found.money), f"{today.spent}{unused}")
    if earlier is None:
        raise InputError(
            f"what was spent before {today.as_of} is not known; give --spent FILE (a date column and a column for each "
            "channel), or --plan plan.json if it was carried out to the letter"
        )
    return Past(Spent(earlier[:over]), f"taken from {today.plan} as if carried out to the letter (no --spent is given)")


def _posed(curves: Curves, scenario: Scenario, spent: Spent | None, money: float = np.inf) -> Problem:
    """The rules of a scenario and what money earns, without tolls; `money` is the budget where there is a target."""
    changed: dict[str, Any] = {"goal": scenario.goal.model_copy(update={"prudence": 0.0})}
    if any(name.startswith("target") for name in scenario.budget.model_fields_set):
        changed["budget"] = Budget.model_construct(at_most=money)
    return problem_of(curves, scenario.model_copy(update=changed), spent)


def _cells(problem: Problem) -> Float[np.ndarray, " cell"]:
    """What the decisions in the past spent, 0 in all others [currency]."""
    return np.array([way.spent for way in problem.ways]).ravel()


def _is_in_past(problem: Problem) -> Bool[np.ndarray, " cell"]:
    over = problem.grid.over if problem.grid else 0
    return np.tile(np.arange(problem.decisions) < over, len(problem.names))


def _is_over(rule: Rule, problem: Problem) -> bool:
    """Whether a rule is about the past alone."""
    return not rule.weights[~_is_in_past(problem)].any()


def _require_money_left(problem: Problem, scenario: Scenario, currency: str, as_of: date) -> None:
    """Refuse where more was spent than the budget has: then there is no rest to decide."""
    if scenario.budget.quarters or any(_names(key, problem.budget) for key in scenario.soft):
        return
    spent = float(_cells(problem).sum())
    if spent > problem.budget.high * (1 + SLACK):
        limit = plain(Telling(problem.rules, currency, [spent]).limit(problem.budget))
        limit += f" (its reserve of {percent(scenario.budget.reserve)} left out)" if scenario.budget.reserve else ""
        raise InfeasibleError(
            f"scenario {scenario.name!r}: what was spent before {as_of} breaks {limit} where {exact(spent, currency)} "
            "are spent, so there is no rest to decide: raise the budget in the scenario, or name it under [soft]"
        )


def _names(key: str, rule: Rule) -> bool:
    """Whether a key under [soft] means a rule."""
    return rule.name == key or rule.name.startswith((f"{key} ", f"{key},"))


def _require_past_stays(problem: Problem, scenario: Scenario) -> None:
    """Refuse a soft rule whose words also name what was spent."""
    over = problem.grid.over if problem.grid else 0
    begins = problem.grid.begins[:over] if problem.grid else ()
    for name in (f"{channel} as spent from {begin}" for channel in problem.names for begin in begins):
        key = next((key for key in scenario.soft if _names(key, Rule(name, np.zeros(1)))), None)
        if key is not None:
            raise InputError(
                f"scenario {scenario.name!r}: soft {key!r} also names {name!r}, and what was spent cannot give way; "
                "write the rule's name in full"
            )


def _history(plan: Plan, over: int) -> Carried:
    """History's split of the money that is left."""
    rest = np.array(plan.baseline.decided)[over:].sum(axis=0)
    name = "history's split of the money that is left"
    baseline = plan.baseline
    return Carried(
        name, False, tuple(rest.tolist()), plan.gain, plan.chance_of_loss, baseline.value.mean, baseline.broken
    )


def _carried(
    curves: Curves,
    scenario: Scenario,
    answer: tuple[Plan, Problem],
    spent: Spent | None,
    earlier: Float[np.ndarray, "period channel"],
) -> Carried:
    """Going on with an earlier plan after what was spent, valued like the new plan."""
    plan, problem = answer
    over = spent.periods if spent else 0
    money = np.concatenate([spent.money if spent else earlier[:0], earlier[over:]])
    before, after = (_valued(curves, scenario, each) for each in (money, np.array(plan.schedule)))
    change = after - before
    change[np.abs(change) <= DUST * np.abs(before)] = 0.0
    edges = problem.grid.edges if problem.grid else (0, len(money))
    cells = np.add.reduceat(money, edges[:-1], axis=0).T.ravel()
    unkept = tuple(rule.name for rule in broken(problem, cells))
    rest = tuple(money[over:].sum(axis=0).tolist())
    loss = float(np.mean(change < 0))
    return Carried("going on with the earlier plan", True, rest, spread(change), loss, float(before.mean()), unkept)


def _valued(
    curves: Curves, scenario: Scenario, money: Float[np.ndarray, "period channel"]
) -> Float[np.ndarray, " draw"]:
    """What a schedule earns by the scenario's goal, period by period as it is, by draw."""
    problem = _posed(curves, scenario, Spent(money))
    return by_draw(problem, _cells(problem))[1]

"""What-if: several scenarios side by side against one base, draw by draw."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.loading import LARGEST_MONEY
from engine.config.scenario import Budget, Goal, Scenario
from engine.errors import InfeasibleError, InputError
from engine.optimize.over_time.several import spread_over_time
from engine.optimize.plan import Plan, Range, by_draw, optimize, spread
from engine.optimize.rules import history_spend, problem_of
from engine.response.curves import Curves

UNCHANGED = "spending as before"
DUST = 1e-12  # of what the base earns: a smaller change is that of sums in another order


@dataclass(frozen=True)
class Base:
    """What every answer is compared with."""

    name: str
    spend: Float[np.ndarray, " cell"]  # [currency]
    outcome: Float[np.ndarray, " draw"]  # [currency or outcome over the horizon], never discounted
    world: Scenario  # in which it is valued


@dataclass(frozen=True)
class Answer:
    """One scenario's plan beside the base; `refusal` says why where there is no plan."""

    name: str
    plan: Plan | None
    base: Base
    outcome: Range | None = None  # of the plan, never discounted
    change: Range | None = None  # by the scenario's own goal, less the base by that goal, draw by draw
    before: float = 0.0  # what the base earns by that goal
    chance_of_less: float = 0.0  # that the plan earns less than the base
    refusal: str = ""


def base_spend(answer: Answer) -> list[float]:
    """What the base of an answer with a plan spends by channel, in the plan's order [currency over the horizon]."""
    channels = len(answer.plan.lines) if answer.plan else 1
    spend: list[float] = answer.base.spend.reshape(channels, -1).sum(axis=1).tolist()
    return spend


def compare(curves: Curves, scenarios: list[Scenario], base: Scenario | None = None) -> list[Answer]:
    """Each scenario's best plan beside the base: a scenario's own best plan, or history continued.

    Raises:
        InputError: Two scenarios have one name, or the base covers another length of time.
        InfeasibleError: The base itself has no plan.
    """
    _require_own_names([scenario.name for scenario in scenarios])
    against = None if base is None else _best(curves, base)
    answers = []
    for scenario in scenarios:
        if base is not None and base.horizon.periods != scenario.horizon.periods:
            raise InputError(
                f"scenario {scenario.name!r} covers {scenario.horizon.periods} periods but the base {base.name!r} "
                f"{base.horizon.periods}; compare plans of the same length"
            )
        if base is not None and base.horizon.from_history != scenario.horizon.from_history:
            ways = {True: '"history"', False: '"cycle"'}
            raise InputError(
                f"scenario {scenario.name!r} takes carry-over from {ways[scenario.horizon.from_history]} and the base "
                f"{base.name!r} from {ways[base.horizon.from_history]}, so what they bring cannot be compared; give "
                "both the same horizon.carry_over"
            )
        answers.append(_answer(curves, scenario, against or _unchanged(curves, scenario)))
    return answers


def _require_own_names(names: list[str]) -> None:
    """Each scenario has a name, and a file name, of its own."""
    for at, name in enumerate(names):
        for other in names[:at]:
            if name == other:
                raise InputError(f"two scenarios are called {name!r}; give each a name of its own")
            if file_name(name) == file_name(other):
                raise InputError(
                    f"scenarios {other!r} and {name!r} would share the file {file_name(name)}.json; "
                    "give them names that differ in letters or digits"
                )


def file_name(scenario: str) -> str:
    """A scenario's name as the name of a file, never that of the comparison itself.

    >>> file_name("TV frozen to July!"), file_name("../../etc"), file_name("Comparison")
    ('tv-frozen-to-july', 'etc', 'comparison-plan')
    """
    name = re.sub(r"[\W_]+", "-", scenario.lower()).strip("-")[:50] or "scenario"
    return f"{name}-plan" if name == "comparison" else name


def _answer(curves: Curves, scenario: Scenario, base: Base) -> Answer:
    try:
        plan = optimize(curves, scenario)
    except InfeasibleError as refusal:
        return Answer(scenario.name, None, base, refusal=str(refusal))
    spend, goal = plan.cells, scenario.goal
    before = _earned(curves, base.world, base.spend, goal)
    change = _earned(curves, scenario, spend, goal) - before
    change[np.abs(change) <= DUST * np.abs(before)] = 0.0
    less = float(np.mean(change < 0))
    outcome = spread(_outcome(curves, scenario, spend))
    return Answer(scenario.name, plan, base, outcome, spread(change), float(before.mean()), less)


def _unchanged(curves: Curves, scenario: Scenario) -> Base:
    """History continued over the same time, in a world without shocks."""
    calm = _calm(scenario)
    spend = spread_over_time(problem_of(curves, calm), history_spend(curves, scenario))
    return Base(UNCHANGED, spend, _outcome(curves, calm, spend), calm)


def _best(curves: Curves, scenario: Scenario) -> Base:
    plan = optimize(curves, scenario, priced=False)
    spend = plan.cells
    return Base(scenario.name, spend, _outcome(curves, scenario, spend), scenario)


def _calm(scenario: Scenario) -> Scenario:
    """The scenario's time without its rules and shocks, so that scenarios side by side have one base."""
    return Scenario(name=UNCHANGED, horizon=scenario.horizon, budget=Budget(total=1.0))


def _outcome(curves: Curves, scenario: Scenario, spend: np.ndarray) -> Float[np.ndarray, " draw"]:
    """Outcome by draw, whatever the scenario's goal and however it discounts."""
    return _earned(curves, scenario, spend, Goal())


def _earned(curves: Curves, scenario: Scenario, spend: np.ndarray, goal: Goal) -> Float[np.ndarray, " draw"]:
    """What a split earns by a goal in a scenario's world, by draw."""
    money = min(max(float(spend.sum()), 1.0), LARGEST_MONEY)
    world = {"goal": goal, "budget": Budget(at_most=money)}  # a target has no budget of its own
    return by_draw(problem_of(curves, _unruled(scenario).model_copy(update=world)), spend)[1]


def _unruled(scenario: Scenario) -> Scenario:
    """The scenario without rules on single decisions: they say nothing of what a split earns."""
    return scenario.model_copy(update={"ramp": None, "soft": {}})

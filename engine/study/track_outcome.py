"""What came of a plan so far and what its horizon will bring, on curves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.scenario import Scenario
from engine.data.actuals import Actuals
from engine.optimize.ranges import Range, spread
from engine.response.curves import Curves
from engine.study.brought import brought
from engine.study.tracked_plan import Planned
from engine.study.variance import Bridge, believed, bridge, scatter_of_sum

SAME = 1e-9  # of an outcome: sums in another order


@dataclass(frozen=True)
class Part:
    """What moved the outcome so far on one channel, or on all [outcome]."""

    name: str
    planned: float
    volume: float
    mix: float
    price: float
    effectiveness: float | None  # None: not known
    actual: float | None


@dataclass(frozen=True)
class Outcome:
    """What came so far, beside what the plan brings on the curves."""

    measure: str
    unit: str  # the currency, or nothing where it is not money
    planned: Range
    parts: dict[str, Range]  # volume, mix, price and, where the outcome is known, effectiveness
    bought: Range  # what was bought should have brought on the curves
    actual: float | None
    scatter: float | None  # standard error of the actual by chance; None: not known
    slant: float  # standard error of all of it together
    total: Part
    channels: tuple[Part, ...]
    unpriced: tuple[str, ...]  # channels whose contacts are not told
    lacking: str  # why the actual outcome is not known


@dataclass(frozen=True)
class Forecast:
    """Where the horizon ends if the rest of the plan is carried out [outcome]."""

    planned: Range
    year: Range
    target: float  # the scenario's where it has one, else the plan's mean
    is_asked: bool  # whether the target is the scenario's
    chance: float  # that the target is reached
    chance_before: float  # the same before the horizon began
    believed: float | None  # share of what effectiveness was so far that goes on; None: not known
    file_says: float | None  # the outcome by the plan's own file, where it is the same measure


@dataclass(frozen=True)
class Seen:
    """What came, by channel where it is attributed, else in one part [outcome]."""

    came: Float[np.ndarray, "period part"]
    slant: Float[np.ndarray, " part"]  # standard error of all of it together
    expected: Float[np.ndarray, "part period draw"]  # of what was bought, on the curves


def valued(
    plan: Planned, actuals: Actuals, curves: Curves, scenario: Scenario, doubt: float
) -> tuple[Outcome, Forecast]:
    """The outcome so far and at the end, on curves.

    Args:
        plan: What was planned.
        actuals: What happened.
        curves: What spend does, with the channels in the order of the plan.
        scenario: The question behind the plan.
        doubt: How far the baseline, or what was attributed, may be off in all, as a share of it.
    """
    over = len(actuals.money)
    steps = bridge(lambda each: brought(curves, scenario, each), plan.money[:over], actuals.money, actuals.priced)
    seen = None
    if actuals.outcome is not None and actuals.rests_on is not None:
        came, slant = actuals.outcome * curves.value, doubt * curves.value * np.abs(actuals.rests_on.sum(axis=0))
        seen = Seen(came, slant, steps.bought if actuals.by_channel else steps.bought.sum(axis=0, keepdims=True))
    return _outcome(curves, plan, actuals, steps, seen), _forecast(curves, scenario, plan, actuals, seen)


def _outcome(curves: Curves, plan: Planned, actuals: Actuals, steps: Bridge, seen: Seen | None) -> Outcome:
    bought, planned = steps.bought.sum(axis=1), steps.planned
    parts = {name: getattr(steps, name) for name in ("volume", "mix", "price")}
    ranges = {name: spread(part.sum(axis=0)) for name, part in parts.items()}
    in_all, scatter, each = None, None, [None] * len(plan.names)
    if seen is not None:
        in_all = float(seen.came.sum())
        ranges["effectiveness"] = spread(in_all - bought.sum(axis=0))
        scatter = scatter_of_sum(seen.came.sum(axis=1), steps.bought.sum(axis=0).mean(axis=1))
        each = seen.came.sum(axis=0).tolist() if actuals.by_channel else each
    channels = [
        _part(name, planned[at], [part[at] for part in parts.values()], bought[at], each[at])
        for at, name in enumerate(plan.names)
    ]
    sums = [part.sum(axis=0) for part in parts.values()]
    return Outcome(
        measure=curves.measure,
        unit=curves.currency if curves.is_money else "",
        planned=spread(planned.sum(axis=0)),
        parts=ranges,
        bought=spread(bought.sum(axis=0)),
        actual=in_all,
        scatter=scatter,
        slant=0.0 if seen is None else float(seen.slant.sum()),
        total=_part("total", planned.sum(axis=0), sums, bought.sum(axis=0), in_all),
        channels=tuple(channels),
        unpriced=tuple(name for name in plan.names if name not in actuals.counted),
        lacking=actuals.lacking,
    )


def _part(
    name: str,
    planned: Float[np.ndarray, " draw"],
    parts: list[Float[np.ndarray, " draw"]],
    bought: Float[np.ndarray, " draw"],
    actual: float | None,
) -> Part:
    volume, mix, price = (float(part.mean()) for part in parts)
    left = None if actual is None else actual - float(bought.mean())
    return Part(name, float(planned.mean()), volume, mix, price, left, actual)


def _forecast(curves: Curves, scenario: Scenario, plan: Planned, actuals: Actuals, seen: Seen | None) -> Forecast:
    """The horizon with the rest as planned, at the prices met so far, and effects as far as what came is believed."""
    over, spent = len(actuals.money), actuals.money.sum(axis=0)
    per_money = np.divide(actuals.priced.sum(axis=0), spent, out=np.ones(len(spent)), where=spent > 0)
    going = brought(curves, scenario, np.concatenate([actuals.priced, plan.money[over:] * per_money]))
    planned = brought(curves, scenario, plan.money).sum(axis=(0, 1))
    year, share = going.sum(axis=(0, 1)), None
    if seen is not None:
        rest = going[:, over:].sum(axis=1)
        rest = rest if actuals.by_channel else rest.sum(axis=0, keepdims=True)
        effect, share = _effect(seen)
        year = seen.came.sum() + (rest * effect).sum(axis=0)
    says = plan.outcome if plan.measure in (curves.measure, "profit") else None
    mean, asked = float(planned.mean()), _target(plan, curves, scenario)
    target = mean if asked is None else mean + asked
    chance, before = (float(np.mean(each >= target - SAME * abs(target))) for each in (year, planned))
    return Forecast(spread(planned), spread(year), target, asked is not None, chance, before, share, says)


def _target(plan: Planned, curves: Curves, scenario: Scenario) -> float | None:
    """How far the outcome that a scenario asks for is above the plan's own figure; none where it asks for no outcome.

    Within the horizon it is taken to be as far from what the plan brings there.
    """
    asked = scenario.risk.target if scenario.budget.target_outcome is None else scenario.budget.target_outcome
    if asked is None or plan.outcome is None or plan.measure != curves.measure:
        return None
    return asked - plan.outcome


def _effect(seen: Seen) -> tuple[Float[np.ndarray, "part draw"], float]:
    """What the curves' outcome is multiplied by once it is known what came, and the share of the gap that goes on."""
    so_far = seen.expected.sum(axis=1)
    found = [
        believed(before, float(part.sum()), scatter_of_sum(part, each.mean(axis=1)), float(slant))
        for before, part, each, slant in zip(so_far, seen.came.T, seen.expected, seen.slant, strict=True)
    ]
    after = np.stack([each for each, _ in found])
    effect = np.divide(after, so_far, out=np.ones_like(so_far), where=so_far > 0)
    return effect, float(np.average([share for _, share in found], weights=so_far.mean(axis=1) + SAME))

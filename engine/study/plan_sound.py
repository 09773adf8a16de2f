"""What holds of every plan that the engine writes, seen from the plan itself and from the curves that it was made from.

A file that was changed by hand shows here: a figure that no plan can have, or two that no longer go together.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from engine.config.scenario import Risk
from engine.errors import InputError
from engine.optimize.above import Level
from engine.optimize.plan import Plan, Split
from engine.optimize.ranges import Range
from engine.response.curves import Curves

CLOSE = 1e-6  # of the figures that are added up: up to which a sum is what it should be
ROUNDING = 1e-9  # of a gap, which is of two sums in different orders
AGAIN = "plan again with peso optimize --out plan.json"
MEASURES = get_args(Risk.model_fields["measure"].annotation)
OF_ITS_OWN = ("profit", "lifetime value")  # measures that outcome alone does not tell

Sum = tuple[str, float, str, list[float]]  # a figure, what it is, from what it follows, and the parts of that


def require_sound(path: Path, told: dict[str, Any], plan: Plan) -> None:
    """Refuse a plan with figures that no plan can have, or that do not go together.

    Raises:
        InputError: With the first of them.
    """
    for wrong in (*_impossible(told, plan), *_unordered(plan), *_apart(plan)):
        raise InputError(f"{path}: {wrong}; {AGAIN}")


def require_of_curves(path: Path, plan: Plan, curves: Curves) -> None:
    """Refuse a plan that says it was made from some curves, and tells something else than they do.

    Raises:
        InputError: With both.
    """
    pairs: tuple[tuple[str, object, object], ...] = (
        ("currency", plan.currency, curves.currency),
        ("period", plan.period, curves.period),
        ("draws", plan.draws, curves.draws),
        ("channels", tuple(line.name for line in plan.lines), curves.names),
    )
    for name, of_plan, of_curves in pairs:
        if of_plan != of_curves:
            said, there = (", ".join(map(str, one)) if isinstance(one, tuple) else one for one in (of_plan, of_curves))
            raise InputError(
                f"{path}: {name} of the plan: {said!s:.80}, and of the curves that it was made from: {there!s:.80}; "
                f"{AGAIN}"
            )


def _impossible(told: dict[str, Any], plan: Plan) -> Iterator[str]:
    """Single figures that no plan can have."""
    if not 0 <= plan.chance_of_loss <= 1:
        yield f"chance_of_loss is {plan.chance_of_loss:g}, which is no chance from 0 to 1"
    if plan.risk not in MEASURES:
        yield f"risk is {plan.risk!r:.40}, none of {', '.join(MEASURES)}"
    for name, figure, least in (
        ("draws", plan.draws, 1),
        ("gap", plan.gap, -ROUNDING),
        ("prudence", plan.prudence, 0),
        ("seconds", plan.seconds, 0),
    ):
        if figure < least:
            yield f"{name} is {figure:g}, and no plan's is below {max(least, 0)}"
    if plan.net > plan.bound:
        yield f"net is {plan.net:.10g}, above its bound {plan.bound:.10g}"
    status = "certified" if plan.certified else "feasible"
    if told.get("status") != status:
        yield f"status is {told.get('status')!r:.40}, and its gap and bound make it {status!r}"


def _unordered(plan: Plan) -> Iterator[str]:
    """Ranges whose points do not rise."""
    for name, one in _ranges(plan):
        near = CLOSE * max(abs(one.p05), abs(one.p95))
        if not one.p05 - near <= one.p50 <= one.p95 + near:
            yield (f"{name}: its 5, 50 and 95 % points {one.p05:.10g}, {one.p50:.10g} and {one.p95:.10g} do not rise")


def _ranges(plan: Plan) -> Iterator[tuple[str, Range]]:
    """Every range of a plan, with its place in the file."""
    for name, split in (("", plan.chosen), ("baseline.", plan.baseline)):
        yield f"{name}value", split.value
        yield f"{name}outcome", split.outcome
    yield "gain", plan.gain
    if plan.past:
        yield "history.change", plan.past.change
    for level in plan.above:
        yield f"strategy, {level.of} {level.name!r:.60}, outcome", level.outcome
    for line in plan.lines:
        yield f"by_channel, {line.name!r:.60}, outcome", line.outcome


def _alike(place: str, split: Split) -> list[Sum]:
    """The value of a split that measures its outcome, point by point."""
    return [
        (f"{place}value.{point}", value, "outcome, which it measures,", [outcome])
        for (point, value), outcome in zip(asdict(split.value).items(), asdict(split.outcome).values(), strict=True)
    ]


def _of_members(level: Level, plan: Plan) -> list[Sum]:
    """What a level above the channels adds up to."""
    inside = [line for line in plan.lines if line.name in level.members]
    money, place = [line.spend for line in inside], f"strategy, {level.of} {level.name!r:.60}"
    return [
        (f"{place}, spend", level.spend, "its members", money),
        (f"{place}, baseline", level.baseline, "its members", [line.baseline for line in inside]),
        (f"{place}, outcome.mean", level.outcome.mean, "its members", [line.outcome.mean for line in inside]),
        (f"{place}, share", level.share, "its spend", [sum(money) / (plan.spend or 1.0)]),
    ]


def _apart(plan: Plan) -> Iterator[str]:
    """Means that do not add up to each other; means of draws do, whatever the draws are."""
    chosen, baseline = plan.chosen, plan.baseline
    sums: list[Sum] = [
        ("outcome.mean", chosen.outcome.mean, "the outcomes of its channels", [one.outcome.mean for one in plan.lines]),
    ]
    if plan.measure not in OF_ITS_OWN:
        sums += _alike("", chosen) + _alike("baseline.", baseline)
    sums.append(("gain.mean", plan.gain.mean, "value less baseline.value", [chosen.value.mean, -baseline.value.mean]))
    if plan.risk == "mean":
        sums.append(("net", plan.net, "value less tolls", [chosen.value.mean, -plan.tolls]))
    sums += [one for level in plan.above for one in _of_members(level, plan)]
    for name, said, what, parts in sums:
        if not abs(said - sum(parts)) <= CLOSE * max(sum(map(abs, parts)), abs(said)):
            yield f"{name} is {said:.10g}, and from {what} it is {sum(parts):.10g}"

"""A plan as it was written to plan.json, as the record again."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import InputError
from engine.optimize.plan import Plan
from engine.periods import PERIODS
from engine.response.curves import KINDS
from engine.study.earlier_plan import money_of, same_money
from engine.study.plan_sound import AGAIN, require_sound

PLAN = TypeAdapter(Plan)


def plan_of(path: Path, told: dict[str, Any]) -> Plan:
    """The plan that a document tells; what it does not tell follows from what it does.

    Raises:
        InputError: Something is missing, of another kind, or adds up to something else than it says.
    """
    try:
        plan = PLAN.validate_python(_fields(told))
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: this plan lacks what plans of this version tell; {AGAIN}") from None
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {place}: {first['msg'].lower()}, so it is no plan of this version; {AGAIN}"
        ) from None
    _require_whole(path, told, plan)
    require_sound(path, told, plan)
    return plan


def _fields(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of a plan, from the keys of its file."""
    lines = [{**line, "marginal": line["marginal"]} for line in told["by_channel"]]
    in_money = not any("cac" in line for line in lines)
    worth = [line["clv"] for line in lines if "clv" in line]
    horizon, strategy, base = told["horizon"], told["strategy"], told["baseline"]
    return {
        **{name: told[name] for name in ("scenario", "currency", "measure", "period", "tolls", "net", "bound", "gap")},
        **{name: told[name] for name in ("route", "binding", "warnings", "made_from", "schedule", "decisions")},
        **{name: told[name] for name in ("prudence", "risk", "chance_of_loss", "draws", "seconds", "gain")},
        "unit": told["currency"] if in_money or worth else "",
        "start": horizon["start"],
        "end": horizon["end"],
        "periods": horizon["periods"],
        "reach": horizon["tail"],
        "lines": lines,
        "chosen": {
            "spend": [line["spend"] for line in lines],
            "decided": told["spend"],
            "value": told["value"],
            "outcome": told["outcome"],
        },
        "baseline": {
            "spend": [line["baseline"] for line in lines],
            "decided": base["spend"],
            **{name: base[name] for name in ("value", "outcome", "broken")},
        },
        "proven": told["bound_is"] == "proven",
        "found": told["target"],
        "prices": [{"rule": one["rule"], "dual": one["dual"], **one["resolve"]} for one in told["prices"]],
        "above": [*strategy["levels"], *strategy["channels_with_parts"]],
        "fixing": strategy["cost"],
        "in_money": in_money,
        "counts": "customers" if worth else "",
        "lifetime": worth,
        "past": told["history"],
        "tail": told["worst_draws"],
        "for_tests": told["learn"],
    }


def _require_whole(path: Path, told: dict[str, Any], plan: Plan) -> None:
    """Refuse a plan whose parts are not about the same channels, periods and money."""
    if [line.name for line in plan.lines] != told.get("channels") or not plan.lines:
        raise InputError(f"{path}: by_channel does not tell of the channels that the plan names; {AGAIN}")
    odd = next((line for line in plan.lines if line.kind not in KINDS), None)
    if odd is not None:
        raise InputError(f"{path}: {odd.name!r} is of kind {odd.kind!r}, none of {', '.join(KINDS)}; {AGAIN}")
    period = next((one for one in PERIODS if one == plan.period), None)
    if period is None:
        raise InputError(f"{path}: period is {plan.period!r:.40}, none of {', '.join(PERIODS)}; {AGAIN}")
    money_of(path, told, period, plan.periods)
    for what, split in (("spend", plan.chosen), ("baseline.spend", plan.baseline)):
        near = same_money(sum(split.spend))
        is_even = all(len(row) == len(split.spend) for row in split.decided) and split.decided
        decided = [sum(column) for column in zip(*split.decided, strict=True)] if is_even else []
        if not is_even or any(abs(one - other) > near for one, other in zip(decided, split.spend, strict=True)):
            raise InputError(f"{path}: {what} adds up to something else than by_channel says; {AGAIN}")

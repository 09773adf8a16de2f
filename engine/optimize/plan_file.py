"""The file `plan.json` (schema peso.plan/1)."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.files import write_json
from engine.finance import cac, clv_to_cac
from engine.optimize.above import Level
from engine.optimize.asking import Found
from engine.optimize.compare import Answer
from engine.optimize.plan import Line, Plan, Range, Split
from engine.optimize.prices import Price

SCHEMA = "peso.plan/1"
KEPT = ("name", "marginal")  # fields of a record that are told even where nothing is known for them


def write_plan(path: Path, plan: Plan) -> None:
    """Write `plan.json`, whole or not at all."""
    write_json(path, plan_document(plan))


def plan_document(plan: Plan) -> dict[str, Any]:
    """The content of `plan.json` as plain values."""
    return {
        "schema": SCHEMA,
        "scenario": plan.scenario,
        "status": "certified" if plan.certified else "feasible",
        "currency": plan.currency,
        "period": plan.period,
        "horizon": _horizon(plan),
        "measure": plan.measure,
        "channels": [line.name for line in plan.lines],
        "decisions": list(plan.decisions),
        "spend": [list(row) for row in plan.chosen.decided],
        "schedule": [list(row) for row in plan.schedule],
        "value": _range(plan.chosen.value),
        "outcome": _range(plan.chosen.outcome),
        "risk": plan.risk,
        "worst_draws": asdict(plan.tail) if plan.tail else None,
        "target": asdict(plan.found) | {"gap_of_plan": gap_of_plan(plan.found)} if plan.found else None,
        "learn": asdict(plan.for_tests) if plan.for_tests else None,
        "prudence": plan.prudence,
        "tolls": plan.tolls,
        "net": plan.net,
        "bound": plan.bound,
        "gap": plan.gap,
        "bound_is": "proven" if plan.proven else "estimated",
        "route": plan.route,
        "binding": list(plan.binding),
        "prices": [_price(price) for price in plan.prices],
        "baseline": _split(plan.baseline),
        "history": {"spend": plan.past.spend, "change": _range(plan.past.change)} if plan.past else None,
        "draws": plan.draws,
        "gain": _range(plan.gain),
        "chance_of_loss": plan.chance_of_loss,
        "promise": {**_range(plan.gain), "chance_worse": plan.chance_of_loss},
        "warnings": list(plan.warnings),
        "by_channel": [_known(line) | _customers(plan, at) for at, line in enumerate(plan.lines)],
        "strategy": _strategy(plan),
        "seconds": plan.seconds,
        "made_from": plan.made_from,
    }


def _horizon(plan: Plan) -> dict[str, Any]:
    """The time that a plan covers, and what of it counts."""
    return {
        "start": str(plan.start),
        "end": str(plan.end),
        "periods": plan.periods,
        "carry_over": "cycle" if plan.reach is None else "history",
        "tail": plan.reach,
    }


def gap_of_plan(found: Found) -> float | None:
    """Distance of a plan's own money from what is proven, prudence included, relative; None where nothing is proven."""
    if found.target == "target_marginal_roas" or not 0 < found.proven < math.inf:
        return None
    return abs(found.money - found.proven) / max(found.money, found.proven)


def _strategy(plan: Plan) -> dict[str, Any]:
    """The split above the channels, and what fixing it costs."""
    return {
        "fixed": any(level.asked for level in plan.above),
        "cost": asdict(plan.fixing) if plan.fixing else None,
        "levels": [_known(level) for level in plan.above if level.of != "channel"],
        "channels_with_parts": [_known(level) for level in plan.above if level.of == "channel"],
    }


def _known(record: Line | Level) -> dict[str, Any]:
    """A record without the fields that nothing is known for; a level of no name, a line of no next unit keep that."""
    return {key: value for key, value in asdict(record).items() if value is not None or key in KEPT}


def _customers(plan: Plan, at: int) -> dict[str, float | None]:
    """What one unit of outcome cost on a channel, where that is not money, and what a customer is worth."""
    if plan.in_money:
        return {}
    line = plan.lines[at]
    cost = float(cac(line.spend, line.outcome.mean)) if line.outcome.mean > 0 else None
    if not plan.lifetime:
        return {"cac": cost}
    value = plan.lifetime[at]
    return {"cac": cost, "clv": value, "clv_to_cac": float(clv_to_cac(value, cost)) if cost else None}


def comparison_document(answers: list[Answer]) -> dict[str, Any]:
    """Several answers beside their base, as plain values (schema peso.whatif/1)."""
    return {
        "schema": "peso.whatif/1",
        "base": answers[0].base.name,
        "answers": [
            {
                "scenario": answer.name,
                "refusal": answer.refusal or None,
                "base_spend": float(answer.base.spend.sum()),
                "base_outcome": float(answer.base.outcome.mean()),
                "change": None if answer.change is None else _range(answer.change),
                "chance_of_less": answer.chance_of_less,
                "plan": None if answer.plan is None else plan_document(answer.plan),
            }
            for answer in answers
        ],
    }


def _price(price: Price) -> dict[str, Any]:
    return {"rule": price.rule, "dual": price.dual, "resolve": {"change": price.change, "gain": price.gain}}


def _split(split: Split) -> dict[str, Any]:
    return {
        "spend": [list(row) for row in split.decided],
        "value": _range(split.value),
        "outcome": _range(split.outcome),
        "broken": list(split.broken),
    }


def _range(values: Range) -> dict[str, float]:
    return asdict(values)

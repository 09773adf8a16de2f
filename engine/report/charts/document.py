"""charts.json: all charts of a fit in one strict document."""

import json
from typing import Any

from engine.calibrate.fit import Fit
from engine.report.charts.course import contributions_chart, outcome_chart
from engine.report.charts.curves import carry_over_chart, response_chart
from engine.report.charts.look import Spec
from engine.report.charts.returns import returns_chart
from engine.report.charts.shares import shares_chart

SCHEMA = "peso.charts/1"


def charts_of(fit: Fit) -> dict[str, Spec]:
    """Each chart of a fit by its name; returns only where the outcome is money."""
    return {
        "response": response_chart(fit.curves),
        "shares": shares_chart(fit),
        **({"returns": returns_chart(fit)} if fit.curves.is_money else {}),
        "contributions": contributions_chart(fit),
        "carry_over": carry_over_chart(fit.curves, [reading.half_life for reading in fit.readings]),
        "outcome": outcome_chart(fit),
    }


def charts_document(fit: Fit) -> dict[str, Any]:
    """The content of charts.json."""
    return {
        "schema": SCHEMA,
        "made_from": fit.curves.made_from,
        "currency": fit.curves.currency,
        "outcome": fit.curves.outcome,
        "period": fit.curves.period,
        "charts": charts_of(fit),
    }


def charts_text(fit: Fit) -> str:
    """charts.json as strict JSON without NaN, one chart a line."""
    document = charts_document(fit)
    charts = document.pop("charts")
    head = [f"  {_compact(name)}: {_compact(value)},\n" for name, value in document.items()]
    body = ",\n".join(f"    {_compact(name)}: {_compact(spec)}" for name, spec in charts.items())
    return "{\n" + "".join(head) + '  "charts": {\n' + body + "\n  }\n}\n"


def _compact(content: Any) -> str:
    return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))

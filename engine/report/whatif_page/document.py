"""The data inside a what-if page as plain values."""

import math
from typing import Any

import numpy as np

from engine.config.loading import LARGEST_MONEY
from engine.optimize.rule import Rule
from engine.report.charts.look import labels
from engine.report.whatif_page.numbers import BASE, FINE, FULL, Columns
from engine.report.whatif_page.records import Best, Lever, WhatIf
from engine.report.whatif_page.saved import key, quoted
from engine.response.adstock import ADSTOCKS
from engine.response.curves import Family
from engine.response.saturation import SATURATIONS
from engine.words import plain

EVEN = 1e-12  # of what a period buys: what differs by less is the same everywhere
CENT = 2  # places of limits
SAME = 1e-9  # of a value: what differs by less is a tie, since sums are added up in another order
TIE = 10  # steps of a column's letters up to which two values are a tie
RISKS = {  # what best splits are chosen by
    "mean": "",
    "cvar": "the mean of their worst draws, as far as the scenario weighs it",
    "robust": "their worst mean over the odds of the draws that the scenario allows",
    "regret": "their largest regret",
    "probability": "their chance of the target",
}
FIGURES = 8  # of the money of best splits beside the plan's own


def document(what: WhatIf, letters: int, of: int) -> dict[str, Any]:
    """What the page reads, with so many letters for a number that differs from draw to draw, of so many draws."""
    columns = Columns(letters)
    shown = labels(lever.channel.name for lever in what.levers)
    channels = [_channel(lever, name, columns) for lever, name in zip(what.levers, shown, strict=True)]
    return {
        "scenario": plain(what.scenario),
        "currency": plain(what.currency),
        "measure": plain(what.measure),
        "unit": plain(what.unit),
        "outcome": plain(what.outcome),
        "in_money": what.in_money,
        "most": LARGEST_MONEY,
        "start": str(what.start),
        "end": str(what.end),
        "period": what.period,
        "decisions": what.decisions,
        "edges": what.edges,
        "draws": what.draws,
        "of": of,
        "before": columns.add(what.before, FULL),
        "tie": max(SAME, TIE * BASE**-letters),
        "channels": channels,
        "best": [_best(one, exact=at == what.planned) for at, one in enumerate(what.best)],
        "planned": what.planned,
        "mean": what.best[what.planned].mean,
        "rules": [_rule(rule) for rule in what.rules],
        "unchecked": [plain(name) for name in what.unchecked],
        "saved": [quoted(f"{what.scenario[:180]}: my split"), *what.saved],
        "warnings": [plain(one) for one in what.warnings],
        "prudence": what.prudence,
        "risk": RISKS[what.risk],
        "dated": what.dated,
        "columns": list(columns.held),
    }


def _channel(lever: Lever, shown: str, columns: Columns) -> dict[str, Any]:
    channel, before = lever.channel, lever.before
    even = before is None and len(lever.cost) == 1 and np.ptp(lever.bought) <= EVEN * lever.bought.max()
    return {
        "name": shown,
        "kind": channel.kind,
        "bought": columns.add(np.full(len(lever.bought), lever.bought.mean()) if even else lever.bought, FULL),
        "worth": columns.add(lever.worth, FULL),
        "rows": len(lever.worth),
        "adstock": []
        if even
        else [_family(part, list(ADSTOCKS[part.name].shape), columns) for part in channel.adstock.parts],
        "saturation": [
            _family(part, ["ceiling", "halfway", *SATURATIONS[part.name].shape], columns)
            for part in channel.saturation.parts
        ],
        "before": before and [before.pace, before.known, len(before.latest), columns.add(before.latest, FINE)],
        "margin": lever.margin,
        "cost": lever.cost.tolist(),
        "tiers": lever.tiers.steps,
        "least": [round(each, CENT) for each in lever.least.tolist()],
        "most": [_known(each) for each in lever.most.tolist()],
        "limits": [round(lever.limits[0], CENT), _known(lever.limits[1])],
        "today": lever.today.tolist(),
        "saved": [f"[channels.{key(channel.name)}]\n", lever.saved],
    }


def _family(part: Family, wanted: list[str], columns: Columns) -> list[Any]:
    """A family, how many draws are of it, and the columns of what it takes, in order."""
    return [part.name, part.draws, *(columns.add(part.parameters[name]) for name in wanted)]


def _best(one: Best, exact: bool) -> list[Any]:
    """Its mean value on the page's draws, how far it is proven, and its money by channel and decision."""
    split = [[each if exact else _short(each) for each in row] for row in one.split.tolist()]
    return [float(one.value.mean()), one.gap, split]


def _rule(rule: Rule) -> list[Any]:
    """Its name, least, most, minimum flight and share of the total; the cells that it is about, with their weights."""
    cells = np.flatnonzero(rule.weights)
    weights = rule.weights[cells]
    told = [] if np.all(weights == 1) else [float(f"{each:.9g}") for each in weights.tolist()]
    return [plain(rule.name), _known(rule.low), _known(rule.high), rule.flight, rule.share, cells.tolist(), told]


def _short(amount: float) -> float | int:
    """An amount of eight figures."""
    told = float(f"{amount:.{FIGURES}g}")
    return int(told) if told == int(told) else told


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None

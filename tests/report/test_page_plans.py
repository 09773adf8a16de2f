"""A page of any plan: one draw, customers, profit, targets, tests, many channels, no history, next to no money."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.optimize.plan import optimize
from engine.optimize.plan_file import plan_document
from engine.report.charts.look import SLIM
from engine.report.page.drawn import drawn, slimmed
from engine.report.page.given import FitRun, Given
from engine.report.page.html import page_html
from engine.report.page.page import page_of
from engine.report.page.records import figures_of, tables_of
from engine.report.page.sections_fit import PANELS
from engine.study.told_plan import plan_of

QUESTIONS = {
    "usual": ("two", "budget = { total = 8000 }"),
    "one draw": ("sure", "budget = { total = 8000 }"),
    "profit": ("two", 'budget = { at_most = 8000 }\n[goal]\nmaximise = "profit"\nmargin = 0.5'),
    "customers": ("counted", "budget = { total = 8000 }"),
    "lifetime": ("counted", 'budget = { total = 8000 }\n[goal]\nmaximise = "clv"\nlifetime_value = 500'),
    "worst draws": ("two", 'budget = { total = 8000 }\n[risk]\nmeasure = "cvar"\nweight = 1.0'),
    "target": ("two", "budget = { target_outcome = 15000 }"),
    "for tests": ("two", 'budget = { total = 8000 }\n[learn]\nchannels = ["tv"]\nshare = 0.3'),
    "limits": (
        "two",
        "budget = { total = 8000 }\n[channels.tv]\nfloor = 2600\ncap = 3900\n[channels.pr]\ncap = 5200",
    ),
    "no history": ("new", "budget = { total = 8000 }"),
    "next to nothing": ("two", "budget = { total = 0.5 }"),
    "many channels": ("many", "budget = { of_history = 1.0 }"),
}


@pytest.fixture(scope="module")
def curves(make):
    """Curves of all sorts, by name."""
    rng = np.random.default_rng(1)

    def doubted(value):
        return value * np.exp(0.3 * rng.standard_normal(20))

    def channel(name, ceiling, halfway, **changed):
        return make.channel(name, doubted(ceiling), doubted(halfway), **changed)

    kinds = ("paid", "earned", "shared", "owned")
    return {
        "two": make.curves(channel("tv", 300.0, 100.0, mean=150.0), channel("pr", 500.0, 80.0, kind="earned")),
        "sure": make.curves(make.channel("tv", 300.0, 100.0), make.channel("pr", 200.0, 80.0, kind="earned")),
        "counted": make.curves(channel("tv", 3.0, 100.0), channel("pr", 2.0, 80.0), outcome="new customers"),
        "new": make.curves(channel("tv", 300.0, 100.0, mean=0.0)),
        "many": make.curves(
            *(channel(f"channel {at}", 30.0 + at, 50.0, kind=kinds[at % 4]) for at in range(PANELS + 6))
        ),
    }


@pytest.fixture(scope="module")
def pages(make, curves):
    """The page of each question, as text and as records."""
    found = {}
    for name, (known, text) in QUESTIONS.items():
        plan = optimize(curves[known], make.scenario(text, 52, name))
        told = plan_of(Path("plan.json"), json.loads(json.dumps(plan_document(plan))))
        page = page_of(Given(fit=FitRun(curves[known]), plans=(told,)), "0")
        found[name] = page, page_html(page, {figure.name: drawn(figure) for figure in figures_of(page)})
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_any_plan_makes_a_page_whose_rows_are_as_long_as_its_headings(pages, name):
    page, html = pages[name]
    assert {"decision", "moves", "curves", "proof"} <= {section.id for section in page.sections}
    for table in tables_of(page):
        assert all(len(row) == len(table.header) for row in table.rows), table.name
        assert len(table.total) in (0, len(table.header)), table.name
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<svg.*?</svg>", "", html, flags=re.S))


def test_of_one_draw_no_range_and_no_chance_is_told(pages):
    page, html = pages["one draw"]
    moves = next(table for table in tables_of(page) if table.name == "moves")
    assert "5 %" not in moves.header
    assert "Chance to bring less" not in html
    assert "no uncertainty is known" in html


def test_outcome_that_is_counted_is_told_with_what_one_costs(pages):
    for name in ("customers", "lifetime"):
        moves = next(table for table in tables_of(pages[name][0]) if table.name == "moves")
        at = moves.header.index("Cost of one (USD)")
        brought = next(place for place, head in enumerate(moves.header) if "ustomers" in head)
        for row in (*moves.rows, moves.total):
            assert row[at].value == pytest.approx(row[3].value / row[brought].value)


def test_of_many_channels_those_with_most_money_are_drawn_and_all_are_listed(pages):
    page, html = pages["many channels"]
    figure = next(one for one in figures_of(page) if one.name == "response")
    assert len(figure.spec["concat"]) == PANELS
    assert len(figure.table.rows) == PANELS + 6
    assert f"Drawn are the {PANELS} of {PANELS + 6} channels" in html


def test_a_slim_chart_has_the_same_data_and_nothing_in_it_is_wide(pages):
    def widths(part):
        if isinstance(part, list):
            return [one for each in part for one in widths(each)]
        if not isinstance(part, dict):
            return []
        own = [part["width"]] if isinstance(part.get("width"), int | float) else []
        return own + [one for key, each in part.items() if key != "data" for one in widths(each)]

    def data(part):
        if isinstance(part, list):
            return [one for each in part for one in data(each)]
        if not isinstance(part, dict):
            return []
        own = [part["data"]] if "data" in part else []
        return own + [one for key in part if key != "data" for one in data(part[key])]

    for figure in figures_of(pages["usual"][0]):
        slim = slimmed(figure.spec)
        assert max(widths(slim)) <= SLIM
        assert data(slim) == data(figure.spec)


def test_curves_show_what_the_rules_of_a_channel_allow_and_nothing_where_there_are_none(pages):
    def bars(name):
        panels = next(one for one in figures_of(pages[name][0]) if one.name == "response").spec["concat"]
        return [
            (row["spend"], row["most"])
            for panel in panels
            for layer in panel["layer"]
            for row in layer.get("data", {}).get("values", ())
            if "most" in row
        ]

    assert bars("usual") == []
    assert bars("limits") == [pytest.approx((2600 / 52, 3900 / 52)), pytest.approx((0.0, 5200 / 52))]

"""What a fit's health says against it stands in every answer made from its curves, text and file."""

import json
from datetime import date

import pytest

from engine.optimize.plan_file import plan_document
from engine.report.answer import comparison_text, plan_text
from engine.report.frontier import balances_document, balances_text, frontier_document, frontier_text
from engine.report.grid import grid_document, grid_text
from engine.report.trade import trades_document, trades_text
from engine.study.ask import plan, what_if
from engine.study.explore import Sweep, explore, weigh
from engine.study.fit_doubts import MEANING, fit_doubts
from engine.study.replan import Today, document, replan
from engine.study.replan_text import text
from engine.study.trade import trade_safety
from engine.study.vary import vary

CHECKS = [
    {"name": "known money", "verdict": "weak", "sentence": "34% of the money is known; keep steps small"},
    {"name": "tested money", "verdict": "weak", "sentence": "0% of the money was tested; test tv"},
    {"name": "channel tv", "verdict": "weak", "sentence": "the share of tv is the prior's; test"},
    {"name": "experiment north", "verdict": "bad", "sentence": "The test in the north disagrees."},
    {"name": "holdout", "verdict": "good", "sentence": "forecasts are fine; nothing to do"},
]
REASONS = "(34% of the money is known; 0% of the money was tested; The test in the north disagrees)"
DECIDED = {"once": "", "quarterly": ', decide = "quarter"'}


def silent(*_):
    """Hear nothing of the progress."""


@pytest.fixture
def fit(tmp_path):
    """A weak fit folder, with a scenario for all its horizon, one by quarter, and a grid."""
    channels = [
        {
            "name": name,
            "kind": kind,
            "adstock": {"family": "geometric", "retain": [0.3, 0.4]},
            "saturation": {"family": "hill", "ceiling": [90.0, 110.0], "halfway": [40.0, 60.0], "slope": [0.9, 0.8]},
            "history": {"mean": mean, "max": 60.0, "last": [mean] * 60},
        }
        for name, kind, mean in (("tv", "paid", 30.0), ("pr", "earned", 20.0))
    ]
    names = {"schema": "peso.curves/1", "currency": "USD", "outcome": "revenue", "period": "week"}
    (tmp_path / "curves.json").write_text(json.dumps({**names, "channels": channels}))
    for name, decided in DECIDED.items():
        head = f'name = "{name}"\nhorizon = {{ start = 2027-01-04, periods = 52{decided} }}\n'
        (tmp_path / f"{name}.toml").write_text(head + "budget = { total = 2600 }\n")
    (tmp_path / "grid.toml").write_text("[budget]\nmultiple = [0.9, 1.1]\n")
    judged(tmp_path, "weak", CHECKS)
    return tmp_path


def judged(folder, trust, checks=()):
    (folder / "health.json").write_text(json.dumps({"trust": trust, "checks": list(checks)}))


def answers(fit):
    """Text and documents of every verb that plans with curves."""
    once, by_quarter = fit / "once.toml", fit / "quarterly.toml"
    sweep = Sweep(0.9, 1.1, 2)
    compared = what_if(fit, [once, by_quarter])
    yield "optimize", plan_text(one := plan(fit, once)), [plan_document(one)]
    yield "whatif", comparison_text(compared), [plan_document(each.plan) for each in compared]
    yield "replan", text(rest := replan(fit, by_quarter, Today(date(2027, 1, 4)))), [document(rest)]
    yield "frontier", frontier_text(all_ := explore(fit, once, sweep)), [frontier_document(all_)]
    yield "against", balances_text(two := weigh(fit, once, "paid", 2)), [balances_document(two)]
    yield "trade", trades_text(both := trade_safety((fit, once, False), 2, silent)), [trades_document(both)]
    yield "grid", grid_text(rows := vary(fit, once, fit / "grid.toml")), [grid_document(rows)]


def test_every_answer_on_a_weak_fit_says_so_in_its_first_lines_and_in_its_file(fit):
    for verb, told, documents in answers(fit):
        line = f"Beware: the fit behind these curves is weak {REASONS}: move in small steps, and test; {MEANING}."
        assert line in told.splitlines()[:8], verb
        assert told.count(MEANING) == 1, verb
        assert all(f"Beware: {each['warnings'][0]}." == line for each in documents), verb


def test_no_answer_on_a_good_fit_doubts_it(fit):
    judged(fit, "good", CHECKS)
    for verb, told, _ in answers(fit):
        assert "the fit behind these curves" not in told, verb


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        ("good", ()),
        ("weak", (f"the fit behind these curves is weak: move in small steps, and test; {MEANING}",)),
        ("bad", (f"the fit behind these curves is bad: move in small steps, and test; {MEANING}",)),
        (None, (f"whether the fit behind these curves can be trusted is not known; {MEANING}",)),
    ],
)
def test_a_doubt_is_told_of_a_folder_and_of_its_own_curves_alone(fit, trust, said):
    judged(fit, trust)
    assert fit_doubts(fit) == fit_doubts(fit / "curves.json") == fit_doubts(fit / "curves_by_geo.json") == said
    assert fit_doubts(fit / "mine.json") == ()
    (fit / "health.json").unlink()
    assert fit_doubts(fit) == ()

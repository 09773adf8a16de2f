"""What `peso check` says of experiments: of whom they speak, what they cannot mean, and what they may hide."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from engine.config.experiments import Experiment
from engine.data.check import check
from engine.data.dataset import Dataset
from engine.data.experiments import placed
from engine.periods import starts


def steady(*changes, spend=None):
    """A steady history of tv and pr, 100 a week each, with one experiment for each change of the usual one."""
    count = 40
    money = np.full((count, 1, 2), 100.0) if spend is None else spend
    history = Dataset(
        period="week",
        starts=starts(date(2024, 1, 1), count, "week"),
        geos=("national",),
        population=np.ones(1),
        currency="EUR",
        outcome_name="sales",
        outcome=np.full((count, 1), 1000.0),
        is_money=True,
        channels=("tv", "pr"),
        kinds=("paid", "earned"),
        spend=money,
        driver=money,
        control_names=(),
        controls=np.zeros((count, 1, 0)),
        event_names=(),
        events=np.zeros((count, 1, 0)),
    )
    usual = {
        "name": "one",
        "channels": ("tv",),
        "start": date(2024, 2, 5),
        "end": date(2024, 3, 3),
        "spend_change": 200.0,
        "outcome_change": 600.0,
        "standard_error": 100.0,
    }
    return replace(history, lift_tests=tuple(placed(Experiment(**{**usual, **change}), history) for change in changes))


def said(dataset):
    return [(one.verdict, one.sentence) for one in check(dataset) if one.topic == "experiments"]


def test_a_history_without_experiments_says_nothing_of_them():
    assert said(steady()) == []


def test_a_good_experiment_is_counted_by_channel_and_the_others_are_named():
    both = {"name": "two", "channels": ("tv", "pr"), "spend_change": (100.0, -50.0)}
    assert said(steady({}))[0] == ("good", "1 experiment speaks of tv (1); there is none on pr.")
    assert said(steady({}, both))[0] == ("good", "2 experiments speak of tv (2), pr (1).")


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({"outcome_change": 4100.0}, "bad", "moved 1.02 times all the outcome"),
        ({"outcome_change": 1100.0, "share": 0.25}, "bad", "moved 1.1 times all"),
        ({"outcome_change": -600.0}, "bad", "more money brings less (-6.0 standard errors)"),
        ({"outcome_change": -200.0}, "weak", "more money brings less (-2.0 standard errors)"),
        ({"spend_change": -200.0}, "bad", "check the signs"),
        ({"outcome_change": 150.0}, "weak", "may have found nothing (1.5 standard errors)"),
        ({"outcome_change": -100.0}, "weak", "may have found nothing (-1.0 standard errors)"),
    ],
)
def test_a_figure_that_cannot_be_or_says_little_is_told(change, verdict, words):
    first = said(steady(change))[0]
    assert first[0] == verdict and words in first[1]


def test_a_test_of_mixed_signs_has_no_wrong_sign():
    mixed = {"channels": ("tv", "pr"), "spend_change": (100.0, -50.0), "outcome_change": -600.0}
    assert {verdict for verdict, _ in said(steady(mixed))} == {"good"}


@pytest.mark.parametrize(
    ("level", "change", "is_told"),
    [(200.0, 400.0, True), (100.0, 400.0, False), (40.0, -150.0, True), (200.0, 20.0, False), (300.0, -400.0, False)],
)
def test_money_that_seems_to_be_in_the_history_is_told_unless_it_is_said_to_be(level, change, is_told):
    spend = np.full((40, 1, 2), 100.0)
    spend[5:9, 0, 0] = level
    one = {"spend_change": change, "outcome_change": 600.0 * np.sign(change)}
    assert (
        any("as it then seems, write in_history" in sentence for _, sentence in said(steady(one, spend=spend)))
        == is_told
    )
    declared = {**one, "in_history": True}
    assert not any("as it then seems" in sentence for _, sentence in said(steady(declared, spend=spend)))


NEITHER = (
    "The spend and the outcome of the history are taken to hold neither the money of the experiment one nor what it"
)


def test_what_the_history_is_taken_to_hold_of_experiments_is_told():
    two = {"name": "two", "outcome_change": 500.0}
    [_, told] = said(steady({}))
    assert told[0] == "good" and told[1].startswith(NEITHER)
    assert "add the money to the spend and write in_history" in told[1]
    assert said(steady({}, two))[1][1].startswith(NEITHER.replace("experiment one nor what it", "experiments one, two"))
    assert not [each for each in said(steady({"in_history": True})) if "neither" in each[1]]


def test_a_standard_error_that_counts_wider_is_told_with_its_cause():
    [_, rows] = said(steady({"in_history": True}))
    counts = "The experiment one counts with a standard error of"
    assert rows == ("good", f"{counts} 141, not of 100, because its outcome was read from rows that a fit reads too.")
    within = {"start": date(2024, 2, 6), "end": date(2024, 2, 7), "in_history": True, "outcome_change": 200.0}
    blur = steady(within).lift_tests[0].reading.blur
    [(_, both)] = [each for each in said(steady(within)) if counts in each[1]]
    assert f"{counts} {np.sqrt(2 * (100**2 + (200 * blur) ** 2)):.3g}, not of 100, because its days are parts" in both
    assert "open, and because its outcome was read from rows" in both and both.endswith("until a week ends.")
    aged = steady({})
    aged = replace(aged, lift_tests=(replace(aged.lift_tests[0], standard_error=150.0),))
    assert said(aged)[1] == ("good", f"{counts} 150, not of 100, because it is old.")


def test_periods_that_hide_more_than_the_test_itself_leaves_open_are_weak():
    short = {"start": date(2024, 2, 6), "end": date(2024, 2, 6), "outcome_change": 140.0, "standard_error": 20.0}
    [(verdict, _)] = [each for each in said(steady(short)) if "counts with" in each[1]]
    assert verdict == "weak"


def test_the_command_lists_experiments_as_it_understood_them(peso, tmp_path, tables):
    (tmp_path / "data.csv").write_text(tables.table())
    test = '[experiments]\nfile = "tests.csv"\nhalf_life = 5\n'
    (tmp_path / "model.toml").write_text(f'[data]\ndate = "date"\noutcome = "sales"\n{tables.channels}{test}')
    header = "name,channel,start,end,spend_change,outcome_change,standard_error"
    (tmp_path / "tests.csv").write_text(f"{header}\nspring,tv,2024-02-05,2024-02-18,50,400,90\n")
    assert "1 experiment speaks of tv (1); there is none on pr." in peso("check", "data.csv", cwd=tmp_path).stdout
    [one] = json.loads(peso("check", "data.csv", "--json", cwd=tmp_path).stdout)["experiments"]
    assert (one["name"], one["channels"], one["until"], one["geos"]) == ("spring", ["tv"], "2024-02-18", 1)
    assert (one["stated_error"], one["standard_error"]) == (90.0, pytest.approx(90 * 2**0.5))
    (tmp_path / "tests.csv").write_text(f"{header}\nspring,radio,2024-02-05,2024-02-18,50,400,90\n")
    done = peso("check", "data.csv", cwd=tmp_path)
    assert done.returncode == 3 and "tests.csv, line 2: channel 'radio' is not in the history" in done.stderr

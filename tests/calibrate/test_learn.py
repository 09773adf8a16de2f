"""From a file, with experiments, to a fit folder: once as a user runs it, then in this process."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from engine.response.curves_file import read_curves
from engine.study.learn import _columns
from tests.study.histories import MODEL

NAMES = {"channel 0": "tv", "channel 1": "blog"}
TEST = """
[[experiments.test]]
name = "{name}"
channels = {channels}
start = {start}
end = {end}
until = {until}
spend_change = {money}
outcome_change = {outcome}
standard_error = {error}
"""


def as_text(test):
    """An experiment as a model file holds it."""
    return TEST.format(
        name=test.name,
        channels=[NAMES[name] for name in test.channels],
        start=test.start,
        end=test.end,
        until=test.until,
        money=list(test.spend_change),
        outcome=test.outcome_change,
        error=test.standard_error,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory, world, with_tests):
    """A history on disk with its model beside it."""
    place = tmp_path_factory.mktemp("history")
    dataset = with_tests(world(seed=1), both=60.0).dataset
    with (place / "sales.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["week", "sales", "tv", "blog"])
        for row, day in enumerate(dataset.starts):
            writer.writerow([day.isoformat(), dataset.outcome[row, 0], *dataset.spend[row, 0]])
    (place / "model.toml").write_text(MODEL + "".join(as_text(test) for test in dataset.lift_tests))
    return place


@pytest.fixture(scope="module")
def answered(folder, process):
    return process("calibrate", folder / "sales.csv", "--out", folder / "fit", "--draws", 60, "--seed", 3)


def test_the_answer_opens_with_what_the_fit_supports(answered):
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith(("Good enough to plan with", "Plan with care"))
    assert "fit written to" in answered.stderr and "seed 3" in answered.stderr
    for name in ("tv", "blog", "convergence", "holdout", "collinear", "demand", "experiment both"):
        assert name in answered.stdout


def test_the_folder_holds_five_files_that_agree(answered, folder):
    fit = folder / "fit"
    assert sorted(path.name for path in fit.iterdir()) == [
        "charts.json",
        "contributions.csv",
        "curves.json",
        "health.json",
        "manifest.json",
    ]
    curves = read_curves(fit / "curves.json")
    health = json.loads((fit / "health.json").read_text())
    manifest = json.loads((fit / "manifest.json").read_text())
    assert curves.names == ("tv", "blog") and curves.draws == 60 and curves.currency == "EUR"
    assert len(curves.channels[0].history.last) == 52
    assert curves.channels[0].history.support[0] < curves.channels[0].history.support[1]
    assert health["schema"] == "peso.health/1" and health["trust"] in ("good", "weak")
    assert health["made_from"] == manifest["made_from"]["data"]
    assert manifest["settings"]["speed"] == "fast" and manifest["settings"]["seed"] == 3
    assert manifest["settings"]["experiments"] == 2
    rows = list(csv.reader((fit / "contributions.csv").open()))
    assert len(rows) == 105 and rows[0][:2] == ["start", "level mean"]
    values = np.array([row[1:] for row in rows[1:]], dtype=float)
    sales = np.array([float(row["sales"]) for row in csv.DictReader((folder / "sales.csv").open())])
    assert values[:, 0::3].sum(axis=1) == pytest.approx(sales)


def test_an_old_fit_is_not_replaced_unasked(answered, folder, peso):
    done = peso("calibrate", folder / "sales.csv", "--out", folder / "fit")
    assert done.returncode == 3 and "--force" in done.stderr and done.stdout == ""


def test_wrong_input_writes_nothing(folder, peso, tmp_path):
    done = peso("calibrate", tmp_path / "sales.csv", "--out", tmp_path / "fit")
    assert done.returncode == 3 and "model.toml" in done.stderr
    done = peso("calibrate", tmp_path / "s.csv", "--model", folder / "model.toml", "--out", tmp_path / "fit")
    assert done.returncode == 3 and "no such file" in done.stderr
    assert not (tmp_path / "fit").exists()


def test_one_document_with_json_and_the_same_fit_in_another_process(answered, folder, peso, tmp_path):
    arguments = ("--json", "-q", "--draws", 60, "--seed", 3)
    done = peso("calibrate", folder / "sales.csv", "--out", tmp_path / "fit", *arguments)
    document = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    assert document["headline"] and [channel["name"] for channel in document["channels"]] == ["tv", "blog"]
    files = [(place / "curves.json").read_bytes() for place in (folder / "fit", tmp_path / "fit")]
    assert files[0] == files[1]


def test_no_two_parts_bear_one_name(fitted):
    """Channels may be called as parts of the baseline are."""
    fit = fitted[1]
    called = {"channel 0": "level", "channel 1": "unexplained"}
    parts = tuple(replace(part, component=called.get(part.component, part.component)) for part in fit.contributions)
    names = _columns(replace(fit, contributions=parts))
    assert len(set(names)) == len(names) == len(parts)
    assert {"level", "level (channel)", "unexplained", "unexplained (channel)"} < set(names)
    assert _columns(fit) == [part.component for part in fit.contributions]

"""From a file to a fit folder, as a user runs it."""

import csv
import json

import numpy as np
import pytest

from engine.response.curves_file import read_curves

MODEL = """
[data]
date = "week"
outcome = "sales"
currency = "EUR"
[channels.tv]
kind = "paid"
spend = "tv"
[channels.blog]
kind = "owned"
spend = "blog"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, world):
    """A history on disk with its model beside it."""
    place = tmp_path_factory.mktemp("history")
    dataset = world(channels=2, periods=80).dataset
    with (place / "sales.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["week", "sales", "tv", "blog"])
        for row, day in enumerate(dataset.starts):
            writer.writerow([day.isoformat(), dataset.outcome[row, 0], *dataset.spend[row, 0]])
    (place / "model.toml").write_text(MODEL)
    return place


@pytest.fixture(scope="module")
def answered(folder, peso):
    return peso("calibrate", folder / "sales.csv", "--out", folder / "fit", "--draws", 60, "--seed", 3)


def test_the_answer_opens_with_what_the_fit_supports(answered):
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith(("Good enough to plan with", "Plan with care"))
    assert "fit written to" in answered.stderr and "seed 3" in answered.stderr
    for name in ("tv", "blog", "convergence", "holdout", "collinear"):
        assert name in answered.stdout


def test_the_folder_holds_four_files_that_agree(answered, folder):
    fit = folder / "fit"
    assert sorted(path.name for path in fit.iterdir()) == [
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
    assert health["schema"] == "peso.health/1" and health["trust"] in ("good", "weak")
    assert health["made_from"] == manifest["made_from"]["data"]
    assert manifest["settings"]["speed"] == "fast" and manifest["settings"]["seed"] == 3
    rows = list(csv.reader((fit / "contributions.csv").open()))
    assert len(rows) == 81 and rows[0][:2] == ["start", "level mean"]
    assert np.isfinite(np.array([row[1:] for row in rows[1:]], dtype=float)).all()


def test_an_old_fit_is_not_replaced_unasked(answered, folder, peso):
    refused = peso("calibrate", folder / "sales.csv", "--out", folder / "fit")
    assert refused.returncode == 3 and "--force" in refused.stderr and refused.stdout == ""


def test_wrong_input_writes_nothing(folder, peso, tmp_path):
    refused = peso("calibrate", tmp_path / "sales.csv", "--out", tmp_path / "fit")
    assert refused.returncode == 3 and "model.toml" in refused.stderr
    refused = peso("calibrate", tmp_path / "s.csv", "--model", folder / "model.toml", "--out", tmp_path / "fit")
    assert refused.returncode == 3 and "no such file" in refused.stderr
    assert not (tmp_path / "fit").exists()


def test_one_document_with_json(folder, peso, tmp_path):
    answered = peso("calibrate", folder / "sales.csv", "--out", tmp_path / "fit", "--json", "-q", "--draws", 40)
    document = json.loads(answered.stdout)
    assert document["headline"] and [channel["name"] for channel in document["channels"]] == ["tv", "blog"]
    assert answered.stderr == ""

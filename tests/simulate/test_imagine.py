"""A world folder: what stands in it, and that the same seed writes the same bytes."""

import csv
import hashlib
import json

import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.errors import InputError
from engine.simulate.stages import CONSUMER
from engine.study.imagine import imagine, truth_document, write_world

FILES = ("panel.csv", "model.toml", "funnel.csv", "truth.json", "manifest.json")


@pytest.fixture(scope="module")
def imagined(small):
    return imagine(build(small(), Market, "small"), 60, 11)


@pytest.fixture(scope="module")
def folder(imagined, tmp_path_factory):
    place = tmp_path_factory.mktemp("world")
    write_world(place, imagined)
    return place


def test_every_file_of_the_contract_is_written_and_named_by_its_hash(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert manifest["schema"] == "peso.world/1" and manifest["seed"] == 11 and manifest["weeks"] == 60
    for name, told in manifest["files"].items():
        assert told == "sha256:" + hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_the_panel_shows_spend_and_noisy_revenue_and_no_truth(folder, imagined):
    rows = list(csv.DictReader((folder / "panel.csv").open()))
    assert len(rows) == 60
    seen = np.array([float(row["revenue"]) for row in rows])
    assert seen == pytest.approx(imagined.dataset.outcome[:, 0], rel=1e-9)
    assert np.abs(seen / np.asarray(imagined.trajectory.revenue) - 1).max() < 0.3
    assert not (seen == np.asarray(imagined.trajectory.revenue)).any()


def test_the_truth_adds_up(folder, imagined):
    told = json.loads((folder / "truth.json").read_text())
    assert told == json.loads(json.dumps(truth_document(imagined)))
    gains = sum(channel["incremental_outcome"] for channel in told["channels"])
    assert told["baseline"] + gains + told["interaction"] == pytest.approx(told["revenue"], rel=1e-12)
    for channel, spend in zip(told["channels"], imagined.spend.T, strict=True):
        assert channel["spend"] == pytest.approx(spend.sum(), rel=1e-12)
        assert channel["roas"] == pytest.approx(channel["incremental_outcome"] / channel["spend"])
        assert len(channel["curve"]["spend"]) == len(channel["curve"]["outcome"]) == 25
        assert len(channel["kernel"]) == 52


def test_the_funnel_balances(folder, imagined):
    rows = list(csv.DictReader((folder / "funnel.csv").open()))
    assert len(rows) == 60 * 2 * len(CONSUMER.stages)
    figures = np.array([[float(row[name]) for name in ("people", "entered", "left", "purchases")] for row in rows])
    people, entered, left, bought = np.moveaxis(figures.reshape(60, 2, len(CONSUMER.stages), 4), -1, 0)
    assert people.sum(axis=(1, 2)) == pytest.approx(imagined.market.population, abs=0.01)
    assert np.diff(people, axis=0) == pytest.approx((entered - left)[1:], abs=0.001)
    value = np.array([segment.value for segment in imagined.market.segments.values()])
    revenue = bought.sum(axis=2) @ value * imagined.market.purchase.price
    assert revenue == pytest.approx(np.asarray(imagined.trajectory.revenue), rel=1e-6)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(folder, small, tmp_path):
    market = build(small(), Market, "small")
    write_world(tmp_path / "same", imagine(market, 60, 11))
    write_world(tmp_path / "other", imagine(market, 60, 12))
    for name in FILES:
        assert (tmp_path / "same" / name).read_bytes() == (folder / name).read_bytes()
    assert (tmp_path / "other" / "panel.csv").read_bytes() != (folder / "panel.csv").read_bytes()


def test_too_short_and_too_long_histories_are_refused(small):
    market = build(small(), Market, "small")
    with pytest.raises(InputError, match="7 weeks are too short a history; ask for at least 8"):
        imagine(market, 7, 1)
    with pytest.raises(InputError, match="5000 weeks are asked for, but a simulated world holds 1196"):
        imagine(market, 5_000, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"events": {f"peak_{rank}": {"week": 2, "lift": 1e15} for rank in range(30)}},
        {"control": {"name": "index", "persistence": 0.5, "deviation": 1.0, "elasticity": -1e15}},
    ],
)
def test_demand_beyond_all_numbers_is_refused_with_its_week(small, changes):
    with pytest.raises(InputError, match=r"demand of the week from \d{4}-\d\d-\d\d is .* times the usual"):
        imagine(build({**small(), **changes}, Market, "small"), 20, 1)


def test_a_folder_of_a_run_that_fails_stays_as_it_was_and_no_file_of_an_older_run_stays_beside_a_newer(
    small, tmp_path, monkeypatch
):
    market = {**small(), "lift_tests": {"one": {"channel": "tv", "week": 3, "weeks": 2, "factor": 2, "share": 0.5}}}
    first = imagine(build(market, Market, "small"), 20, 11)
    write_world(tmp_path / "world", first)
    (tmp_path / "world" / "mine.txt").write_text("kept")
    before = {path.name: path.read_bytes() for path in (tmp_path / "world").iterdir()}
    assert "lift_tests.csv" in before
    second = imagine(build(small(), Market, "small"), 20, 12)
    with monkeypatch.context() as broken:
        broken.setattr("engine.study.imagine.truth_document", lambda _: {"not": float("nan")})
        with pytest.raises(ValueError, match="JSON"):
            write_world(tmp_path / "world", second)
    assert {path.name: path.read_bytes() for path in (tmp_path / "world").iterdir()} == before
    write_world(tmp_path / "world", second)
    assert {path.name for path in (tmp_path / "world").iterdir()} == {*FILES, "mine.txt"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["world"]

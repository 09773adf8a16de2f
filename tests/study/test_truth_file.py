"""truth.json: every figure under its name, strict JSON, and a reason where one is missing."""

import dataclasses
import json
from datetime import date

import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.files import to_json
from engine.simulate import coalitions
from engine.simulate.truth import TAIL, truth
from engine.simulate.world import build_world
from engine.study.truth_file import MEANS, truth_content

MARKET = {
    "name": "Two",
    "currency": "EUR",
    "start": date(2022, 1, 3),
    "population": 10_000.0,
    "in_market": 0.2,
    "noise": 0.05,
    "purchase": {"price": 30.0, "margin": 0.4, "repeat": 0.05},
    "journey": {"notice": 0.03, "consider": 0.3, "buy": 0.8, "leave": 0.1, "reconsider": 0.3, "lose": 0.2, "win": 0.1}
    | dict.fromkeys(("praise", "quiet", "forget", "cool"), 0.02),
    "segments": {"near": {"share": 0.7}, "far": {"share": 0.3, "value": 2.0}},
    "channels": {
        "radio": {
            "mechanic": "reach",
            "cost_per_contact": 0.02,
            "effect": {"notice": 0.05, "buy": 0.1},
            "carry": {"half_life": 2.0},
            "history": {"mean": 100.0},
        },
        "letter": {
            "mechanic": "mailing",
            "signup_share": 0.4,
            "cost_per_signup": 2.0,
            "cost_per_mail": 0.05,
            "most_mails": 2.0,
            "largest": 0.3,
            "effect": {"buy": 0.2},
            "history": {"mean": 100.0},
        },
    },
}


@pytest.fixture(scope="module")
def world():
    return build_world(build(MARKET, Market, "two"), seed=1)


@pytest.fixture(scope="module")
def spend():
    return np.random.default_rng(0).uniform(50, 200, (26, 2))


def content(world, known):
    """The file as a reader of JSON gets it."""
    return json.loads(to_json(truth_content(world, known, "sha256:0", world.start_date)))


@pytest.fixture(scope="module")
def known(world, spend):
    return truth(world, spend)


@pytest.fixture(scope="module")
def told(world, known):
    return content(world, known)


def test_what_is_told_of_all_channels_adds_up(told):
    assert told["schema"] == "peso.truth/1"
    assert told["window"] == {"start": "2022-01-03", "periods": 26} and told["tail"] == {"periods": TAIL}
    for totals, figures in (
        (told, told["channels"]),
        (told["with_tail"], [channel["with_tail"] for channel in told["channels"]]),
    ):
        gain = totals["revenue"] - totals["baseline"]
        assert sum(each["shapley"]["outcome"] for each in figures) == pytest.approx(gain, rel=1e-9)
        lost = sum(each["incremental_outcome"] for each in figures)
        assert lost + totals["interaction"] == pytest.approx(gain, rel=1e-9)
    assert told["with_tail"]["revenue"] > told["revenue"]
    assert "shapley_absent" not in told


def test_ratios_are_those_of_the_figures_beside_them(told):
    for channel in told["channels"]:
        for figures in (channel, channel["with_tail"]):
            money = figures["incremental_spend"]
            assert figures["roas"] == pytest.approx(figures["incremental_outcome"] / money, rel=1e-12)
            assert figures["cac"] == pytest.approx(money / figures["incremental_customers"], rel=1e-12)
            for name in ("add_one_in", "shapley"):
                part = figures[name]
                assert part["roas"] == pytest.approx(part["outcome"] / part["spend"], rel=1e-12)
        for name in ("curve", "pulse"):
            assert len({len(series) for series in channel[name].values()}) == 1
            assert set(channel[name]) == {"spend", "spent", "outcome"}
    held = told["customers"]
    assert held["cac"] == pytest.approx(told["spent"] / told["new_customers"], rel=1e-12)
    assert held["clv_over_cac"] == pytest.approx(held["clv"] / held["cac"], rel=1e-12)
    assert sum(segment["new"] for segment in held["segments"]) == pytest.approx(held["new"], rel=1e-12)
    far, near = held["segments"][1], held["segments"][0]
    assert far["clv"] == pytest.approx(2 * near["clv"], rel=0.3) and far["name"] == "far"
    assert 0 < told["share"] < 1


def test_what_does_not_exist_is_null(world, spend, told):
    assert told["channels"][0]["subscribers"] is None and told["channels"][1]["subscribers"] > 0
    idle = content(world, truth(world, spend * [1.0, 0.0]))["channels"][1]
    assert [idle[name] for name in ("roas", "cac", "marginal_roas", "payback_weeks")] == [None] * 4
    assert idle["incremental_outcome"] == idle["shapley"]["outcome"] == 0


def test_missing_shapley_values_say_why(world, spend, monkeypatch):
    monkeypatch.setattr(coalitions, "MOST", 1)
    short = content(world, truth(world, spend))
    assert short["channels"][0]["shapley"] is None and short["channels"][0]["with_tail"]["shapley"] is None
    assert short["shapley_absent"].startswith("2 channels have 2^2 coalitions")


def test_the_file_says_what_its_figures_mean(told):
    named = {*told, *told["channels"][0], "window", "incremental", "share"}
    assert told["means"] == MEANS and set(MEANS) <= named


def test_names_stand_for_the_world_they_were_asked_of(world, known):
    other = dataclasses.replace(world, channels=("wireless", "letter"), currency="USD")
    named = content(other, known)
    assert named["currency"] == "USD" and [each["name"] for each in named["channels"]] == ["wireless", "letter"]

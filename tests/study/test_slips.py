"""Slips that would cost a user something without a word: each is refused, or told."""

import json

import pytest

from engine.errors import InputError
from engine.response.curves_file import read_curves

CURVES = {
    "schema": "peso.curves/1",
    "currency": "USD",
    "outcome": "revenue",
    "period": "week",
    "channels": [
        {
            "name": "tv",
            "kind": "paid",
            "adstock": {"family": "geometric", "retain": [0.5]},
            "saturation": {"family": "hill", "ceiling": [900.0], "halfway": [300.0], "slope": [1.0]},
            "history": {"mean": 200.0, "max": 400.0, "last": [200.0]},
        }
    ],
}
PROFIT = """name = "profit"
horizon = { start = 2027-01-04, periods = 52 }
budget = { at_most = 20_000 }
goal = { maximise = "profit", margin = 0.4 }
"""


def written(folder, curves=CURVES, scenario=PROFIT):
    (folder / "own.json").write_text(json.dumps(curves))
    (folder / "question.toml").write_text(scenario)
    return folder


@pytest.mark.parametrize(("slip", "meant"), [("histroy", "history"), ("satuation", "saturation")])
def test_a_misspelt_key_of_a_channel_is_refused(tmp_path, slip, meant):
    channel = dict(CURVES["channels"][0])
    channel[slip] = channel.pop(meant)
    written(tmp_path, {**CURVES, "channels": [channel]})
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        read_curves(tmp_path / "own.json")


def test_a_key_of_somebody_elses_is_left_alone(tmp_path):
    written(tmp_path, {**CURVES, "author": "A. Analyst"})
    assert read_curves(tmp_path / "own.json").names == ("tv",)


@pytest.mark.parametrize("out", ["own.json", "question.toml"])
def test_an_answer_never_replaces_its_question(peso, tmp_path, out):
    before = (written(tmp_path) / out).read_text()
    done = peso("optimize", "own.json", "question.toml", "--out", out, "--force", cwd=tmp_path)
    assert done.returncode == 3
    assert "is an input of this question" in done.stderr
    assert (tmp_path / out).read_text() == before


def test_a_profit_question_is_compared_by_profit(peso, tmp_path):
    written(tmp_path)
    done = peso("whatif", "question.toml", "--fit", "own.json", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)["answers"][0]
    # by hand: a week earns 0.4 * 900 * x / (x + 300) - x, best at x = sqrt(0.4 * 900 * 300) - 300 = 28.6
    week = (0.4 * 900 * 300) ** 0.5 - 300
    best = 0.4 * 900 * week / (week + 300) - week
    now = 0.4 * 900 * 200 / 500 - 200
    assert answer["change"]["mean"] == pytest.approx(52 * (best - now), rel=1e-6)
    assert answer["chance_of_less"] == 0


def test_a_plan_that_spends_nothing_says_so(peso, tmp_path):
    written(tmp_path, scenario=PROFIT.replace("0.4", "0.01"))
    done = peso("optimize", "own.json", "question.toml", cwd=tmp_path)
    assert done.returncode == 0
    assert "Beware: nothing is spent" in done.stdout

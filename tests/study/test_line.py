"""The straight line on the embedded market, and every scenario that comes along answered on its fit."""

import json

import numpy as np
import pytest

from engine.config.loading import load
from engine.config.samples import sample_folder
from engine.config.scenario import Scenario
from engine.optimize.compare import compare
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, history_spend, problem_of
from engine.optimize.timing import timing
from engine.response.curves_file import read_curves

SCENARIOS = sorted(path.stem for path in sample_folder("scenarios").glob("*.toml"))


@pytest.fixture(scope="module")
def made(peso, tmp_path_factory):
    """What the demonstration leaves behind and tells of three years of the embedded market."""
    folder = tmp_path_factory.mktemp("demo")
    done = peso("demo", "--out", "made", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "made", json.loads(done.stdout)


@pytest.fixture(scope="module")
def curves(made):
    """Its fit, as its file tells it to whoever asks on."""
    return read_curves(made[0] / "fit" / "curves.json")


def asked(name: str) -> Scenario:
    return load(sample_folder("scenarios") / f"{name}.toml", Scenario)


def spend_of(curves, name: str) -> dict[str, float]:
    plan = optimize(curves, asked(name), priced=False)
    return {line.name: line.spend for line in plan.lines}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_answered_with_a_certificate_and_keeps_its_rules(curves, name):
    scenario = asked(name)
    plan = optimize(curves, scenario)
    assert plan.certified
    assert plan.net <= plan.bound
    assert not broken(problem_of(curves, scenario), np.array(plan.chosen.spend))
    assert not plan.baseline.broken or plan.baseline.spend != plan.chosen.spend
    if not plan.baseline.broken:
        assert plan.gain.mean >= -1e-9 * plan.baseline.value.mean


def test_a_cut_of_15_percent_spends_85_percent_of_history(curves):
    scenario = asked("cut_15_percent")
    spent = sum(spend_of(curves, "cut_15_percent").values())
    assert spent == pytest.approx(0.85 * history_spend(curves, scenario).sum(), rel=1e-9)


def test_a_flat_repeat_changes_nothing(curves):
    answer = compare(curves, [asked("flat_repeat")])[0]
    assert answer.change.mean == pytest.approx(0, abs=1e-6 * answer.base.outcome.mean())
    assert answer.chance_of_less == 0


def test_a_tenth_goes_to_earned_media(curves):
    spent = spend_of(curves, "earned_tenth")
    assert spent["press"] >= 0.1 * sum(spent.values()) * (1 - 1e-9)


def test_frozen_television_has_no_stock_before_july_but_what_its_carry_over_brings(curves):
    scenario = asked("tv_frozen_to_july")
    tv = next(channel for channel in curves.channels if channel.name == "tv")
    gain = timing(tv, curves, scenario).gain.mean(1)
    weeks_to_july = 26
    assert gain[10:weeks_to_july].max() < 0.05 * gain[weeks_to_july + 8 :].min()
    history = dict(zip(curves.names, history_spend(curves, scenario), strict=True))
    assert spend_of(curves, "tv_frozen_to_july")["tv"] <= 0.5 * history["tv"] * (1 + 1e-9)


def test_a_launch_burst_works_in_its_first_six_weeks(curves):
    scenario = asked("launch_burst")
    for channel in curves.channels:
        gain = timing(channel, curves, scenario).gain
        if channel.name in ("press", "newsletter"):
            assert np.ptp(gain) == 0
        else:
            assert gain[:6].sum(0).mean() > gain[6:].sum(0).mean()


def test_dearer_media_earn_less_than_the_same_money_at_old_prices(curves):
    before, after = (optimize(curves, asked(name), priced=False) for name in ("best_split", "price_inflation"))
    assert after.bound < before.net


def test_the_demonstration_walks_the_whole_line(made):
    folder, told = made
    assert told["plan"]["status"] == "certified"
    verdict = told["verdict"]
    assert verdict["oracle_value"] >= max(verdict["plan_value"], verdict["baseline_value"])
    assert 0 <= verdict["regret"] < 0.02
    assert (folder / "world" / "truth.json").is_file()
    assert (folder / "fit" / "curves.json").is_file()

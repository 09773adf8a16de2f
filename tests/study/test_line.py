"""The straight line on the embedded market, and every scenario that comes along answered on its fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.calibrate.calibrate import calibrate
from engine.config.loading import load
from engine.config.market import Market
from engine.config.samples import sample, sample_folder
from engine.config.scenario import Scenario
from engine.optimize.compare import compare
from engine.optimize.plan import optimize
from engine.optimize.rules import broken, history_spend, problem_of
from engine.optimize.timing import timing
from engine.study.imagine import imagine
from tests.study.models import model_of

SCENARIOS = sorted(path.stem for path in sample_folder("scenarios").glob("*.toml"))


@pytest.fixture(scope="module")
def fit():
    """The fit of three years of the embedded market."""
    dataset = imagine(load(sample("configs", Path("online_retail")), Market), 156, 2027).dataset
    return calibrate(dataset, model_of(dataset), "fast", 2027, 200)


def asked(name: str) -> Scenario:
    return load(sample_folder("scenarios") / f"{name}.toml", Scenario)


def spend_of(fit, name: str) -> dict[str, float]:
    plan = optimize(fit.curves, asked(name), priced=False)
    return {line.name: line.spend for line in plan.lines}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_answered_with_a_certificate_and_keeps_its_rules(fit, name):
    scenario = asked(name)
    plan = optimize(fit.curves, scenario)
    assert plan.certified
    assert plan.net <= plan.bound
    assert not broken(problem_of(fit.curves, scenario), np.array(plan.chosen.spend))
    assert not plan.baseline.broken or plan.baseline.spend != plan.chosen.spend
    if not plan.baseline.broken:
        assert plan.gain.mean >= -1e-9 * plan.baseline.value.mean


def test_a_cut_of_15_percent_spends_85_percent_of_history(fit):
    scenario = asked("cut_15_percent")
    spent = sum(spend_of(fit, "cut_15_percent").values())
    assert spent == pytest.approx(0.85 * history_spend(fit.curves, scenario).sum(), rel=1e-9)


def test_a_flat_repeat_changes_nothing(fit):
    answer = compare(fit.curves, [asked("flat_repeat")])[0]
    assert answer.change.mean == pytest.approx(0, abs=1e-6 * answer.base.outcome.mean())
    assert answer.chance_of_less == 0


def test_a_tenth_goes_to_earned_media(fit):
    spent = spend_of(fit, "earned_tenth")
    assert spent["press"] >= 0.1 * sum(spent.values()) * (1 - 1e-9)


def test_frozen_television_has_no_stock_before_july_but_what_its_carry_over_brings(fit):
    scenario = asked("tv_frozen_to_july")
    tv = next(channel for channel in fit.curves.channels if channel.name == "tv")
    gain = timing(tv, fit.curves, scenario).gain.mean(1)
    weeks_to_july = 26
    assert gain[10:weeks_to_july].max() < 0.05 * gain[weeks_to_july + 8 :].min()
    history = dict(zip(fit.curves.names, history_spend(fit.curves, scenario), strict=True))
    assert spend_of(fit, "tv_frozen_to_july")["tv"] <= 0.5 * history["tv"] * (1 + 1e-9)


def test_a_launch_burst_works_in_its_first_six_weeks(fit):
    scenario = asked("launch_burst")
    for channel in fit.curves.channels:
        gain = timing(channel, fit.curves, scenario).gain
        if channel.name in ("press", "newsletter"):
            assert np.ptp(gain) == 0
        else:
            assert gain[:6].sum(0).mean() > gain[6:].sum(0).mean()


def test_dearer_media_earn_less_than_the_same_money_at_old_prices(fit):
    before, after = (optimize(fit.curves, asked(name), priced=False) for name in ("best_split", "price_inflation"))
    assert after.bound < before.net


def test_the_demonstration_walks_the_whole_line(peso, tmp_path):
    done = peso("demo", "--out", "made", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["plan"]["status"] == "certified"
    verdict = told["verdict"]
    assert verdict["oracle_value"] >= max(verdict["plan_value"], verdict["baseline_value"])
    assert 0 <= verdict["regret"] < 0.02
    assert (tmp_path / "made" / "world" / "truth.json").is_file()
    assert (tmp_path / "made" / "fit" / "curves.json").is_file()

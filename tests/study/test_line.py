"""The straight line on the embedded market, and every scenario that comes along answered on its fit."""

import json
from functools import cache

import numpy as np
import pytest

from engine.config.loading import load
from engine.config.samples import sample_folder
from engine.config.scenario import Budget, Goal, Risk, Scenario
from engine.optimize.compare import compare
from engine.optimize.plan import by_draw, optimize
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


@pytest.fixture(scope="module")
def planned(curves):
    """The plan of each scenario, made once."""
    return cache(lambda name: optimize(curves, asked(name)))


def spend_of(plan) -> dict[str, float]:
    return {line.name: line.spend for line in plan.lines}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_answered_with_its_bound_and_keeps_its_rules(curves, planned, name):
    """With a certificate where there is one decision; the bound of several says where it is an estimate."""
    scenario = asked(name)
    plan = planned(name)
    assert plan.certified or (len(plan.decisions) > 1 and not plan.proven and plan.gap <= 0.03)
    assert plan.net <= plan.bound
    sized = scenario.model_copy(update={"budget": Budget(total=plan.spend)}) if plan.found else scenario
    gave_way = {rule.name for rule in broken(problem_of(curves, sized), plan.cells)}
    assert gave_way <= set(scenario.soft)
    assert not plan.baseline.broken or plan.baseline.spend != plan.chosen.spend
    if not plan.baseline.broken and plan.risk == "mean":
        assert plan.gain.mean >= -1e-9 * plan.baseline.value.mean


def test_a_plan_by_quarter_keeps_its_pace_and_its_share(curves, planned):
    plan = planned("quarters")
    schedule = np.array(plan.schedule)
    pace = np.array([schedule[week] for week in (6, 19, 32, 45)])
    assert np.all(pace[1:] <= 1.15 * pace[:-1] * (1 + 1e-6))
    assert np.all(pace[1:] >= 0.85 * pace[:-1] * (1 - 1e-6))
    assert schedule[:, curves.names.index("press")].sum() >= 0.1 * plan.spend * (1 - 1e-6)


def test_a_plan_by_month_keeps_what_is_bought_and_what_a_quarter_may_cost(curves, planned):
    plan = planned("months")
    decided = np.array(plan.chosen.decided)
    assert decided.shape == (12, len(curves.names))
    assert decided[:2, curves.names.index("tv")].min() >= 250_000 * (1 - 1e-6)
    social = decided[:, curves.names.index("social")].reshape(4, 3).sum(axis=1)
    assert social.max() == pytest.approx(700_000, rel=1e-6)


def test_a_careful_plan_gives_up_some_of_the_mean_for_a_better_worst_tenth(curves):
    def told(scenario):
        values = np.sort(by_draw(problem_of(curves, scenario), optimize(curves, scenario, priced=False).cells)[1])
        return values[: len(values) // 10].mean(), values.mean()

    careful = asked("careful")
    (worst, mean), (worst_of_best, best) = told(careful), told(careful.model_copy(update={"risk": Risk()}))
    assert worst > worst_of_best
    assert mean < best


def test_the_least_money_brings_what_is_asked_and_money_proven_too_little_does_not(curves, planned):
    plan = planned("least_money")
    assert plan.chosen.outcome.mean >= 14_000_000 * (1 - 1e-6)
    assert plan.found.proven <= plan.spend
    short = {"budget": Budget(at_most=0.99 * plan.found.proven), "goal": Goal(prudence=0.0)}
    assert optimize(curves, asked("least_money").model_copy(update=short), priced=False).bound < 14_000_000


def test_of_two_wishes_only_the_one_to_give_way_first_does(planned):
    plan = planned("wishes")
    spent = {line.name: line.spend for line in plan.lines}
    assert spent["tv"] < 4_000_000
    assert spent["newsletter"] >= 0.13 * plan.spend * (1 - 1e-6)
    assert [warning for warning in plan.warnings if "gave way" in warning and "floor of tv" in warning]
    assert not [warning for warning in plan.warnings if "least share of owned" in warning]


def test_a_cut_of_15_percent_spends_85_percent_of_history(curves, planned):
    scenario = asked("cut_15_percent")
    spent = sum(spend_of(planned("cut_15_percent")).values())
    assert spent == pytest.approx(0.85 * history_spend(curves, scenario).sum(), rel=1e-9)


def test_a_flat_repeat_changes_nothing(curves):
    answer = compare(curves, [asked("flat_repeat")])[0]
    assert answer.change.mean == pytest.approx(0, abs=1e-6 * answer.base.outcome.mean())
    assert answer.chance_of_less == 0


def test_a_tenth_goes_to_earned_media(planned):
    spent = spend_of(planned("earned_tenth"))
    assert spent["press"] >= 0.1 * sum(spent.values()) * (1 - 1e-9)


def test_a_fixed_split_is_kept_and_what_the_free_one_has_more_is_told(curves, planned):
    scenario, plan = asked("brand_and_activation"), planned("brand_and_activation")
    spent = spend_of(plan)
    assert spent["tv"] + spent["press"] + spent["newsletter"] == pytest.approx(0.6 * plan.spend, rel=1e-6)
    free = optimize(curves, scenario.model_copy(update={"strategy": None}), priced=False)
    assert plan.fixing.net == pytest.approx(free.net - plan.net, abs=1e-3 * free.bound)
    assert plan.fixing.net > 0
    shares = {level.name: level.free for level in plan.above if level.of == "role"}
    brand = sum(line.spend for line in free.lines if line.role == "brand")
    assert shares["brand"] == pytest.approx(brand / free.spend, abs=0.02)


def test_frozen_television_has_no_stock_before_july_but_what_its_carry_over_brings(curves, planned):
    scenario = asked("tv_frozen_to_july")
    tv = next(channel for channel in curves.channels if channel.name == "tv")
    gain = timing(tv, curves, scenario).gain.mean(1)
    weeks_to_july = 26
    assert gain[10:weeks_to_july].max() < 0.05 * gain[weeks_to_july + 8 :].min()
    history = dict(zip(curves.names, history_spend(curves, scenario), strict=True))
    assert spend_of(planned("tv_frozen_to_july"))["tv"] <= 0.5 * history["tv"] * (1 + 1e-9)


def test_a_launch_burst_works_in_its_first_six_weeks(curves):
    scenario = asked("launch_burst")
    for channel in curves.channels:
        gain = timing(channel, curves, scenario).gain
        if channel.name in ("press", "newsletter"):
            assert np.ptp(gain) == 0
        else:
            assert gain[:6].sum(0).mean() > gain[6:].sum(0).mean()


def test_dearer_media_earn_less_than_the_same_money_at_old_prices(planned):
    before, after = (planned(name) for name in ("best_split", "price_inflation"))
    assert after.bound < before.net


def test_the_demonstration_walks_the_whole_line(made):
    folder, told = made
    assert told["plan"]["status"] == "certified"
    verdict = told["verdict"]
    assert verdict["oracle_value"] >= max(verdict["plan_value"], verdict["baseline_value"])
    assert 0 <= verdict["regret"] < 0.02
    assert (folder / "world" / "truth.json").is_file()
    assert (folder / "fit" / "curves.json").is_file()

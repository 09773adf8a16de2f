"""Health: what each check says, and what they come to."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.calibrate.baseline import COMPONENTS, design
from engine.calibrate.calibrate import calibrate
from engine.calibrate.fit import Check, graded
from engine.calibrate.health import _convergence, _demand, _geos, _holdout, trust
from engine.calibrate.holdout import Holdout
from engine.calibrate.identified import _collinear, _tested_money
from engine.calibrate.mode import Mode, Search
from engine.calibrate.money import Miss
from engine.calibrate.nuts import Chains
from engine.calibrate.panel import scale
from engine.calibrate.posterior import Posterior, draw_posterior
from engine.calibrate.problem import explain, prepare
from engine.config.experiments import Experiment
from engine.config.model import Baseline
from engine.data.dataset import Dataset
from engine.data.experiments import placed

NAMES = ("convergence", "fit", "holdout", "baseline", "known_money", "channel_tv", "experiment_tv")


def checks(**verdicts):
    named = dict.fromkeys(NAMES, "good") | verdicts
    return [Check(name.replace("_", " "), verdict, 0.0, "") for name, verdict in named.items()]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({}, "good"),
        ({"convergence": "bad"}, "bad"),
        ({"convergence": "weak"}, "weak"),
        ({"holdout": "bad"}, "weak"),
        ({"fit": "bad"}, "weak"),
        ({"fit": "bad", "holdout": "bad"}, "bad"),
        ({"baseline": "bad"}, "bad"),
        ({"baseline": "weak"}, "weak"),
        ({"known_money": "weak"}, "weak"),
        ({"experiment_tv": "weak"}, "weak"),
        ({"experiment_tv": "bad"}, "weak"),
        ({"channel_tv": "weak"}, "good"),
        ({"residuals": "weak"}, "good"),
        ({"demand": "weak"}, "good"),
        ({"geos": "good"}, "good"),
        ({"geos": "bad"}, "weak"),
    ],
)
def test_only_real_failures_are_bad(verdicts, expected):
    assert trust(checks(**verdicts)) == expected


def test_figures_on_the_edge_are_on_the_better_side():
    assert [graded(one, 0.7, 0.3) for one in (0.7, 0.6999, 0.3, 0.2999)] == ["good", "weak", "weak", "bad"]


def posterior(effective=900.0, pareto=0.3, agreeing=1.0, chains=None):
    heights = np.where(np.arange(20) < 20 * agreeing, 0.0, -3.0)
    mode = Mode(np.zeros(2), 0.0, np.eye(2), 0.0)
    return Posterior(np.zeros((5, 2)), Search((mode,), heights), effective, pareto, effective < 50, chains)


def chained(r_hat=1.0, bulk=1000.0, divergences=0):
    return posterior(chains=Chains(np.zeros((4, 3, 2)), r_hat, bulk, divergences))


@pytest.mark.parametrize(
    ("found", "verdict", "told"),
    [
        (posterior(), "good", "nothing to do"),
        (posterior(agreeing=0.25), "good", "25.0 % of 20 starts"),
        (posterior(agreeing=0.2), "weak", "speed nuts"),
        (posterior(pareto=0.71), "weak", "speed nuts"),
        (posterior(effective=399.0), "weak", "speed nuts"),
        (posterior(effective=49.0), "weak", "Laplace's alone"),
        (chained(), "good", "nothing to do"),
        (chained(r_hat=1.02), "weak", "another --seed"),
        (chained(bulk=399.0), "weak", "another --seed"),
        (chained(divergences=1), "weak", "another --seed"),
        (chained(r_hat=1.06), "bad", "chains disagree"),
        (chained(bulk=99.0), "bad", "chains disagree"),
    ],
)
def test_convergence_is_graded_by_its_own_diagnosis(found, verdict, told):
    check = _convergence(found)
    assert check.verdict == verdict and told in check.sentence


@pytest.mark.parametrize(
    ("error", "coverage", "verdict", "told"),
    [
        (0.05, 0.9, "good", "nothing to do"),
        (0.05, 0.4, "weak", "too narrow"),
        (0.15, 0.4, "weak", "adds nothing"),
        (0.25, 0.9, "bad", "do not forecast"),
    ],
)
def test_a_forecast_is_as_good_as_its_error_and_its_band(error, coverage, verdict, told):
    found = _holdout(Holdout(3, 13, error, 0.1, 0.04, 0.1, coverage, np.zeros((3, 1))))
    assert found.verdict == verdict and told in found.sentence


def test_a_history_without_a_forecast_is_weak():
    assert _holdout(None).verdict == "weak" and "too short" in _holdout(None).sentence


@pytest.fixture(scope="module")
def found(fitted):
    """The checks of a clean history."""
    return {check.name: check for check in fitted[1].health.checks}


def test_a_clean_history_is_trusted(fitted, found):
    assert fitted[1].health.trust == "good"
    for name in ("convergence", "fit", "residuals", "holdout", "baseline", "known money", "collinear", "steady"):
        assert found[name].verdict == "good", found[name].sentence
    assert found["experiment both"].verdict == "good"
    assert max(value for name, value in found["demand"].details.items() if name.startswith("follows")) < 2


def test_what_is_explained_is_that_of_the_contributions(fitted, found):
    """R2 and error from the means of all parts but the unexplained."""
    made, fit = fitted
    actual = made.dataset.outcome.sum(axis=1)
    explained = sum(part.mean for part in fit.contributions if part.component != "unexplained")
    r2 = 1 - ((actual - explained) ** 2).sum() / ((actual - actual.mean()) ** 2).sum()
    assert found["fit"].figure == pytest.approx(r2, abs=0.01)
    assert found["fit"].details["mape"] == pytest.approx(np.abs(1 - explained / actual).mean(), rel=0.05)
    base = 1 - sum(part.mean.sum() for part in fit.contributions if part.is_channel) / actual.sum()
    assert found["baseline"].figure == pytest.approx(base, abs=0.02)


def test_movement_of_its_own_is_what_other_columns_leave(fitted, problem, found):
    """By what all columns tell of the spend's effect, over what they would tell if all else were known.

    The demand columns are left out: they are the spend itself.
    """
    dataset, fit = fitted[0].dataset, fitted[1]
    dose = problem.panel.dose[:, 0, :]
    kept = problem.baseline.component != COMPONENTS.index("demand")
    base, spread = problem.baseline.columns[:, kept], problem.baseline.spread[kept]
    assert len(kept) == base.shape[1] + 4
    media = explain(problem, draw_posterior(problem, "fast", fit.settings["seed"], fit.settings["draws"]).places)
    noise = np.median(media.parameters.noise)
    for channel, name in enumerate(dataset.channels):
        columns = np.column_stack([dose[:, channel], dose[:, 1 - channel], base])
        told = columns.T @ columns + np.diag([0.0, 0.0, *(noise / spread) ** 2])
        own = found["collinear"].details[f"own movement of {name}"]
        least = 1 / np.linalg.inv(told)[0, 0]
        assert own == pytest.approx(least / (dose[:, channel].var() * len(dose)), rel=1e-4)


@pytest.mark.parametrize(("period", "rows"), [("week", 12), ("year", 52)])
def test_spend_by_lot_moves_on_its_own_though_the_baseline_has_many_columns(world, problem, period, rows):
    """Columns could explain any spend where they are nearly as many as rows; what is believed of them forbids it."""
    dataset = replace(world(periods=rows).dataset, period=period)
    lot = np.random.default_rng(0).lognormal(0.0, 0.5, (rows, 1, 2))
    panel = replace(scale(dataset), dose=lot)
    drawn = replace(problem, panel=panel, baseline=design(dataset, Baseline()))
    assert _collinear(dataset, drawn, 0.05).verdict == "good"
    exactly = _collinear(dataset, drawn, 1e-9)  # without noise, what is believed of columns forbids nothing
    assert exactly.verdict == "weak" and "trend" in exactly.sentence


def test_spend_that_never_changes_is_called_so(world, problem):
    """It follows nothing: neither season nor trend."""
    dataset = world(periods=30).dataset
    panel = scale(dataset)
    still = replace(panel, dose=panel.dose * [1.0, 0.0] + [0.0, 1.0])
    check = _collinear(dataset, replace(problem, panel=still, baseline=design(dataset, Baseline())), 0.05)
    assert check.verdict == "weak" and check.sentence.startswith("channel 1 stays the same in every period")


def test_reach_and_pace_are_those_of_the_spend(fitted, found):
    spend = fitted[0].dataset.spend[:, 0, :]
    for channel in range(2):
        name = f"channel {channel}"
        assert found["reach"].details[name] == pytest.approx(spend[:, channel].max() / spend[:, channel].mean())
        assert found["steady"].details[name] == pytest.approx((spend[:, channel] > 0).mean())


def test_every_check_says_what_to_do(fitted, noise_fit):
    for check in (*fitted[1].health.checks, *noise_fit.health.checks):
        assert ";" in check.sentence or ":" in check.sentence
        assert len(check.sentence) < 300


@pytest.fixture(scope="module")
def noise_fit(world, with_tests, model):
    """A history whose outcome is chance alone, and whose two channels move together, in few bursts."""
    dataset = with_tests(world()).dataset
    random = np.random.default_rng(0)
    spend = np.repeat(dataset.spend[:, :, :1], 2, axis=2) * np.array([1.0, 2.0])
    spend[:, :, 1] *= random.lognormal(0.0, 0.05, (104, 1))
    spend[np.arange(104) % 4 > 0] = 0.0
    outcome = random.lognormal(3.0, 1.0, (104, 1))
    return calibrate(replace(dataset, outcome=outcome, spend=spend, driver=spend), model, "fast", 1, draws=100)


def test_chance_is_not_taken_for_knowledge(noise_fit):
    found = {check.name: check for check in noise_fit.health.checks}
    assert noise_fit.health.trust != "good"
    assert found["fit"].verdict == "bad"
    assert found["channel channel 0"].verdict == "weak" and "prior's" in found["channel channel 0"].sentence
    assert found["known money"].verdict == "weak"


def test_channels_that_move_together_are_named(noise_fit):
    found = {check.name: check for check in noise_fit.health.checks}["collinear"]
    assert found.verdict == "weak" and found.figure > 0.95
    assert "channel 0 and channel 1" in found.sentence


def test_bursts_are_told(noise_fit):
    found = {check.name: check for check in noise_fit.health.checks}["steady"]
    assert found.verdict == "weak" and found.figure < 0.25 and "step by step" in found.sentence


@pytest.fixture(scope="module")
def following(world, with_tests, model):
    """Spend of a channel follows a slow demand, with as much movement of its own."""
    made = with_tests(world(seed=3, demand=(0.06, 0.4)))
    return made, calibrate(made.dataset, model, "fast", 1, draws=200)


def test_demand_that_nobody_recorded_is_told(following):
    """And the band holds the truth."""
    made, fit = following
    found = {check.name: check for check in fit.health.checks}["demand"]
    assert found.verdict == "weak" and found.details["slow"] > 0.02
    low, _, high = fit.readings[0].roas
    assert low < made.roas()[0] < high


def test_what_moves_slowly_is_a_part_of_its_own(following, fitted):
    """Its course is that of the demand behind the history, and with it the fit is much closer."""
    made, fit = following
    parts = {part.component: part for part in fit.contributions}
    assert sum(part.mean for part in fit.contributions) == pytest.approx(made.dataset.outcome.sum(axis=1))
    years = np.arange(104) / 52.1775
    known = 1000 + 30 * years + 60 * np.sin(2 * np.pi * years)
    hidden = made.dataset.outcome[:, 0] - made.brought(made.dataset.spend).sum(axis=(1, 2)) - known
    course = parts["unrecorded"].mean + parts["demand"].mean
    assert np.corrcoef(course, hidden)[0, 1] > 0.8
    assert (parts["unrecorded"].low < parts["unrecorded"].high).all()
    details = next(check for check in fit.health.checks if check.name == "fit").details
    assert details["level_mape"] < 0.75 * details["mape"] and details["level_r2"] > details["r2"]
    assert "unrecorded" not in {part.component for part in fitted[1].contributions}


def test_money_without_a_test_is_told(found, world, with_tests, model):
    """A test counts if it narrows what was believed of it by as much as counts as known; the largest rest is named."""
    assert found["tested money"].figure == 1.0 and found["tested money"].verdict == "good"
    for errors, tested in (({"one": 60.0}, [0]), ({"both": 60.0}, [0, 1]), ({}, [])):
        dataset = with_tests(world(seed=1), **errors).dataset
        check = _tested_money(dataset, prepare(dataset, model))
        spend = dataset.spend.sum(axis=(0, 1))
        assert check.figure == pytest.approx(spend[tested].sum() / spend.sum())
        assert check.verdict == ("good" if check.figure >= 0.5 else "weak")
        largest = int(np.argmax(np.where(np.isin([0, 1], tested), 0.0, spend)))
        assert (f"test channel {largest} first" in check.sentence) == (check.verdict == "weak")
        told = "tested, one not counted: its" if tested == [0, 1] else "tested, both not counted: its"
        told = told if tested else "tested, one and 1 more not counted: their"
        assert f"{told} standard error" in check.sentence


def test_all_money_tested_is_one_to_the_last_digit(world, model):
    """In whatever order it is added up."""
    dataset = world(channels=5, seed=2).dataset
    tests = tuple(placed(_test_of(name, dataset), dataset) for name in dataset.channels)
    tested = replace(dataset, lift_tests=tests)
    check = _tested_money(tested, prepare(tested, model))
    assert check.figure == 1.0 and check.sentence.endswith("tested; nothing to do")


def _test_of(name: str, dataset: Dataset) -> Experiment:
    """A precise test of one channel's whole spend in ten weeks."""
    spend = float(dataset.spend[60:70, 0, dataset.channels.index(name)].sum())
    start, end = dataset.starts[60], dataset.starts[70] - timedelta(days=1)
    told = {"spend_change": (-spend,), "outcome_change": -100.0, "standard_error": 1.0}
    return Experiment(name=f"of {name}", channels=(name,), start=start, end=end, **told)


@pytest.mark.parametrize(("together", "verdict"), [(3.0, "weak"), (1.0, "good")])
def test_hidden_demand_is_judged_by_what_both_columns_of_a_channel_come_to(fitted, problem, together, verdict):
    """Each is in doubt where they are alike, and their sum is not: by spend, and by spend's smoothed course."""
    dataset = fitted[0].dataset
    columns = problem.baseline.component == COMPONENTS.index("demand")
    random = np.random.default_rng(0)
    effect = np.zeros((4000, len(columns)))
    split = 0.05 * random.standard_normal(4000)
    whole = 0.01 * (together + random.standard_normal(4000))
    effect[:, np.flatnonzero(columns)] = np.stack([whole - split, 0 * split, split, 0 * split], axis=1)
    check = _demand(dataset, replace(problem, slow=0.0), effect)
    assert check.verdict == verdict
    assert check.details["follows demand of channel 0"] == pytest.approx(together, rel=0.1)


def test_who_says_that_a_channel_follows_demand_is_heard(world, with_tests, model):
    """Spend tracks demand so closely that nothing is left unexplained: only being told keeps the truth inside."""
    made = with_tests(world(seed=2, demand=(0.06, 0.1)))
    first, *rest = model.channels
    told = {first: model.channels[first].model_copy(update={"follows_demand": "much"})}
    heard = model.model_copy(update={"channels": told | {name: model.channels[name] for name in rest}})
    silent, warned = (calibrate(made.dataset, one, "fast", 1, draws=200) for one in (model, heard))
    assert silent.readings[0].roas[0] > made.roas()[0]
    low, _, high = warned.readings[0].roas
    assert low < made.roas()[0] < high
    assert {check.name: check.verdict for check in warned.health.checks}["demand"] == "weak"


@pytest.mark.parametrize(("miss", "verdict"), [(0.0199, "good"), (0.0201, "weak"), (0.0999, "weak"), (0.1001, "bad")])
def test_national_curves_are_as_good_as_their_sum_over_geos(problem, miss, verdict):
    """In response and in slope alike."""
    for told in (Miss(miss, 0.0), Miss(0.0, miss)):
        found = _geos(problem, told)
        assert (found.verdict, found.figure, found.details) == (verdict, miss, told._asdict())

"""Four public examples whose truth is known: carry-over, returns, contributions."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from command import Calibration, Columns, calibrate, numbers, read
from jaxtyping import Float
from oracle import Curve, best
from regret import REACHES, limits, regret
from scipy.io import netcdf_file
from scoring import Truths, scored

PLACE = "pymc-marketing"
WEEKS_OF_TEST, WEEKS_AFTER = 6, 4  # carry-over of mmm_roas_data ends after three weeks
TESTS = {"x1": (20, 60, 100), "x2": (35, 75, 112)}  # first weeks without spend
RELATIVE_ERROR, SEED_OF_TESTS = 0.15, 7  # of each test's effect; of the tests' noise
TARGET_SCALE = 6542.739919832825
"""Scale of the outcome in mmm_multidimensional_example: largest of the placeholder outcomes that its generator drew
(scripts/data_generators/mmm_data_generation.py, seed 12345), drawn again; x2 and the event weeks come out the same."""


def geometric(spend: Float[np.ndarray, " week"], keep: float, lags: int) -> Float[np.ndarray, " week"]:
    """Spend carried over for `lags` weeks, weights adding up to one.

    >>> geometric(np.array([3.0, 0.0]), 0.5, 2).tolist()
    [2.0, 1.0]
    """
    weights = keep ** np.arange(lags)
    return np.convolve(spend, weights / weights.sum())[: len(spend)]


def logistic(stock: np.ndarray, steepness: float) -> np.ndarray:
    """(1 - exp(-steepness stock)) / (1 + exp(-steepness stock)): 0 at 0, towards 1."""
    return np.tanh(steepness * stock / 2)


def half_life(keep: float) -> float:
    """Weeks after which half of a stock is left."""
    return float(np.log(0.5) / np.log(keep))


def mmm_example(data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Carry-over and returns beside the truth, and two plans beside the optimum."""
    source = data / PLACE / "mmm_example.csv"
    table = read(source)
    known = json.loads((data / "expected_shared.json").read_text())[f"{PLACE}/mmm_example.csv"]
    truth = known["truth"]
    names = ("x1", "x2")
    spend = {name: numbers(table, name) for name in names}
    keep = truth["adstock_geometric_normalized_l_max8"]
    curves = [
        partial(_height_times_logistic, 1000.0 * truth["beta_x1000"][name], truth["logistic_saturation_lam"][name])
        for name in names
    ]
    weeks = {name: curve(geometric(spend[name], keep[name], 8)) for name, curve in zip(names, curves, strict=True)}
    columns = Columns({"date": "date_week", "outcome": "y"}, names, events=("event_1", "event_2"))
    fit = calibrate(source, columns, folder / "mmm_example", speed)
    total = {name: float(spend[name].sum()) for name in names}
    found = scored(fit, Truths(weeks, total, {name: half_life(keep[name]) for name in names}))
    mean = {name: float(spend[name].mean()) for name in names}
    planned = _plans(fit, mean, curves)
    before = sum(float(curve(np.array(one))) for curve, one in zip(curves, mean.values(), strict=True))
    top = (1 + planned["unbounded"]["oracle"]) * before
    check = {
        "history": before / known["derived"]["steady_state_contribution_at_historical_mix"] - 1,
        "unbounded": top / known["derived"]["optimum_unbounded"] - 1,
    }
    return found | {"plans": planned, "oracle_check": check}


def _height_times_logistic(height: float, steepness: float, stock: np.ndarray) -> np.ndarray:
    return height * logistic(stock, steepness)


def _plans(fit: Calibration, mean: dict[str, float], curves: Sequence[Curve]) -> dict[str, Any]:
    """A plan within each reach, in a true world of even weekly spends."""
    weekly, budget = np.array(list(mean.values())), sum(mean.values())

    def steady(spend: np.ndarray) -> float:
        return sum(float(curve(one)) for curve, one in zip(curves, spend, strict=True))

    tops = {reach: best(curves, budget, *limits(reach, weekly, budget)) for reach in REACHES}
    return {reach: regret(fit, mean, steady, reach, {"national": top}) for reach, top in tops.items()}


@dataclass(frozen=True)
class Roas:
    """The equations of mmm_roas_data for one channel, read from its own columns."""

    spend: Float[np.ndarray, " week"]
    kernel: Float[np.ndarray, " lag"]  # adds up to one
    steepness: float

    def outcome(self, spend: Float[np.ndarray, " week"]) -> Float[np.ndarray, " week"]:
        """Outcome per week but for the height, which is 100 times 2 for x1 and 100 times 1.5 for x2."""
        return logistic(np.convolve(spend, self.kernel)[: len(spend)], self.steepness)


def _equations(table: dict[str, list[str]], name: str) -> tuple[Roas, float]:
    """The channel's equations and its height, and a check that they give the published counterfactual."""
    spend, stock = numbers(table, name), numbers(table, f"{name}_adstock")
    lags = np.stack([np.concatenate([np.zeros(lag), spend[: len(spend) - lag]]) for lag in range(4)], axis=1)
    kernel = np.linalg.lstsq(lags, stock, rcond=None)[0]
    shape = numbers(table, f"{name}_adstock_saturated")
    steepness = float(np.median(2 * np.arctanh(shape) / stock))
    channel = Roas(spend, kernel, steepness)
    effect = numbers(table, "y") - numbers(table, f"y0{name[1]}")
    height = float(effect.sum() / channel.outcome(spend).sum())
    worst = float(np.abs(height * channel.outcome(spend) - effect).max() / effect.max())
    if worst > 1e-6:
        raise ValueError(f"{name}: the counterfactual is reproduced to {worst:.1e} only, 1e-6 is needed")
    return channel, height


def lift_tests(table: dict[str, list[str]]) -> tuple[dict[str, Any], ...]:
    """Three blackouts of six weeks for each channel, with what they would have cost.

    The outcome lost is exact for a blackout of these weeks, carry-over before and after included, plus one draw of
    noise of the stated standard error.
    """
    noise = np.random.default_rng(SEED_OF_TESTS)
    dates = [datetime.date.fromisoformat(day) for day in table["date"]]
    tests = []
    for name, starts in TESTS.items():
        channel, height = _equations(table, name)
        for number, first in enumerate(starts, 1):
            dark = channel.spend.copy()
            dark[first : first + WEEKS_OF_TEST] = 0.0
            lost = height * float((channel.outcome(dark) - channel.outcome(channel.spend)).sum())
            error = RELATIVE_ERROR * abs(lost)
            after = first + WEEKS_OF_TEST - 1
            tests.append(
                {
                    "name": f"{name} blackout {number}",
                    "channels": [name],
                    "start": dates[first],
                    "end": dates[after] + datetime.timedelta(days=6),
                    "until": dates[after + WEEKS_AFTER] + datetime.timedelta(days=6),
                    "spend_change": -float(channel.spend[first : first + WEEKS_OF_TEST].sum()),
                    "outcome_change": lost + error * float(noise.standard_normal()),
                    "standard_error": error,
                }
            )
    return tuple(tests)


def mmm_roas(given: str, data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Returns beside the truth with the confounder hidden, as a control, or hidden beside lift tests.

    Args:
        given: "nothing", "control" or "tests".
        data: The public data.
        folder: For the fit.
        speed: Of calibration.
    """
    source = data / PLACE / "mmm_roas_data.csv"
    table = read(source)
    names = ("x1", "x2")
    columns = Columns({"date": "date", "outcome": "y"}, names)
    if given == "control":
        columns = replace(columns, controls=("z",))
    if given == "tests":
        columns = replace(columns, experiments=lift_tests(table))
    weeks = {name: numbers(table, "y") - numbers(table, f"y0{name[1]}") for name in names}
    equations = {name: _equations(table, name) for name in names}
    spend = {name: float(channel.spend.sum()) for name, (channel, _) in equations.items()}
    mean = {name: float(channel.spend.mean()) for name, (channel, _) in equations.items()}
    curves = [partial(_height_times_logistic, height, one.steepness) for one, height in equations.values()]
    fit = calibrate(source, columns, folder / f"mmm_roas_{given}", speed)
    found = scored(fit, Truths(weeks, spend)) | {"plans": _plans(fit, mean, curves)}
    tests = [test | {key: str(test[key]) for key in ("start", "end", "until")} for test in columns.experiments]
    return found | ({"tests": tests} if tests else {})


def media_tvp(data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Contributions whose effectiveness drifts, beside their columns."""
    source = data / PLACE / "media_tvp_data.csv"
    table = read(source)
    names = ("x1", "x2")
    meaning: dict[str, str | float] = {"date": "date_week", "outcome": "y", "unnamed": "drop"}
    fit = calibrate(source, Columns(meaning, names, events=("event_1", "event_2")), folder / "media_tvp", speed)
    weeks = {name: numbers(table, f"{name}_contribution") for name in names}
    keep = {"x1": half_life(0.5), "x2": half_life(0.4)}
    return scored(fit, Truths(weeks, {name: float(numbers(table, name).sum()) for name in names}, keep))


def multidimensional(data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Contributions in two geos, from the published parameters."""
    source = data / PLACE / "mmm_multidimensional_example.csv"
    table = read(source)
    names, geos = ("x1", "x2"), ("geo_a", "geo_b")
    place = np.array(table["geo"])
    with netcdf_file(source.with_name("mmm_multidimensional_example_true_parameters.nc"), mmap=False) as file:
        height = file.variables["saturation_beta"][...].copy()  # channel, geo
        steep = file.variables["saturation_lam"][...].copy()
        keep = file.variables["adstock_alpha"][...].copy()  # geo, channel
    weeks, spend = {}, {}
    for index, name in enumerate(names):
        scaled = numbers(table, name) / numbers(table, name).max()
        weeks[name] = sum(
            TARGET_SCALE
            * height[index, at]
            * logistic(geometric(scaled[place == geo], float(keep[at, index]), 8), steep[index])
            for at, geo in enumerate(geos)
        )
        spend[name] = float(numbers(table, name).sum())
    columns = Columns({"date": "date", "outcome": "y", "geo": "geo"}, names, events=("event_1", "event_2"))
    fit = calibrate(source, columns, folder / "multidimensional", speed)
    return scored(fit, Truths(weeks, spend))

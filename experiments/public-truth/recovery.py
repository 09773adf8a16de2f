"""mmm-param-recovery: the true curves of each place and channel, and the regret of a plan against them."""

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from command import Columns, calibrate, numbers, read
from jaxtyping import Float
from oracle import Curve, best, bound
from regret import REACHES, limits, regret
from scoring import Truths, scored

SIZES = ("small", "growing", "medium", "large")
PUBLISHED = {"30%": "optimum_pm30pct", "unbounded": "optimum_unbounded"}  # keys of the derived optima
MANY = 20  # cells beyond which the oracle by place is a bound: the grid would cost it more than the bound does


@dataclass(frozen=True)
class Market:
    """The truth of one size: outcome = amplitude * hill(stock / halfway) in each place, stock not normalised."""

    channels: tuple[str, ...]
    spend: Float[np.ndarray, "geo week channel"]  # [money]
    amplitude: Float[np.ndarray, "geo channel"]  # [outcome/week]
    halfway: Float[np.ndarray, "geo channel"]  # [money]
    slope: Float[np.ndarray, "geo channel"]
    gain: Float[np.ndarray, "geo channel"]  # stock of a constant spend of one
    contribution: Float[np.ndarray, "geo week channel"]

    def steady(self, spend: Float[np.ndarray, "geo channel"]) -> Float[np.ndarray, "geo channel"]:
        """Outcome per week of a constant weekly spend."""
        return self.amplitude * hill(self.gain * spend, self.halfway, self.slope)

    def weekly(self) -> Float[np.ndarray, "geo channel"]:
        """History's mean spend [money/week]."""
        return self.spend.mean(axis=1)

    def split(self, national: Float[np.ndarray, " channel"]) -> Float[np.ndarray, "geo channel"]:
        """National spends shared among places as history shared them."""
        weekly = self.weekly()
        return weekly * national / weekly.sum(axis=0)


def hill(stock: np.ndarray, halfway: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """stock^slope / (stock^slope + halfway^slope), 0 where nothing is spent.

    >>> hill(np.array([0.0, 2.0, 4.0]), np.full(3, 2.0), np.full(3, 1.0)).round(3).tolist()
    [0.0, 0.5, 0.667]
    """
    with np.errstate(divide="ignore"):
        odds = slope * (np.log(stock) - np.log(halfway))
    return 1 / (1 + np.exp(-np.clip(odds, -700.0, 700.0)))


def stocks(spend: np.ndarray, keep: np.ndarray, lags: int) -> np.ndarray:
    """Sum over `lags` weeks of keep^lag times the spend of that week; weeks are the second axis.

    >>> stocks(np.array([[[8.0], [0.0], [0.0]]]), np.array([[0.5]]), 2).ravel().tolist()
    [8.0, 4.0, 0.0]
    """
    total = np.zeros_like(spend)
    for lag in range(lags):
        total[:, lag:] += keep[:, None] ** lag * spend[:, : spend.shape[1] - lag]
    return total


def market(table: dict[str, list[str]], truth: dict[str, Any]) -> Market:
    """The truth from its published parameters: halfway is kappa times the most spent in a week, amplitude from ROAS."""
    channels = tuple(name for name in table if name[0] == "x" and name[1].isdigit())
    geos = list(dict.fromkeys(table["geo"]))
    order = np.argsort(np.array([geos.index(geo) for geo in table["geo"]]), kind="stable")
    spend = np.stack([numbers(table, name)[order].reshape(len(geos), -1) for name in channels], axis=-1)
    words = [name.split("_", 1)[1] for name in channels]
    shapes = truth["transformation_parameters"]["channels"]

    def of(part: str, key: str) -> np.ndarray:
        return np.array([[shapes[word][geo][part][key] for word in words] for geo in geos], dtype=float)

    keep, slope = of("adstock_params", "alpha"), of("saturation_params", "slope")
    lags = int(of("adstock_params", "l_max").max())
    halfway = of("saturation_params", "kappa") * spend.max(axis=1)
    halfway = np.where(halfway > 0, halfway, 1.0)
    shape = hill(stocks(spend, keep, lags), halfway[:, None], slope[:, None])
    roas = np.array([[truth["roas_values"][geo][word] for word in words] for geo in geos])
    drive = shape.sum(axis=1)
    amplitude = np.where(drive > 0, roas * spend.sum(axis=1) / np.where(drive > 0, drive, 1.0), 0.0)
    gain = (keep[..., None] ** np.arange(lags)).sum(axis=-1)
    return Market(channels, spend, amplitude, halfway, slope, gain, amplitude[:, None] * shape)


def measure(size: str, data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Contributions beside the truth and the regret of two plans."""
    stem = data / "mmm-param-recovery" / f"{size}_business"
    packed = stem.with_name(stem.name + ".csv.gz")
    source = packed if packed.exists() else stem.with_name(stem.name + ".csv")
    table = read(source)
    true = market(table, json.loads(stem.with_name(stem.name + "_truth.json").read_text()))
    plain = _unpacked(source, folder)
    controls = tuple(name for name in table if name[0] == "c" and name[1:].isdigit())
    columns = Columns({"date": "date", "outcome": "y", "geo": "geo"}, true.channels, controls=controls)
    expected = json.loads((data / "expected_shared.json").read_text())
    derived = expected.get(f"mmm-param-recovery/{size}_business.csv", {}).get(
        "derived_true_optimum (steady weekly spend, same total; exact DGP, dynamic programme on a grid)", {}
    )
    oracles = {reach: _oracles(true, reach) for reach in REACHES}
    found: dict[str, Any] = {
        "truth_check": _components_error(true, stem.with_name(stem.name + "_true_components.csv")),
        "oracle_check": {
            reach: oracles[reach]["by place"] / derived[key] - 1 for reach, key in PUBLISHED.items() if key in derived
        },
    }
    fit = calibrate(plain, columns, folder / size, speed)
    contribution = {name: true.contribution[..., index].sum(axis=0) for index, name in enumerate(true.channels)}
    spend = {name: float(true.spend[..., index].sum()) for index, name in enumerate(true.channels)}
    found |= scored(fit, Truths(contribution, spend))
    weekly = dict(zip(true.channels, true.weekly().sum(axis=0).tolist(), strict=True))

    def steady(national: np.ndarray) -> float:
        return float(true.steady(true.split(national)).sum())

    found["plans"] = {reach: regret(fit, weekly, steady, reach, oracles[reach]) for reach in REACHES}
    return found


def _unpacked(source: Path, folder: Path) -> Path:
    """The table as a plain CSV file."""
    if source.suffix != ".gz":
        return source
    plain = folder / source.stem
    with gzip.open(source, "rb") as packed, plain.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return plain


def _components_error(true: Market, path: Path) -> float | None:
    """Largest distance from the published weekly contributions, of the largest of them; None if not published."""
    if not path.exists():
        return None
    table = read(path)
    geos = list(dict.fromkeys(table["geo"]))
    order = np.argsort(np.array([geos.index(geo) for geo in table["geo"]]), kind="stable")
    known = [numbers(table, f"contribution_{name}")[order].reshape(len(geos), -1) for name in true.channels]
    stacked = np.stack(known, axis=-1)
    return float(np.abs(stacked - true.contribution).max() / stacked.max())


def _curve(true: Market, geos: slice, channel: int) -> Curve:
    """Outcome per week of one channel in some places together, its money shared as in history."""
    weekly = true.weekly()[geos, channel]
    shares = weekly / weekly.sum() if weekly.sum() > 0 else np.zeros_like(weekly)
    amplitude, halfway, slope, gain = (
        values[geos, channel, None] for values in (true.amplitude, true.halfway, true.slope, true.gain)
    )

    def curve(spend: np.ndarray) -> np.ndarray:
        outcome: np.ndarray = (amplitude * hill(gain * shares[:, None] * spend, halfway, slope)).sum(axis=0)
        return outcome

    return curve


def _oracles(true: Market, reach: str) -> dict[str, float]:
    """The best outcome per week: national budgets split over places as in history, and each place on its own."""
    weekly = true.weekly()
    budget = float(weekly.sum())
    places, channels = range(len(weekly)), range(len(true.channels))
    national = [_curve(true, slice(None), index) for index in channels]
    cells = [_curve(true, slice(geo, geo + 1), index) for geo in places for index in channels]
    search = best if len(cells) <= MANY else bound
    return {
        "national": best(national, budget, *limits(reach, weekly.sum(axis=0), budget)),
        "by place": search(cells, budget, *limits(reach, weekly.ravel(), budget)),
    }

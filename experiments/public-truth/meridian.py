"""Meridian's sample of forty geos: our returns beside its published bands, and both accuracies."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from command import Calibration, Columns, calibrate, numbers, plan, read
from scoring import health

CHANNELS = 5
CONTROLS = ("competitor_sales_control", "sentiment_score_control")
ACTIVITY = ("Organic_channel0_impression", "Promo")  # not in the model whose returns are published


def measure(kind: str, data: Path, folder: Path, speed: str) -> dict[str, Any]:
    """Returns and accuracy.

    Args:
        kind: "geo", "national", or "geo_full" with organic activity and promotions, as in the published accuracy.
        data: The public data.
        folder: For the fit.
        speed: Of calibration.
    """
    table = "national_all_channels.csv" if kind == "national" else "geo_all_channels.csv"
    meaning: dict[str, str | float] = {
        "date": "time",
        "kpi": "conversions",
        "value_per_kpi": "revenue_per_conversion",
    }
    if kind != "national":
        meaning |= {"geo": "geo", "population": "population", "unnamed": "drop"}
    columns = Columns(
        meaning,
        tuple(f"Channel{index}_spend" for index in range(CHANNELS)),
        tuple(f"Channel{index}_impression" for index in range(CHANNELS)),
        controls=CONTROLS + (ACTIVITY if kind != "geo" else ()),
    )
    known = json.loads((data / "expected_shared.json").read_text())["meridian/geo_all_channels.csv"]["published"]
    source = data / "meridian" / table
    fit = calibrate(source, columns, folder / f"meridian_{kind}", speed)
    return {
        "channels": {name: _row(fit, name, index, known) for index, name in enumerate(columns.spend)},
        "published": known["fit (demo/Meridian_Getting_Started.ipynb, outputs of cells 41 and 53)"],
        "fit": dict(fit.check("fit")["details"]),
        "published_plan": _plan(fit, read(source), columns.spend, known["optimizer historical, +-30% (cell 60)"]),
        **health(fit),
    }


def _row(fit: Calibration, name: str, index: int, known: dict[str, Any]) -> dict[str, Any]:
    """Our band of one return beside the published one."""
    mean, low, high = known["ROI (demo/ROI_mROI_Response_Curves.ipynb; model without organic/Promo)"][f"Channel{index}"]
    ours = fit.band(name, "roas")
    return {
        "published": (low, mean, high),
        "roas": ours,
        "inside": low <= ours[1] <= high,
        "bands_overlap": max(low, ours[0]) <= min(high, ours[2]),
        "width_of_band": (ours[2] - ours[0]) / (high - low),
        "marginal_published": known["mROI (same)"][f"Channel{index}"],
        "marginal_roas": fit.band(name, "marginal_roas"),
    }


def _plan(
    fit: Calibration, table: dict[str, list[str]], channels: tuple[str, ...], known: dict[str, Any]
) -> dict[str, Any]:
    """The plan within 30 % of history beside the published one, as shares of the budget."""
    weekly = np.array([numbers(table, name).sum() for name in channels]) / len(set(table["time"]))
    chosen = plan(fit, dict(zip(channels, weekly.tolist(), strict=True)), (0.7, 1.3))
    mix = {"before": weekly / weekly.sum(), "after": chosen.weekly / chosen.weekly.sum()}
    return {
        "promised_05_mean_95": chosen.promise,
        "published_gain": "265 of 258 million: +2.7 %",
        **{f"mix_{when}": dict(zip(channels, shares.tolist(), strict=True)) for when, shares in mix.items()},
        **{f"published_mix_{when}": known[f"mix_{when}"] for when in mix},
        "needed_consent": chosen.needed_consent,
    }

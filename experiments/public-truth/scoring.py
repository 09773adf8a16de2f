"""How near a fit comes to known contributions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from command import Calibration
from jaxtyping import Float


@dataclass(frozen=True)
class Truths:
    """What each channel truly did, over all places."""

    contribution: dict[str, Float[np.ndarray, " week"]]  # [outcome/week]
    spend: dict[str, float]  # in all of history [money]
    half_life: dict[str, float] | None = None  # [weeks]


def scored(fit: Calibration, truths: Truths) -> dict[str, Any]:
    """Returns beside their truth, error of the contributions, coverage of the weekly bands, and health's words."""
    rows = {name: _row(fit, truths, name) for name in truths.contribution}
    totals = np.array([weeks.sum() for weeks in truths.contribution.values()])
    guessed = np.array([row["roas"][1] * truths.spend[name] for name, row in rows.items()])
    weekly = [np.abs(fit.contributions[name]["mean"] - weeks).sum() for name, weeks in truths.contribution.items()]
    return {
        "channels": rows,
        "roas_inside_90": sum(row["inside"] for row in rows.values()) / len(rows),
        "error_of_totals": float(np.abs(guessed - totals).sum() / totals.sum()),
        "error_of_all_media": float(guessed.sum() / totals.sum() - 1),
        "error_of_weeks": float(sum(weekly) / totals.sum()),
        "weeks_inside_90": _weeks_inside(fit, truths),
        **health(fit),
    }


def _row(fit: Calibration, truths: Truths, name: str) -> dict[str, Any]:
    true = float(truths.contribution[name].sum()) / truths.spend[name]
    low, middle, high = fit.band(name, "roas")
    row: dict[str, Any] = {"true": true, "roas": (low, middle, high), "inside": low <= true <= high}
    if truths.half_life:
        life, band = truths.half_life[name], fit.band(name, "half_life")
        row |= {"true_half_life": life, "half_life": band, "half_life_inside": band[0] <= life <= band[2]}
    return row


def _weeks_inside(fit: Calibration, truths: Truths) -> float:
    """Share of the weeks with a contribution whose truth lies in the 90 % band."""
    inside = []
    for name, weeks in truths.contribution.items():
        bands, seen = fit.contributions[name], weeks > 0
        inside.append(((bands["5%"] <= weeks) & (weeks <= bands["95%"]))[seen])
    return float(np.concatenate(inside).mean())


def health(fit: Calibration) -> dict[str, Any]:
    """What the fit says of itself."""
    doubts = {one["name"]: one["sentence"] for one in fit.answer["checks"] if one["verdict"] != "good"}
    return {
        "trust": fit.answer["trust"],
        "doubts": doubts,
        "r2": fit.check("fit")["details"]["r2"],
        "mape": fit.check("fit")["details"]["mape"],
        "convergence": fit.check("convergence")["details"],
        "seconds_of_command": fit.seconds,
    }

"""Fit a public MMM package to histories and let its own optimizer plan; run by that package's environment.

Each folder named holds history.csv (date, outcome, channels, controls) and question.json (`channels`, `controls`,
`today` [currency/week] by channel, `bands` as factors of today, `weeks`, `seed`). Written beside them: plans.json.
"""

import argparse
import json
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pymc_extras.prior import Prior
from pymc_marketing.mmm import MMM, GeometricAdstock, LogisticSaturation

WEEK = pd.Timedelta(weeks=1)


@dataclass(frozen=True)
class Effort:
    """How hard to sample, and under which priors."""

    chains: int
    draws: int
    priors: str  # "tutorial" or "default"


def fitted(history: pd.DataFrame, question: dict[str, Any], effort: Effort) -> MMM:
    """The package's standard model: geometric carry-over of 8 weeks, logistic saturation, 2 yearly waves, a trend."""
    channels = question["channels"]
    inputs = history.drop(columns="outcome").assign(trend=np.arange(len(history), dtype=float))
    model = MMM(
        date_column="date",
        target_column="outcome",
        channel_columns=channels,
        control_columns=[*question["controls"], "trend"],
        adstock=GeometricAdstock(l_max=8),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
        model_config=_tutorial_priors(history[channels]) if effort.priors == "tutorial" else None,
    )
    model.fit(
        inputs,
        history["outcome"],
        chains=effort.chains,
        draws=effort.draws,
        tune=effort.draws,
        cores=1,
        target_accept=0.9,
        nuts_sampler="nutpie",
        random_seed=question["seed"],
        progressbar=False,
    )
    return model


def _tutorial_priors(spend: pd.DataFrame) -> dict[str, Prior]:
    """Priors of the package's introductory example: a channel's effect goes with its share of spend."""
    share = (spend.sum() / spend.sum().sum()).to_numpy()
    return {
        "intercept": Prior("Normal", mu=0.5, sigma=0.2),
        "saturation_beta": Prior("HalfNormal", sigma=len(share) * share, dims="channel"),
        "gamma_control": Prior("Normal", mu=0, sigma=0.05, dims="control"),
        "gamma_fourier": Prior("Laplace", mu=0, b=0.2, dims="fourier_mode"),
        "likelihood": Prior("Normal", sigma=Prior("HalfNormal", sigma=6), dims="date"),
    }


def plans(model: MMM, history: pd.DataFrame, question: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The package's best steady split within each band, and what it says that this brings beyond today's."""
    today = xr.DataArray(
        [question["today"][name] for name in question["channels"]], coords={"channel": question["channels"]}
    )
    start = history["date"].max() + WEEK
    optimizer = model.budget_optimizer(start, start + (question["weeks"] - 1) * WEEK)
    nothing = optimizer.evaluate_response_distribution(0 * today)  # what earlier spend still brings
    before = optimizer.evaluate_response_distribution(today) - nothing
    told: dict[str, dict[str, Any]] = {}
    for band, (low, high) in question["bands"].items():
        bounds = {name: (low * amount, high * amount) for name, amount in question["today"].items()}
        result = optimizer.allocate_budget(float(today.sum()), bounds, return_if_fail=True)
        if not result.scipy_result.success:  # the solver gave up from its even split: once more from today's
            result = optimizer.allocate_budget(float(today.sum()), bounds, x0=today, return_if_fail=True)
        gain = optimizer.evaluate_response_distribution(result.budgets) - nothing - before
        unit = float(before.mean())
        told[band] = {
            "spend": {name: float(result.budgets.sel(channel=name)) for name in question["channels"]},
            "promise": [float(one) / unit for one in (gain.mean(), *np.quantile(gain, (0.05, 0.5, 0.95)))],
            "solved": bool(result.scipy_result.success),
        }
    return told


def answer(folder: Path, effort: Effort) -> None:
    """Read one folder's question, fit, plan and write plans.json."""
    began = time.perf_counter()
    question = json.loads((folder / "question.json").read_text())
    history = pd.read_csv(folder / "history.csv", parse_dates=["date"])
    model = fitted(history, question, effort)
    after = time.perf_counter()
    posterior = model.idata.posterior
    names = ["saturation_beta", "saturation_lam", "adstock_alpha", "y_sigma"]
    told = {
        "plans": plans(model, history, question),
        "divergences": int(model.idata.sample_stats["diverging"].sum()),
        "rhat": float(max(_rhat(posterior[name].values) for name in names)),
        "roas": _roas(model, history, question["channels"]),
        "seconds": {"fit": after - began, "plan": time.perf_counter() - after},
        "versions": {
            name: version(name) for name in ("pymc-marketing", "pymc", "pytensor", "nutpie", "numpy", "scipy")
        },
        "effort": vars(effort),
    }
    (folder / "plans.json").write_text(json.dumps(told, indent=1) + "\n")


def _rhat(draws: np.ndarray) -> float:
    """Largest split R-hat over the entries of draws (chain, draw, ...); Gelman and others 2013, section 11.4."""
    half = draws.shape[1] // 2
    parts = np.concatenate([draws[:, :half], draws[:, half : 2 * half]])
    within = parts.var(axis=1, ddof=1).mean(axis=0)
    between = parts.mean(axis=1).var(axis=0, ddof=1)
    return float(np.sqrt((half - 1) / half + between / within).max())


def _roas(model: MMM, history: pd.DataFrame, channels: list[str]) -> dict[str, float]:
    """Posterior mean of what each channel brought, by its spend."""
    brought = model.idata.posterior["channel_contribution"].mean(("chain", "draw")).sum("date")
    scale = history["outcome"].abs().max()
    return {name: float(brought.sel(channel=name)) * scale / float(history[name].sum()) for name in channels}


def main() -> None:
    """Answer each folder in one process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--priors", choices=("tutorial", "default"), default="tutorial")
    ask = parser.parse_args()
    for folder in ask.folders:
        answer(folder, Effort(ask.chains, ask.draws, ask.priors))
        print(folder.name, flush=True)


if __name__ == "__main__":
    main()

"""What the plans of the whole line earn in the true world, over markets and seeds; see README.md."""

import argparse
import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from engine.calibrate.calibrate import calibrate
from engine.config.loading import load
from engine.config.market import Market
from engine.config.model import ChannelColumns, Data, Model
from engine.config.samples import sample
from engine.config.scenario import Budget, ChannelRules, Horizon, Relative, Scenario
from engine.judge import Rules, judge
from engine.optimize.plan import optimize
from engine.optimize.rules import problem_of
from engine.study.imagine import imagine

HERE = Path(__file__).parent
MARKETS = ("online_retail", "packaged_goods", "subscription")
WEEKS, PERIODS = 156, 52
BANDS = (0.3, 0.5)  # each channel within so much of its history


def one(case: tuple[str, int]) -> list[dict[str, float | str | int]]:
    """Calibrate, plan and judge one history of one market, within each band."""
    name, seed = case
    imagined = imagine(load(sample("configs", Path(name)), Market), WEEKS, seed)
    dataset = imagined.dataset
    columns = {
        channel: ChannelColumns(kind=kind, spend=channel)
        for channel, kind in zip(dataset.channels, dataset.kinds, strict=True)
    }
    model = Model(data=Data(date="date", outcome="revenue"), channels=columns)
    fit = calibrate(dataset, model, "fast", seed)
    rows = []
    for band in BANDS:
        scenario = Scenario(
            name=f"within {band}",
            horizon=Horizon(start=dataset.starts[-1], periods=PERIODS),
            budget=Budget(of_history=1.0),
            every_channel=ChannelRules(relative=Relative(min=1 - band, max=1 + band)),
        )
        plan = optimize(fit.curves, scenario, priced=False)
        problem = problem_of(fit.curves, scenario)
        rules = Rules(problem.budget.high, problem.lower, problem.upper)
        verdict = judge(imagined.world, imagined.spend, np.array(plan.chosen.spend), PERIODS, rules)
        rows.append(
            {
                "market": name,
                "seed": seed,
                "band": band,
                "share_of_oracle_gain": verdict.share_of_oracle_gain,
                "regret": verdict.regret,
                "gain": verdict.plan_value - verdict.baseline_value,
                "oracle_gain": verdict.oracle_value - verdict.baseline_value,
                "promised": plan.gain.mean,
                "promised_p05": plan.gain.p05,
                "promised_p95": plan.gain.p95,
                "marketing_revenue": plan.baseline.value.mean,
                "trust": fit.health.trust,
            }
        )
    return rows


def summary(rows: Iterable[dict[str, float | str | int]]) -> list[dict[str, float | str | int]]:
    """Medians and counts by market and band."""
    rows = list(rows)
    told = []
    for market in sorted({str(row["market"]) for row in rows}):
        for band in BANDS:
            part = [row for row in rows if row["market"] == market and row["band"] == band]
            share = np.array([row["share_of_oracle_gain"] for row in part], float)
            gain, oracle = (np.array([row[key] for row in part], float) for key in ("gain", "oracle_gain"))
            kept = [float(row["promised_p05"]) <= float(row["gain"]) <= float(row["promised_p95"]) for row in part]
            told.append(
                {
                    "market": market,
                    "band": band,
                    "seeds": len(part),
                    "share_of_oracle_gain_median": float(np.median(share)),
                    "share_of_oracle_gain_pooled": float(gain.sum() / oracle.sum()),
                    "plans_that_harm": int((gain < 0).sum()),
                    "regret_median": float(np.median([float(row["regret"]) for row in part])),
                    "regret_worst": float(np.max([float(row["regret"]) for row in part])),
                    "promise_range_holds": int(sum(kept)),
                    "oracle_gain_of_marketing_revenue": float(
                        np.median(oracle / np.array([row["marketing_revenue"] for row in part], float))
                    ),
                }
            )
    return told


def main() -> None:
    """Run and write result.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--markets", default=",".join(MARKETS))
    parser.add_argument("--workers", type=int, default=2)
    ask = parser.parse_args()
    cases = [(market, seed) for market in ask.markets.split(",") for seed in range(1, ask.seeds + 1)]
    with ProcessPoolExecutor(ask.workers, mp_context=get_context("spawn")) as pool:
        rows = [row for part in pool.map(one, cases) for row in part]
    result = {"weeks": WEEKS, "periods": PERIODS, "summary": summary(rows), "rows": rows}
    for row in result["summary"]:
        print(json.dumps(row))
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

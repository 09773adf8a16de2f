"""What plans earn in worlds whose truth is known, by class of difficulty; see README.md."""

import argparse
import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from worlds import CLASSES, NAMES, World, build, oracle

from engine.calibrate.calibrate import calibrate
from engine.cli.machine import settle
from engine.config.model import ChannelColumns, Data, Model
from engine.config.scenario import Budget, ChannelRules, Horizon, Relative, Scenario
from engine.optimize.plan import optimize

HERE = Path(__file__).parent
BANDS = {"30%": (0.7, 1.3), "0-3x": (0.0, 3.0)}
MODEL = Model(
    data=Data(date="date", outcome="revenue"),
    channels={name: ChannelColumns(kind="paid", spend=name) for name in NAMES},
)


@dataclass(frozen=True)
class Planned:
    """A weekly split and what it promised beyond today's [share of what marketing truly brings today]."""

    spend: Float[np.ndarray, " channel"]
    promise: tuple[float, float, float, float] | None = None  # mean, 5, 50, 95 %


def engine_plans(world: World) -> tuple[dict[str, Planned], dict[str, Any]]:
    """Calibrate fast and plan within each band."""
    fit = calibrate(world.dataset, MODEL, "fast", world.seed)
    plans = {}
    for band, (low, high) in BANDS.items():
        scenario = Scenario(
            name=band,
            horizon=Horizon(start=world.dataset.starts[-1], periods=52),
            budget=Budget(of_history=1.0),
            every_channel=ChannelRules(relative=Relative(min=low, max=high)),
        )
        plan = optimize(fit.curves, scenario, priced=False)
        unit = 52 * world.truth.value(world.today)  # one unit for promise and lift, whatever the fit thinks of today
        gain = plan.gain
        promise = (gain.mean / unit, gain.p05 / unit, gain.p50 / unit, gain.p95 / unit)
        plans[band] = Planned(np.array(plan.chosen.spend) / 52, promise)
    return plans, {"trust": fit.health.trust}


def root_plans(world: World) -> dict[str, Planned]:
    """Least squares on the root of spend, trend and yearly waves, and the best split of its curves."""
    spend = world.dataset.spend[:, 0, :]
    week = np.arange(len(spend))
    waves = [f(2 * np.pi * k * week / 52.1775) for k in (1, 2) for f in (np.sin, np.cos)]
    controls = world.dataset.controls[:, 0, :]
    columns = np.column_stack([np.sqrt(spend), np.ones(len(week)), week, *waves, controls])
    slope = np.linalg.lstsq(columns, world.dataset.outcome[:, 0], rcond=None)[0][: spend.shape[1]]
    strength = np.maximum(slope, 0.0)
    plans = {}
    for band, (low, high) in BANDS.items():
        plans[band] = Planned(_root_split(strength, world.today, low * world.today, high * world.today))
    return plans


def _root_split(strength: np.ndarray, today: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Largest sum of strength * root(spend): spend goes with strength squared, clipped, by bisection on the price."""
    if not strength.any():
        return today
    few, many = 1e-12, 1e12
    for _ in range(200):
        price = np.sqrt(few * many)
        spend = np.clip((strength / price) ** 2, low, high)
        few, many = (price, many) if spend.sum() > today.sum() else (few, price)
    rest = today.sum() - spend.sum()
    return spend + rest * (high - spend if rest > 0 else spend - low) / max(
        1e-9, (high - spend if rest > 0 else spend - low).sum()
    )


def one(case: tuple[str, int]) -> list[dict[str, Any]]:
    """All plans of one world, valued in it."""
    name, seed = case
    world = build(name, seed)
    plans, told = engine_plans(world)
    today = world.truth.value(world.today)
    rows = []
    for band, (low, high) in BANDS.items():
        best = world.truth.value(oracle(world.truth, world.today.sum(), low * world.today, high * world.today))
        for planner, planned in (("engine", plans[band]), ("root", root_plans(world)[band])):
            rows.append(
                {
                    "class": name,
                    "seed": seed,
                    "band": band,
                    "planner": planner,
                    "lift": round(world.truth.value(planned.spend) / today - 1, 5),
                    "oracle": round(best / today - 1, 5),
                    "promise": planned.promise,
                    "spend": (planned.spend / world.today).round(3).tolist(),
                    **told,
                }
            )
    return rows


def summary(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By class, band and planner: share of the oracle's gain, harm, and how promises were kept."""
    rows = list(rows)
    told = []
    for planner in sorted({row["planner"] for row in rows}):
        for name in [one for one in CLASSES if any(row["class"] == one for row in rows)]:
            for band in BANDS:
                part = [r for r in rows if (r["class"], r["band"], r["planner"]) == (name, band, planner)]
                lift, best = (np.array([row[key] for row in part], float) for key in ("lift", "oracle"))
                line = {
                    "planner": planner,
                    "class": name,
                    "band": band,
                    "seeds": len(part),
                    "share": float(lift.sum() / best.sum()),
                    "lift": float(lift.mean()),
                    "oracle": float(best.mean()),
                    "worst": float(lift.min()),
                    "worse": float((lift < -1e-6).mean()),
                }
                if part[0]["promise"] is not None:
                    promise = np.array([row["promise"] for row in part])
                    line["promise"] = float(promise[:, 0].mean())
                    line["kept"] = float(((lift >= promise[:, 1] - 1e-6) & (lift <= promise[:, 3] + 1e-6)).mean())
                told.append(line)
    return told


def main() -> None:
    """Run, print the table and write result.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--classes", default=",".join(CLASSES))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    ask = parser.parse_args()
    cases = [(name, seed) for name in ask.classes.split(",") for seed in range(ask.first, ask.first + ask.seeds)]
    settle(os.environ)  # before the workers start: they load the libraries it speaks to
    with ProcessPoolExecutor(ask.workers, mp_context=get_context("spawn")) as pool:
        rows = [row for part in pool.map(one, cases) for row in part]
    told = summary(rows)
    print(
        f"{'planner':8}{'class':14}{'band':6}{'share':>8}{'lift':>8}{'oracle':>8}{'worst':>8}{'worse':>7}{'promise':>9}{'kept':>6}"
    )
    for line in told:
        print(
            f"{line['planner']:8}{line['class']:14}{line['band']:6}{line['share']:8.0%}{line['lift']:8.1%}"
            f"{line['oracle']:8.1%}{line['worst']:8.1%}{line['worse']:7.0%}"
            + (f"{line['promise']:9.1%}{line['kept']:6.0%}" if "promise" in line else "")
        )
    ask.out.write_text(json.dumps({"summary": told, "rows": rows}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

"""Ours, SciPy's SLSQP and a fine grid on the same random questions; write result.json beside this file."""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from instances import PERIODS, SLOPES, Instance, as_question, instance
from scipy.optimize import minimize

from engine.optimize.closeness import CERTIFIED
from engine.optimize.plan import optimize
from engine.response.curves_file import write_curves

HERE = Path(__file__).parent
COUNTS = {12: 40, 30: 10, 100: 2, 250: 1}
STEPS = 1500  # of the grid
LOSS = 0.01


def ours(asked: Instance) -> np.ndarray:
    """The planner's spend; its bound is checked here as well."""
    plan = optimize(*as_question(asked), priced=False)
    if plan.gap > CERTIFIED or plan.bound < asked.value(np.array(plan.chosen.spend)) * (1 - 1e-9):
        raise SystemExit(f"a plan without its proof: gap {plan.gap}, bound {plan.bound}")
    return np.array(plan.chosen.spend)


def slsqp(asked: Instance, worth: float = 1.0) -> np.ndarray:
    """One start from an even split, spend in money, outcome divided by `worth`, exact gradients."""
    count = len(asked.floor)
    start = np.clip(np.full(count, asked.budget / count), asked.floor, asked.cap)
    found = minimize(
        lambda spend: -asked.value(spend) / worth,
        start,
        jac=lambda spend: -asked.by_channel(spend)[1] / worth,
        method="SLSQP",
        bounds=list(zip(asked.floor, asked.cap, strict=True)),
        constraints={"type": "eq", "fun": lambda spend: spend.sum() - asked.budget, "jac": np.ones_like},
        options={"maxiter": 1000, "ftol": 1e-9},
    )
    spend = np.clip(found.x, asked.floor, asked.cap)
    for _ in range(50):  # what it leaves over or takes too much is spread over channels with room
        missing = asked.budget - spend.sum()
        room = (asked.cap - spend) if missing > 0 else (spend - asked.floor)
        spend += missing * room / max(room.sum(), 1e-300)
        spend = np.clip(spend, asked.floor, asked.cap)
    return spend


def slsqp_normalised(asked: Instance) -> np.ndarray:
    """The same with the outcome as a share of that of the even split: money and objective on different scales."""
    return slsqp(asked, asked.value(np.full(len(asked.floor), asked.budget / len(asked.floor))))


def grid(asked: Instance) -> np.ndarray:
    """Dynamic programming over equal steps of the budget above the floors, on exact values."""
    count = len(asked.floor)
    step = (asked.budget - asked.floor.sum()) / STEPS
    tries = asked.floor + step * np.arange(STEPS + 1)[:, None]
    gain = np.array([asked.by_channel(spend)[0] for spend in tries])
    gain[tries > asked.cap * (1 + 1e-12)] = -np.inf
    best, choices = np.where(np.arange(STEPS + 1) == 0, 0.0, -np.inf), []
    for channel in range(count):
        total, choice = np.full(STEPS + 1, -np.inf), np.zeros(STEPS + 1, int)
        for taken in np.flatnonzero(np.isfinite(gain[:, channel])).tolist():
            trial = best[: STEPS + 1 - taken] + gain[taken, channel]
            better = trial > total[taken:]
            total[taken:][better], choice[taken:][better] = trial[better], taken
        best = total
        choices.append(choice)
    spend, at = asked.floor.copy(), STEPS
    for channel in range(count - 1, -1, -1):
        spend[channel] += choices[channel][at] * step
        at -= choices[channel][at]
    return spend


WAYS: dict[str, Callable[[Instance], np.ndarray]] = {
    "ours": ours,
    "slsqp, money": slsqp,
    "slsqp, normalised": slsqp_normalised,
    "grid": grid,
}


def compare(family: str, channels: int, count: int) -> dict[str, dict[str, float]]:
    """Share of the best of all ways, losses and seconds, over some instances."""
    values: dict[str, list[float]] = {way: [] for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(count):
        asked = instance(family, channels, 10_000 * channels + seed)
        for way, solve in WAYS.items():
            begin = time.perf_counter()
            spend = solve(asked)
            seconds[way].append(time.perf_counter() - begin)
            values[way].append(asked.value(spend))
    best = np.max([values[way] for way in WAYS], axis=0)
    return {
        way: {
            "mean_percent_of_best": round(100 * float(np.mean(values[way] / best)), 4),
            "worst_percent_of_best": round(100 * float(np.min(values[way] / best)), 4),
            "lose_more_than_1_percent": int(np.sum(values[way] < (1 - LOSS) * best)),
            "of": count,
            "median_seconds": round(statistics.median(seconds[way]), 4),
        }
        for way in WAYS
    }


def command_seconds(repeats: int = 9) -> float:
    """Median wall time of `peso optimize` at 12 mixed channels, from start to exit."""
    asked = instance("mixed", 12, 1)
    with tempfile.TemporaryDirectory() as folder:
        curves, question = Path(folder) / "curves.json", Path(folder) / "question.toml"
        write_curves(curves, as_question(asked)[0])
        head = f'name = "q"\nhorizon = {{ start = 2027-01-04, periods = {PERIODS} }}\n'
        question.write_text(head + f"budget = {{ total = {asked.budget!r} }}\n")
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            command = [str(Path(sys.executable).with_name("peso")), "optimize", str(curves), str(question)]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - begin)
    return round(statistics.median(seconds), 3)


def units() -> dict[str, float]:
    """The largest difference of shares when a budget is typed as 12, 12e6 and 12e11, by family."""
    apart = {}
    for family in SLOPES:
        asked, shares = instance(family, 12, 5), []
        for total in (12.0, 12e6, 12e11):
            plan = optimize(*as_question(asked, total / asked.budget), priced=False)
            shares.append(np.array(plan.chosen.spend) / plan.spend)
        apart[family] = float(np.abs(np.array(shares) - shares[1]).max())
    return apart


def main() -> None:
    """Measure and write."""
    result: dict[str, object] = {"python": platform.python_version(), "draws": 200, "grid_steps": STEPS}
    table: dict[str, dict[str, object]] = {}
    for channels, count in COUNTS.items():
        for family in SLOPES:
            table.setdefault(str(channels), {})[family] = compare(family, channels, count)
            print(channels, family, json.dumps(table[str(channels)][family]), flush=True)
    result["by_channels"] = table
    result["command_seconds_12_channels"] = command_seconds()
    result["shares_apart_for_12_12e6_12e11"] = units()
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

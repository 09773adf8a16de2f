"""Thousands of variations at once, timed and checked against the exact path; write result.json beside this file.

`--device gpu` works on the arrays with JAX on a GPU, and `--device jax` with JAX on the CPU, for comparison.
"""

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from questions import DRAWS, question, variations

from engine.cli.common import choose_device
from engine.optimize.batch.arrays import NUMPY, Backend
from engine.optimize.batch.batch import Batch, batch
from engine.optimize.batch.variations import Variations, variants, varied
from engine.optimize.closeness import CERTIFIED
from engine.optimize.rules import compared, problem_of
from engine.optimize.solve import solve

HERE = Path(__file__).parent
ROWS, REPEATS = 10_000, 3
CASES = [  # channels, family, rules, rows that are solved alone beside
    (12, "concave", "own", 200),
    (12, "robyn", "own", 200),
    (12, "mixed", "own", 200),
    (12, "steep", "own", 200),
    (12, "mixed", "groups", 200),
    (12, "mixed", "prudent", 200),
    (30, "concave", "own", 200),
    (30, "mixed", "own", 200),
    (30, "mixed", "groups", 200),
    (100, "concave", "own", 50),
    (100, "mixed", "own", 50),
    (100, "mixed", "groups", 50),
]
ROUNDING = 1e-9


def backend_of(device: str) -> Backend:
    """numpy, or JAX on the device asked for."""
    if device == "cpu":
        return NUMPY
    choose_device("gpu" if device == "gpu" else "cpu")
    from engine.study.accelerate import accelerated  # noqa: PLC0415  (JAX takes longer to load than a batch)

    return accelerated()


def timed(held: Any, asked: Any, rows: Variations, backend: Backend) -> tuple[Batch, dict[str, Any]]:
    """The first call apart from the median of those after it, on the clock and in time of the processor."""
    walls, works = [], []
    for _ in range(1 + REPEATS):
        wall, work = time.perf_counter(), time.process_time()
        found = batch(held, asked, rows, backend)
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    told = {
        "first_seconds": round(walls[0], 3),
        "warm_seconds": round(float(np.median(walls[1:])), 3),
        "warm_processor_seconds": round(float(np.median(works[1:])), 3),
        "load": round(os.getloadavg()[0], 2),
        "parts": {name: round(value, 3) for name, value in asdict(found.seconds).items()},
    }
    return found, told


def checked(held: Any, asked: Any, rows: Variations, found: Batch, sample: int) -> dict[str, Any]:
    """Some rows solved alone: how often a bound or a value is wrong, and how far values and bounds are apart."""
    problem = problem_of(held, asked)
    given = variants(problem, rows)
    chosen = np.random.default_rng(99).choice(len(found.value), sample, replace=False)
    wrong, losses, above, seconds = 0, [], [], []
    for row in chosen.tolist():
        alone = varied(problem, given, row)
        begin = time.perf_counter()
        solved = solve(alone, starts=(compared(alone),))
        seconds.append(time.perf_counter() - begin)
        if solved is None or not found.planned[row]:
            wrong += (solved is None) != (not found.planned[row])
            continue
        rounding = ROUNDING * abs(solved.bound)
        wrong += found.bound[row] < solved.value - rounding or found.value[row] > solved.bound + rounding
        losses.append((solved.value - found.value[row]) / abs(solved.bound))
        above.append((found.bound[row] - solved.bound) / abs(solved.bound))
    return {
        "checked": sample,
        "wrong": int(wrong),
        "worst_loss_percent": round(100 * max(losses), 5),
        "mean_loss_percent": round(100 * float(np.mean(losses)), 5),
        "worst_bound_above_percent": round(100 * max(above), 5),
        "alone_median_seconds": round(float(np.median(seconds)), 4),
    }


def line(backend: Backend, channels: int, family: str, rules: str, sample: int) -> dict[str, Any]:
    """One line of the result."""
    held, asked = question(family, channels, 1_000 * channels + 1, rules)
    rows = variations(channels, ROWS, 7, alike=rules == "prudent")
    found, seconds = timed(held, asked, rows, backend)
    gaps = found.gap[found.planned]
    if np.any(gaps > CERTIFIED):
        raise SystemExit(f"{int(np.sum(gaps > CERTIFIED))} rows are not certified")
    return {
        "channels": channels,
        "family": family,
        "rules": rules,
        **seconds,
        "rows_solved_alone": int(found.exact.sum()),
        "rows_without_plan": int((~found.planned).sum()),
        "gap_percent": {
            name: round(100 * float(np.quantile(gaps, q)), 5) for name, q in (("50", 0.5), ("99", 0.99), ("most", 1.0))
        },
        **checked(held, asked, rows, found, sample),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=["cpu", "jax", "gpu"], default="cpu")
    parser.add_argument("--channels", type=int, nargs="*", default=[12, 30, 100])
    chosen = parser.parse_args()
    device, backend, lines = chosen.device, backend_of(chosen.device), []
    for one in (case for case in CASES if case[0] in chosen.channels):
        lines.append(line(backend, *one))
        print(json.dumps(lines[-1]), flush=True)
    path = HERE / "result.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    result |= {"python": platform.python_version(), "rows": ROWS, "draws": DRAWS, device: lines}
    path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Calibrate worlds whose truth is known and say how near the answers are; see README.md.

Run with the project's interpreter: python experiments/recovery/run.py [--seeds 20] [--speed fast|nuts]
"""

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from scores import QUANTITIES, channel_rows, summary
from worlds import CLASSES, KINDS, NAMES, build, tested

from engine.calibrate.calibrate import calibrate
from engine.calibrate.fit import Speed
from engine.config.model import ChannelColumns, Data, Model
from engine.errors import UntrustworthyError

HERE = Path(__file__).resolve().parent
CASES = (*CLASSES, "demand-following, tested")  # the last: the same worlds, one lift test a channel
WITHIN = {"80": (0.75, 0.85), "95": (0.92, 0.98)}  # coverage that is right
PROMISED = ("clean", "collinear", "demand-following, tested")
MODEL = Model(
    data=Data(date="date", outcome="revenue"),
    channels={name: ChannelColumns(kind=kind, spend=name) for name, kind in zip(NAMES, KINDS, strict=True)},
)


def one(case: tuple[str, int, Speed, int]) -> dict[str, Any]:
    """One world calibrated and compared with its truth."""
    name, seed, speed, draws = case
    base, *more = name.split(", ")
    world = build(base, seed)
    if more:
        world = tested(world)
    begin = time.perf_counter()
    row: dict[str, Any] = {"class": name, "seed": seed}
    try:
        fit = calibrate(world.dataset, MODEL, speed, seed, draws)
    except UntrustworthyError as refusal:
        return row | {"refused": str(refusal)}
    return row | {
        "seconds": round(time.perf_counter() - begin, 1),
        "trust": fit.health.trust,
        "checks": {check.name: check.verdict for check in fit.health.checks},
        "channels": channel_rows(world, fit),
    }


def report(told: dict[str, Any]) -> list[str]:
    """One line a class, then one line a class with the checks that were not good."""
    lines = [f"{'class':26}{'worlds':>7}{'curve':>8}{'kernel':>8}{'bias':>15}{'|error|':>9}"]
    lines[0] += "".join(f"{name + ' ' + band:>11}" for name in QUANTITIES for band in WITHIN)
    for name, line in told.items():
        bias = line["roas_bias"]
        cells = f"{name:26}{line['worlds']:7d}{line['curve_error']['median']:8.1%}{line['kernel_error']:8.2f}"
        cells += f"{bias['mean_log']:+8.3f} ±{bias['standard_error'] or 0:5.3f}{line['roas_error']:9.1%}"
        shares = [line["coverage"][f"{name} {band}"]["share"] for name in QUANTITIES for band in WITHIN]
        cells += "".join(f"{share:11.0%}" for share in shares)
        lines.append(cells)
    for name, line in told.items():
        doubts = ", ".join(f"{check} {sum(share.values()):.0%}" for check, share in line["flags"].items())
        lines.append(f"{name}: trust {line['trust']}; not good: {doubts or 'nothing'}")
    return lines + verdicts(told)


def verdicts(told: dict[str, Any]) -> list[str]:
    """Whether each coverage lies where it was promised to."""
    lines = []
    for name in (one for one in PROMISED if one in told):
        for quantity in QUANTITIES:
            for band, (low, high) in WITHIN.items():
                share = told[name]["coverage"][f"{quantity} {band}"]
                held = "holds" if low <= share["share"] <= high else "misses"
                lines.append(
                    f"{held}: {name}, {quantity}, {band} % band covers {share['share']:.0%} "
                    f"±{share['standard_error'] or 0:.0%} ({low:.0%} to {high:.0%} wanted)"
                )
    return lines


def summaries(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each class that has a fit."""
    parts = {name: [row for row in rows if row["class"] == name and "channels" in row] for name in CASES}
    return {name: summary(part) for name, part in parts.items() if part}


def main() -> None:
    """Run, print the table and write result.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--case", action="append", choices=CASES, help="all if none is named")
    parser.add_argument("--speed", choices=["fast", "nuts"], default="fast")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    cases = [(name, seed, asked.speed, asked.draws) for name in asked.case or CASES for seed in seeds]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(one, cases))
    for row in rows:
        if "refused" in row:
            print(f"refused: {row['class']}, seed {row['seed']}: {row['refused']}")
    told = summaries(rows)
    print("\n".join(report(told)))
    whole = {"speed": asked.speed, "draws": asked.draws, "summary": told, "rows": rows}
    asked.out.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()

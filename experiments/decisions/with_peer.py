"""What the plans of a public MMM package earn in the worlds of this experiment; see README.md.

The package lives in an environment of its own: `--python` names that environment's interpreter, which runs peer.py.
"""

import argparse
import csv
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from run import BANDS, HERE, summary
from worlds import CLASSES, NAMES, World, build, oracle

PLANNER = "pymc-marketing"
WEEKS = 52
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Peer:
    """How the package is called."""

    python: Path
    priors: str
    chains: int
    draws: int

    def answer(self, folder: Path) -> None:
        """Run the package on one folder; it leaves plans.json there."""
        effort = ["--priors", self.priors, "--chains", str(self.chains), "--draws", str(self.draws)]
        command = ["nice", "-n", "5", str(self.python), str(HERE / "peer.py"), str(folder), *effort]
        told = subprocess.run(command, env=os.environ | THREADS, capture_output=True, text=True)
        if told.returncode != 0:
            raise SystemExit(f"{folder.name}: the package stopped with code {told.returncode}:\n{told.stderr[-2000:]}")


def put(world: World, folder: Path) -> None:
    """Write a world's history and question; nothing of its truth."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = world.dataset
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "outcome", *dataset.channels, *dataset.control_names])
        for week, start in enumerate(dataset.starts):
            numbers = [dataset.outcome[week, 0], *dataset.spend[week, 0], *dataset.controls[week, 0]]
            writer.writerow([start.isoformat(), *(repr(float(number)) for number in numbers)])
    question = {
        "channels": dataset.channels,
        "controls": dataset.control_names,
        "today": dict(zip(dataset.channels, world.today.tolist(), strict=True)),
        "bands": BANDS,
        "weeks": WEEKS,
        "seed": world.seed,
    }
    (folder / "question.json").write_text(json.dumps(question, indent=1) + "\n")


def rows(world: World, told: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """The package's plans of one world, valued in it; the same form as run.py's rows."""
    today = world.truth.value(world.today)
    roas = world.media.sum(axis=0) / world.dataset.spend[:, 0, :].sum(axis=0)
    for band, (low, high) in BANDS.items():
        best = world.truth.value(oracle(world.truth, world.today.sum(), low * world.today, high * world.today))
        plan = told["plans"][band]
        spend = np.array([plan["spend"][name] for name in NAMES])
        _require_kept(spend, world.today, (low, high))
        yield {
            "class": world.name,
            "seed": world.seed,
            "band": band,
            "planner": PLANNER,
            "lift": world.truth.value(spend) / today - 1,
            "oracle": best / today - 1,
            "promise": plan["promise"],
            "spend": (spend / world.today).round(3).tolist(),
            "solved": plan["solved"],
            "true_roas": dict(zip(NAMES, roas.tolist(), strict=True)),
            **{key: told[key] for key in ("roas", "rhat", "divergences", "seconds")},
        }


def _require_kept(spend: np.ndarray, today: np.ndarray, band: tuple[float, float]) -> None:
    """A plan that spends other money than it was given must not be compared."""
    if abs(spend.sum() / today.sum() - 1) > 1e-4:
        raise SystemExit(f"the package's plan spends {spend.sum():.0f} a week, not {today.sum():.0f}")
    share = spend / today
    if share.min() < band[0] - 1e-4 or share.max() > band[1] + 1e-4:
        raise SystemExit(f"the package's plan leaves its band {band}: {share.round(3).tolist()}")


def main() -> None:
    """Write the files, call the package world by world, value its plans and write peer.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", type=Path, required=True, help="interpreter of the package's environment")
    parser.add_argument(
        "--folder", type=Path, required=True, help="kept between runs: worlds answered are not asked again"
    )
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--classes", default=",".join(CLASSES))
    parser.add_argument("--priors", choices=("tutorial", "default"), default="tutorial")
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--out", type=Path, default=HERE / "peer.json")
    ask = parser.parse_args()
    peer = Peer(ask.python, ask.priors, ask.chains, ask.draws)
    told: dict[str, Any] = {}
    valued: list[dict[str, object]] = []
    for seed in range(ask.first, ask.first + ask.seeds):
        for name in ask.classes.split(","):
            world = build(name, seed)
            told = answered(world, ask.folder / f"{name}-{seed}-{ask.priors}-{ask.chains}x{ask.draws}", peer)
            valued += rows(world, told)
            print(
                f"{name} {seed}: "
                + ", ".join(f"{r['band']} {r['lift']:+.1%} of {r['oracle']:.1%}" for r in valued[-2:]),
                flush=True,
            )
    lines = summary(valued)
    show(lines)
    record = {"summary": lines, "versions": told["versions"], "effort": told["effort"], "rows": valued}
    ask.out.write_text(json.dumps(record, indent=1) + "\n")


def show(lines: Iterable[Mapping[str, Any]]) -> None:
    """Print the table."""
    print("class         band     share    lift  oracle   worst  worse  promise  kept")
    for line in lines:
        print(
            f"{line['class']:14}{line['band']:6}{line['share']:8.0%}{line['lift']:8.1%}{line['oracle']:8.1%}"
            f"{line['worst']:8.1%}{line['worse']:7.0%}{line['promise']:9.1%}{line['kept']:6.0%}"
        )


def answered(world: World, folder: Path, peer: Peer) -> dict[str, Any]:
    """The package's answer to a world; an answer that is there is used if it was given to the same history."""
    names = ("history.csv", "question.json")
    before = [(folder / name).read_text() if (folder / name).exists() else "" for name in names]
    put(world, folder)
    if before != [(folder / name).read_text() for name in names]:
        (folder / "plans.json").unlink(missing_ok=True)
    if not (folder / "plans.json").exists():
        peer.answer(folder)
    answer: dict[str, Any] = json.loads((folder / "plans.json").read_text())
    return answer


if __name__ == "__main__":
    main()

"""Measure calibration from data to a usable posterior, in fresh processes; see README.md.

Run with the project's interpreter: python experiments/calibration-speed/run.py [--repeats 3] [case ...]
The data are not part of this repository; PESO_PUBLIC_DATA names their folder, else ../shared/data is tried.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("PESO_PUBLIC_DATA", HERE.parents[2] / "shared" / "data"))
EXAMPLE = """[data]
date = "date_week"
outcome = "y"
[events]
columns = ["event_1", "event_2"]
"""
MERIDIAN = """[data]
date = "time"
kpi = "conversions"
value_per_kpi = "revenue_per_conversion"
{more}[controls]
columns = ["competitor_sales_control", "sentiment_score_control", "Organic_channel0_impression", "Promo"]
"""
GEOS = 'geo = "geo"\npopulation = "population"\nunnamed = "drop"\n'


@dataclass(frozen=True)
class Case:
    """What is calibrated, and what was asked of it."""

    table: str  # below the folder of public data
    model: str  # model.toml without its channels
    spend: tuple[str, ...]
    exposure: tuple[str, ...]
    speed: str
    most: dict[str, float]  # seconds asked for, by state of the compilation cache [s]
    repeats: int | None = None  # runs of each state; what the command line says if absent

    def toml(self) -> str:
        """The text of model.toml."""
        channels = [f'[channels.{name}]\nkind = "paid"\nspend = "{name}"\n' for name in self.spend]
        exposures = [f'exposure = "{name}"\n' for name in self.exposure] or [""] * len(channels)
        return self.model + "".join(one + seen for one, seen in zip(channels, exposures, strict=True))


def _example(speed: str, most: dict[str, float]) -> Case:
    return Case("pymc-marketing/mmm_example.csv", EXAMPLE, ("x1", "x2"), (), speed, most)


def _meridian(table: str, more: str, most: dict[str, float], repeats: int | None) -> Case:
    spend, exposure = (tuple(f"Channel{index}_{what}" for index in range(5)) for what in ("spend", "impression"))
    return Case(f"meridian/{table}.csv", MERIDIAN.format(more=more), spend, exposure, "nuts", most, repeats)


CASES = {
    "mmm_example fast": _example("fast", {"cold": 3.0, "warm": 3.0}),
    "mmm_example nuts": _example("nuts", {"cold": 10.0, "warm": 6.0}),
    "meridian national nuts": _meridian("national_all_channels", "", {"cold": 30.0, "warm": 30.0}, None),
    "meridian geo nuts": _meridian("geo_all_channels", GEOS, {"cold": 240.0, "warm": 240.0}, 1),
}
LEAST_PER_SECOND = {"mmm_example nuts": 150.0}  # effective draws a second asked for
MOST_MEMORY = 2048.0  # [MiB]
MOST_R_HAT = 1.01
ANCHORS: dict[str, dict[str, dict[str, Any]]] = {
    "mmm_example nuts": {
        "pymc-marketing 1.3, nutpie, 4 x 1000, warm": {"seconds": 8.3, "effective_per_second": 69},
        "pymc-marketing 1.3, NUTS, 4 x 2000, warm": {"seconds": 10.6, "effective_per_second": 131},
        "pymc-marketing 1.3, cold": {"seconds": "35-42"},
    },
    "meridian national nuts": {
        "Meridian 2.1": {"seconds": 211, "effective_per_second": 4, "divergences": 30},
    },
    "meridian geo nuts": {"Meridian 2.1, fewer draws, not converged": {"seconds": 237, "r_hat": 1.34}},
}
"""Measured on a quiet machine of the same kind with two cores, by the same definition."""

CHILD = """
import json, os, resource, sys, time
from pathlib import Path
from engine.cli.machine import settle
settle(os.environ)
from engine.calibrate import calibrate
from engine.study.learn import learn
table, model, speed = sys.argv[1:]
drawn, when = calibrate.draw_posterior, []
def noted(*asked):
    found = drawn(*asked)
    when.append(time.perf_counter())
    return found
calibrate.draw_posterior = noted
before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
fit = learn(Path(table), Path(model), speed, 1, calibrate.DRAWS)
fit_seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
check = next(one for one in fit.health.checks if one.name == "convergence")
print(json.dumps({
    "seconds": when[0] - begin,
    "fit_seconds": fit_seconds,
    "cpu_seconds": after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime,
    "memory": after.ru_maxrss / 1024,
    "verdict": check.verdict,
    **check.details,
}))
"""
"""One calibration: the clock starts before the table is read; it is read when the posterior is drawn, as the anchors'
is, and when curves, bands, hold-out and health are there."""


def measure(case: Case, folder: Path, cache: Path) -> dict[str, Any]:
    """One calibration in a process of its own, its compilation cache in a folder."""
    model = folder / "model.toml"
    model.write_text(case.toml())
    surroundings = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache), "XDG_CACHE_HOME": str(cache)}
    words = [sys.executable, "-c", CHILD, str(DATA / case.table), str(model), case.speed]
    begin = time.perf_counter()
    done = subprocess.run(words, env=surroundings, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{case.table}: calibration failed; {done.stderr.strip().splitlines()[-1]}")
    told: dict[str, Any] = json.loads(done.stdout)
    told["process_seconds"] = time.perf_counter() - begin
    effective = told.get("bulk", told.get("effective"))
    told["effective_per_second"] = None if effective is None else effective / told["seconds"]
    return told


def states(case: Case, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Runs with an empty cache each, and runs with the cache that one of them filled."""
    runs: dict[str, list[dict[str, Any]]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as name:
        for number in range(repeats):
            folder = Path(name) / str(number)
            folder.mkdir()
            for state in runs:
                runs[state].append(measure(case, folder, folder / "cache"))
    return runs


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure; the worst of what must never be bad."""
    worst = {"r_hat": max, "divergences": max, "memory": max, "pareto": max}
    figures = [name for name, value in runs[0].items() if isinstance(value, (int, float))]
    told = {name: worst.get(name, statistics.median)([run[name] for run in runs]) for name in figures}
    rounded = {name: float(f"{value:.4g}") for name, value in told.items()}
    return rounded | {"runs": len(runs), "verdict": sorted({run["verdict"] for run in runs})}


def held(name: str, state: str, one: dict[str, Any]) -> list[str]:
    """What was asked for and missed."""
    asked = {
        "seconds": (one["seconds"], CASES[name].most[state]),
        "memory": (one["memory"], MOST_MEMORY),
        "r_hat": (one.get("r_hat", 1.0), MOST_R_HAT),
        "divergences": (one.get("divergences", 0.0), 0.0),
    }
    missed = [f"{what} {figure:g} > {most:g}" for what, (figure, most) in asked.items() if figure > most]
    least = LEAST_PER_SECOND.get(name)
    if least and one["effective_per_second"] < least:
        missed.append(f"effective_per_second {one['effective_per_second']:g} < {least:g}")
    return missed


def report(name: str, told: dict[str, dict[str, Any]]) -> list[str]:
    """One line a state of the cache, then the anchors."""
    lines = []
    for state, one in told.items():
        diagnosis = f"{one['r_hat']:7.3f}{one['divergences']:5.0f}" if "r_hat" in one else f"{'-':>7}{'-':>5}"
        effective = one.get("bulk", one.get("effective", 0.0))
        lines.append(
            f"{name:24}{state:6}{one['seconds']:9.1f}{one['fit_seconds']:9.1f}{one['process_seconds']:9.1f}{one['cpu_seconds']:9.1f}"
            f"{effective:9.0f}{one['effective_per_second']:9.1f}{diagnosis}{one['memory']:8.0f}  "
            + ("; ".join(held(name, state, one)) or "holds")
        )
    for anchor, figures in ANCHORS.get(name, {}).items():
        said = ", ".join(f"{what.replace('_', ' ')} {figure}" for what, figure in figures.items())
        lines.append(f"{'':24}beside {anchor}: {said}")
    return lines


def main() -> None:
    """Measure the cases named on the command line, or all, print each and write result.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    parser.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all if none is named")
    asked = parser.parse_args()
    unknown = sorted(set(asked.case) - set(CASES))
    if unknown:
        sys.exit(f"no case is called {', '.join(unknown)}; the cases are {', '.join(CASES)}")
    if not DATA.is_dir():
        sys.exit(f"no public data at {DATA}; set PESO_PUBLIC_DATA to their folder")
    result = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    result |= {"python": platform.python_version(), "system": f"{platform.machine()}, {os.cpu_count()} cores"}
    print(
        f"{'case':24}{'cache':6}{'draws s':>9}{'fit s':>9}{'all s':>9}{'CPU s':>9}{'effect.':>9}{'a second':>9}"
        f"{'R-hat':>7}{'div':>5}{'MiB':>8}"
    )
    for name in asked.case or CASES:
        load = os.getloadavg()[0]
        repeats = CASES[name].repeats or asked.repeats
        told = {state: medians(runs) for state, runs in states(CASES[name], repeats).items()}
        print("\n".join(report(name, told)), flush=True)
        result[name] = told | {"load_before": round(load, 1), "anchors": ANCHORS.get(name, {})}
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Public data from the command line, as a user would: check, calibrate, optimize; the figures go to result.json.

Run with the project's interpreter: python experiments/public-data/run.py [case ...]
The data are not part of this repository; PESO_PUBLIC_DATA names their folder, else ../shared/data is tried.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PESO = Path(sys.executable).with_name("peso")
DATA = Path(os.environ.get("PESO_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
CASES = {
    "robyn": "robyn/dt_simulated_weekly.csv",
    "meridian_national": "meridian/national_all_channels.csv",
    "meridian_geo": "meridian/geo_all_channels.csv",
    "mmm_example": "pymc-marketing/mmm_example.csv",
    "conjura_1": "conjura/conjura_series_1to4.csv",
    "conjura_2": "conjura/conjura_series_1to4.csv",
    "conjura_3": "conjura/conjura_series_1to4.csv",
    "conjura_4": "conjura/conjura_series_1to4.csv",
    "mmm_stan": "mmm_stan/data.csv",
}
NUTS = ("mmm_example",)  # cases that are also calibrated by chains
PERIODS = 52
BAND = 0.5  # each channel stays within this share of its historical mean
TRUE_RETAIN = {"x1": 0.4, "x2": 0.2}  # of mmm_example, published by its authors


def peso(*arguments: object) -> tuple[subprocess.CompletedProcess[str], dict[str, float]]:
    """The command's answer, and the seconds on the clock and on the processors, start and imports included."""
    begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([str(PESO), *map(str, arguments)], capture_output=True, text=True, check=False)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
    return done, {"wall": round(time.perf_counter() - begin, 2), "processor": round(spent, 2)}


def measure(case: str, folder: Path) -> dict[str, Any]:
    """All figures of one data set."""
    data, model, fit = DATA / CASES[case], HERE / "models" / f"{case}.toml", folder / case
    checked, seconds = peso("check", data, "--model", model, "--json")
    if checked.returncode:
        return {"refused": checked.stderr.strip()}
    inspection = json.loads(checked.stdout)
    found: dict[str, Any] = {
        "load": round(os.getloadavg()[0], 1),
        "periods": inspection["periods"],
        "geos": inspection["geos"],
        "check": {"verdict": inspection["verdict"], "seconds": seconds},
        "fast": calibrated(data, model, fit, "fast"),
    }
    if case in NUTS:
        found["nuts"] = calibrated(data, model, folder / f"{case}_nuts", "nuts")
    if "refused" in found["fast"]:
        return found
    if case == "mmm_example":
        found["true_retain_in_90_band"] = {name: kept(folder, case, name) for name in TRUE_RETAIN}
    found["plan"] = planned(fit, inspection, folder / f"{case}.toml")
    return found


def calibrated(data: Path, model: Path, fit: Path, speed: str) -> dict[str, Any]:
    """What one calibration says of itself."""
    done, seconds = peso("calibrate", data, "--model", model, "--out", fit, "--speed", speed, "--json", "-q")
    if done.returncode:
        return {"refused": done.stderr.strip()}
    answer = json.loads(done.stdout)
    checks = {check["name"]: check for check in answer["checks"]}
    return {
        "seconds": answer["settings"]["seconds"],
        "seconds_of_command": seconds,
        "headline": answer["headline"],
        "trust": answer["trust"],
        "doubts": {name: check["sentence"] for name, check in checks.items() if check["verdict"] != "good"},
        "in_sample": checks["fit"]["details"],
        "holdout": checks["holdout"]["details"],
        "convergence": checks["convergence"]["details"],
        "roas_5_50_95": {channel["name"]: channel["roas"] for channel in answer["channels"]},
        "marginal_roas_5_50_95": {channel["name"]: channel["marginal_roas"] for channel in answer["channels"]},
    }


def kept(folder: Path, case: str, channel: str) -> dict[str, Any]:
    """The 90 % band of a channel's carry-over at each speed, and whether the truth lies in it."""
    answer = {}
    for speed, place in (("fast", case), ("nuts", f"{case}_nuts")):
        curves = json.loads((folder / place / "curves.json").read_text())
        retain = sorted(next(one for one in curves["channels"] if one["name"] == channel)["adstock"]["retain"])
        low, high = retain[round(0.05 * (len(retain) - 1))], retain[round(0.95 * (len(retain) - 1))]
        answer[speed] = {"low": low, "high": high, "holds": low <= TRUE_RETAIN[channel] <= high}
    return answer


def planned(fit: Path, inspection: dict[str, Any], scenario: Path) -> dict[str, Any]:
    """The best split of history's budget with each channel within the band around its mean."""
    curves = json.loads((fit / "curves.json").read_text())
    means = {channel["name"]: channel["history"]["mean"] for channel in curves["channels"]}
    start = date.fromisoformat(inspection["last"]) + timedelta(days=7)
    lines = [
        'name = "same budget, better split"',
        f'horizon = {{ start = {start}, periods = {PERIODS}, decide = "horizon" }}',
        f"budget = {{ total = {float(PERIODS * sum(means.values()))!r} }}",
        'goal = { maximise = "outcome" }',
    ]
    for name, mean in means.items():
        floor, cap = PERIODS * (1 - BAND) * mean, PERIODS * (1 + BAND) * mean
        lines += [f"[channels.{json.dumps(name)}]", f"floor = {floor!r}", f"cap = {cap!r}"]
    scenario.write_text("\n".join(lines) + "\n")
    done, seconds = peso("optimize", fit, scenario, "--json", "-q")
    if done.returncode:
        return {"refused": done.stderr.strip(), "exit": done.returncode}
    plan = json.loads(done.stdout)
    return {
        "seconds_of_command": seconds,
        **{name: plan.get(name) for name in ("status", "gap", "value", "gain", "chance_of_loss", "baseline")},
        "spend": dict(zip(plan["channels"], [sum(row) for row in zip(*plan["spend"], strict=True)], strict=True)),
    }


def main() -> None:
    """Measure the cases named on the command line, or all, and write result.json."""
    if not DATA.is_dir():
        sys.exit(f"no public data at {DATA}; set PESO_PUBLIC_DATA to their folder")
    place = HERE / "result.json"
    known = json.loads(place.read_text()) if place.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        for case in sys.argv[1:] or CASES:
            known[case] = measure(case, Path(name))
            print(case, json.dumps(known[case])[:300], flush=True)
    place.write_text(json.dumps({case: known[case] for case in CASES if case in known}, indent=1) + "\n")


if __name__ == "__main__":
    main()

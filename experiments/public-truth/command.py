"""The public command line as this experiment uses it: history to fit, fit to plan, nothing beside."""

import csv
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

PESO = Path(sys.executable).with_name("peso")
WEEKS = 52  # of every plan
UNTRUSTED = 5  # exit code of a plan on a fit that is not to be trusted
Band = tuple[float, float, float]  # 5, 50 and 95 % over the draws


@dataclass(frozen=True)
class Columns:
    """Which columns of a table mean what."""

    data: dict[str, str | float]  # entries of [data]
    spend: tuple[str, ...]
    exposure: tuple[str, ...] = ()  # one for each spend column, or none
    controls: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    experiments: tuple[dict[str, Any], ...] = ()

    def toml(self) -> str:
        """The text of model.toml."""
        lines = ["[data]", *(f"{key} = {json.dumps(value)}" for key, value in self.data.items())]
        for index, name in enumerate(self.spend):
            lines += [f"[channels.{json.dumps(name)}]", 'kind = "paid"', f"spend = {json.dumps(name)}"]
            lines += [f"exposure = {json.dumps(self.exposure[index])}"] if self.exposure else []
        for part, columns in (("controls", self.controls), ("events", self.events)):
            lines += [f"[{part}]", f"columns = {json.dumps(columns)}"] if columns else []
        for test in self.experiments:
            lines += ["[[experiments.test]]", *(f"{key} = {_literal(value)}" for key, value in test.items())]
        return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    """A value as TOML: dates bare, the rest as in JSON."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


@dataclass(frozen=True)
class Calibration:
    """One fit: what the command said of it, and its weeks."""

    folder: Path
    answer: dict[str, Any]
    seconds: float  # of the whole command, on a machine that may be busy [s]
    contributions: dict[str, dict[str, Float[np.ndarray, " week"]]] = field(repr=False)  # by channel: mean, 5%, 95%

    def band(self, channel: str, figure: str) -> Band:
        """5, 50 and 95 % of one figure ("roas", "share", "half_life", "marginal_roas") of one channel."""
        low, middle, high = next(one[figure] for one in self.answer["channels"] if one["name"] == channel)
        return low, middle, high

    def check(self, name: str) -> dict[str, Any]:
        """One check of the fit's health, or nothing where there is none of this name."""
        return next((one for one in self.answer["checks"] if one["name"] == name), {})


class RefusedError(Exception):
    """The command gave no answer: its exit code, and its first sentence or the last line of a crash."""

    def __init__(self, verb: str, code: int, sentence: str) -> None:
        self.code = code
        said = sentence.strip().splitlines() or ["said nothing"]
        super().__init__(f"peso {verb} exit {code}: {said[0] if code > 1 else said[-1]}")


def asked(*arguments: object) -> dict[str, Any]:
    """The one JSON document that a verb prints.

    Raises:
        RefusedError: The command ended with another exit code than 0.
    """
    done = subprocess.run([str(PESO), *map(str, arguments), "--json", "-q"], capture_output=True, text=True)
    if done.returncode:
        raise RefusedError(str(arguments[0]), done.returncode, done.stderr or done.stdout)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def calibrate(table: Path, columns: Columns, folder: Path, speed: str) -> Calibration:
    """The fit of a table."""
    folder.mkdir(parents=True, exist_ok=True)
    model, fit = folder / "model.toml", folder / "fit"
    model.write_text(columns.toml())
    begin = time.perf_counter()
    answer = asked("calibrate", table, "--model", model, "--out", fit, "--speed", speed)
    seconds = time.perf_counter() - begin
    return Calibration(fit, answer, round(seconds, 1), _contributions(fit / "contributions.csv", columns.spend))


def _contributions(path: Path, channels: Sequence[str]) -> dict[str, dict[str, Float[np.ndarray, " week"]]]:
    table = read(path)
    edges = ("mean", "5%", "95%")
    return {name: {edge: numbers(table, f"{name} {edge}") for edge in edges} for name in channels}


@dataclass(frozen=True)
class Plan:
    """A plan for a year of weeks at history's budget."""

    weekly: Float[np.ndarray, " channel"]  # even spend [money/week]
    promise: Band  # gain over history, of history's media outcome: 5, mean, 95 %
    status: str  # "certified" or "feasible"
    needed_consent: bool  # whether the fit was refused until told otherwise


def plan(
    fit: Calibration, spend: dict[str, float], reach: tuple[float, float | None], name: str = "same budget"
) -> Plan:
    """The best even split of the same budget.

    Args:
        fit: The calibration.
        spend: Mean weekly spend of each channel in history [money/week].
        reach: Least and most spend of each channel as a multiple of its history; None for no limit.
        name: Of the scenario.
    """
    low, high = reach
    lines = [
        f"name = {json.dumps(name)}",
        f'horizon = {{ start = 2027-01-04, periods = {WEEKS}, decide = "horizon" }}',
        f"budget = {{ total = {WEEKS * sum(spend.values())!r} }}",
        'goal = { maximise = "outcome" }',
    ]
    for channel, mean in spend.items():
        lines += [f"[channels.{json.dumps(channel)}]", f"floor = {WEEKS * low * mean!r}"]
        lines += [] if high is None else [f"cap = {WEEKS * high * mean!r}"]
    scenario = fit.folder.parent / "scenario.toml"
    scenario.write_text("\n".join(lines) + "\n")
    consent = False
    try:
        answer = asked("optimize", fit.folder, scenario)
    except RefusedError as refusal:
        if refusal.code != UNTRUSTED:
            raise
        consent = True
        answer = asked("optimize", fit.folder, scenario, "--accept-weak-fit")
    weekly = dict(zip(answer["channels"], np.sum(answer["spend"], axis=0) / WEEKS, strict=True))
    before = answer["baseline"]["value"]["mean"]
    gain = answer["gain"]
    promise = (gain["p05"] / before, gain["mean"] / before, gain["p95"] / before)
    return Plan(np.array([weekly[channel] for channel in spend]), promise, answer["status"], consent)


def read(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file, packed or not, as texts."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    header, *rows = csv.reader(content.decode().splitlines())
    return {name: [row[index] for row in rows] for index, name in enumerate(header)}


def numbers(table: dict[str, list[str]], column: str) -> Float[np.ndarray, " row"]:
    """One column as numbers."""
    return np.array(table[column], dtype=float)

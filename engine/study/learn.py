"""From a file of history to a fit, its folder, and its summary for people."""

import platform
import textwrap
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine import __version__
from engine.calibrate.calibrate import DRAWS, calibrate
from engine.calibrate.fit import ChannelReading, Check, Fit, Speed
from engine.config.loading import load
from engine.config.model import Model
from engine.data.read import read_dataset
from engine.files import digest, read_bytes, write_csv, write_json
from engine.response.curves_file import write_curves
from engine.words import money, number, percent, plain, table

WIDTH = 110  # columns of running text
MEASURED_BY = ("jax", "numpy", "numpyro", "scipy")  # packages whose versions move the last digits


def learn(data: Path, model: Path, speed: Speed, seed: int, draws: int = DRAWS) -> Fit:
    """The curves, contributions and health of the history in `data`, its columns named by `model`.

    Raises:
        InputError: The model file or the data are wrong or cannot be calibrated.
        UntrustworthyError: No finite density was found.
    """
    meaning = load(model, Model)
    dataset = read_dataset(data, meaning, model)
    begin = time.perf_counter()
    fit = calibrate(dataset, meaning, speed, seed, draws)
    seconds = time.perf_counter() - begin
    traces: dict[str, str | int | float] = {
        "data": dataset.made_from,
        "model": digest(read_bytes(model)),
        "seconds": round(seconds, 3),
    }
    return replace(fit, settings={**fit.settings, **traces})


def write_fit(folder: Path, fit: Fit) -> None:
    """Write health.json, contributions.csv, curves.json and, last, manifest.json: no curves without their health.

    Raises:
        StorageError: The folder cannot be written.
    """
    write_json(folder / "health.json", health_document(fit))
    header = ["start", *(f"{part.component} {edge}" for part in fit.contributions for edge in ("mean", "5%", "95%"))]
    columns = [values.tolist() for part in fit.contributions for values in (part.mean, part.low, part.high)]
    write_csv(
        folder / "contributions.csv",
        header,
        [[day.isoformat(), *row] for day, row in zip(fit.starts, zip(*columns, strict=True), strict=True)],
    )
    write_curves(folder / "curves.json", fit.curves)
    write_json(folder / "manifest.json", manifest(folder, fit))


def health_document(fit: Fit) -> dict[str, Any]:
    """The content of health.json."""
    return {
        "schema": "peso.health/1",
        "made_from": fit.curves.made_from,
        "currency": fit.curves.currency,
        "outcome": fit.curves.outcome,
        "period": fit.curves.period,
        "trust": fit.health.trust,
        "checks": [_check_document(check) for check in fit.health.checks],
        "channels": [asdict(reading) for reading in fit.readings],
    }


def _check_document(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "verdict": check.verdict,
        "figure": check.figure,
        "sentence": check.sentence,
        "details": dict(check.details),
    }


def manifest(folder: Path, fit: Fit) -> dict[str, Any]:
    """The content of manifest.json: from what, with what, how, and the digests of what was written."""
    written = ("curves.json", "health.json", "contributions.csv")
    settings = dict(fit.settings)
    return {
        "schema": "peso.fit/1",
        "currency": fit.curves.currency,
        "period": fit.curves.period,
        "made_from": {"data": settings.pop("data", fit.curves.made_from), "model": settings.pop("model", "")},
        "seconds": settings.pop("seconds", None),
        "settings": settings,
        "versions": {
            "peso-engine": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in MEASURED_BY},
        },
        "files": {name: digest(read_bytes(folder / name)) for name in written},
    }


def document(fit: Fit) -> dict[str, Any]:
    """The fit as one JSON document, without its draws and periods."""
    return {**health_document(fit), "headline": headline(fit), "settings": dict(fit.settings)}


def headline(fit: Fit) -> str:
    """What the fit can support, in one sentence."""
    opening = {
        "good": "Good enough to plan with",
        "weak": "Plan with care and small steps",
        "bad": "Not to be planned with",
    }[fit.health.trust]
    checks = {check.name: check for check in fit.health.checks}
    base = checks["baseline"]
    media = 1 - (base.figure or 0.0)
    best = max(fit.readings, key=lambda reading: reading.marginal_roas[1])
    doubts = [check.name for check in fit.health.checks if check.verdict != "good" and check.name in _TOLD]
    told = f" (doubts: {', '.join(doubts)})" if doubts else ""
    return (
        f"{opening}{told}: the channels brought {percent(media)} of {plain(fit.curves.outcome)} "
        f"(5-95 %: {percent(1 - base.details['high'])} .. {percent(1 - base.details['low'])}), and the next "
        f"{money(1.0, fit.curves.currency)} earns most in {plain(best.name)}: {_band(best.marginal_roas)}."
    )


_TOLD = ("convergence", "fit", "holdout", "baseline", "known money", "residuals", "collinear", "geos")


def as_text(fit: Fit) -> str:
    """The sentence, the channels in figures, then every check."""
    header = [
        "channel",
        f"spend ({fit.curves.currency})",
        "share of outcome (5-95 %)",
        "return on spend (5-95 %)",
        "of the next 1 (5-95 %)",
        f"half-life ({fit.curves.period}s)",
    ]
    lines = [
        _wrapped(headline(fit)),
        "",
        table(header, [_row(reading) for reading in fit.readings]),
        "",
        _wrapped("The next 1 is counted at the mean spend of the latest year, half-lives are medians."),
        "",
    ]
    lines += [
        _wrapped(f"{check.verdict:4} {plain(check.name)}: {plain(check.sentence)}", 5) for check in fit.health.checks
    ]
    return "\n".join(lines)


def _row(reading: ChannelReading) -> list[str]:
    low, middle, high = reading.share
    return [
        reading.name,
        number(reading.spend),
        f"{percent(middle)} ({percent(low)} .. {percent(high)})",
        _band(reading.roas),
        _band(reading.marginal_roas),
        f"{reading.half_life[1]:.1f}",
    ]


def _band(three: tuple[float, float, float]) -> str:
    low, middle, high = three
    return f"{number(middle)} ({number(low)} .. {number(high)})"


def _wrapped(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)

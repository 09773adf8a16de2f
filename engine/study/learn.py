"""From a file of history to a fit, its folder, and its summary for people."""

import platform
import textwrap
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from engine import __version__
from engine.calibrate.calibrate import DRAWS, calibrate
from engine.calibrate.fit import ChannelReading, Check, Fit, Speed
from engine.calibrate.panel import FEWEST
from engine.calibrate.priors import require_heard, structure_of
from engine.calibrate.refresh import spans_of, worth_of_rows
from engine.config.loading import load
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.data.read import read_dataset
from engine.errors import InputError
from engine.files import digest, read_bytes, whole_folder, write_csv, write_json, write_text
from engine.report.charts.document import charts_text
from engine.response.curves import Curves
from engine.response.curves_file import write_curves
from engine.study.last_fit import LastFit, read_last_fit, refresh_document, refresh_of, refresh_text
from engine.words import money, number, percent, plain, table

WIDTH = 110  # columns of running text
BY_GEO = "curves_by_geo.json"
FILES = ("health.json", "contributions.csv", "curves.json", BY_GEO, "charts.json", "manifest.json")
ORIGINS = ("data", "model", "meaning", "tests")
MEASURED_BY = ("jax", "numpy", "numpyro", "scipy")  # packages whose versions move the last digits


@dataclass(frozen=True)
class Case:
    """A history and its model, read from their files."""

    dataset: Dataset  # whose rows count less where the fit before has seen them
    model: Model
    made_from: Mapping[str, str]  # digests: of the table, the model file, what that says, and its table of tests
    before: LastFit | None


def learn(data: Path, model: Path, speed: Speed, seed: int, draws: int = DRAWS, out: Path | None = None) -> Fit:
    """The curves, contributions and health of the history in `data`, its columns named by `model`.

    Raises:
        InputError: The model file or the data are wrong or cannot be calibrated.
        UntrustworthyError: No finite density was found.
    """
    return fit_of(open_case(data, model, out), speed, seed, draws)


def open_case(data: Path, model: Path, out: Path | None = None) -> Case:
    """The history in `data`, its columns named by `model`, and the fit before it, if the model names one.

    Args:
        data: The table.
        model: The model file.
        out: Where the answer will be written, which must not be the folder of the fit before.

    Raises:
        InputError: One of the files is wrong.
    """
    meaning = load(model, Model)
    _require_families(meaning, model)
    dataset = read_dataset(data, meaning, model)
    if (count := len(dataset.starts)) < FEWEST:
        raise InputError(
            f"{data}: holds {count} {dataset.period}s, and calibration needs {FEWEST} or more; add history"
        )
    before = read_last_fit(meaning, model, dataset)
    if before:
        if out is not None and out.resolve() == before.folder.resolve():
            raise InputError(
                f"{out}: is the fit that [previous] names, which its refresh must not replace; use another --out"
            )
        dataset = replace(dataset, worth=worth_of_rows(dataset.starts, dataset.period, before.last))
    tests = meaning.experiments.file if meaning.experiments else None
    made_from = {
        "data": dataset.made_from,
        "model": digest(read_bytes(model)),
        "meaning": digest(meaning.model_dump_json(exclude={"previous"}).encode()),
        "tests": digest(read_bytes(model.parent / tests)) if tests else "",
    }
    return Case(dataset, meaning, made_from, before)


def _require_families(meaning: Model, place: Path) -> None:
    """Refuse families of curves that are not known, or that have no place for what is told."""
    try:
        require_heard(structure_of(meaning.curves.saturation, meaning.curves.adstock), meaning.channels)
    except InputError as fault:
        raise InputError(f"{place}: {fault}") from None


def fit_of(
    case: Case, speed: Speed, seed: int, draws: int, told: Mapping[str, str | int | float] = MappingProxyType({})
) -> Fit:
    """The fit of a case, `told` among its settings.

    Raises:
        InputError: The history cannot be calibrated.
        UntrustworthyError: No finite density was found.
    """
    begin = time.perf_counter()
    fit = calibrate(case.dataset, case.model, speed, seed, draws)
    seconds = round(time.perf_counter() - begin, 3)
    worth = case.dataset.worth
    fit = replace(
        fit,
        settings={**fit.settings, **told, **case.made_from, "seconds": seconds},
        counted=spans_of(fit.starts, np.ones(len(fit.starts)) if worth is None else worth),
    )
    return replace(fit, refresh=refresh_of(case.before, fit, case.made_from, versions())) if case.before else fit


def write_fit(folder: Path, fit: Fit, by_geo: bool = False) -> None:
    """Write health.json, contributions.csv, curves.json, charts.json and, last, manifest.json: all of them or none.

    With `by_geo`, curves_by_geo.json too, where the history has several geos.

    Raises:
        StorageError: The folder cannot be written or the disk is full; an older fit stays as it was.
    """
    with whole_folder(folder, FILES) as place:
        write_json(place / "health.json", health_document(fit))
        header = ["start", *(f"{name} {edge}" for name in _columns(fit) for edge in ("mean", "5%", "95%"))]
        columns = [values.tolist() for part in fit.contributions for values in (part.mean, part.low, part.high)]
        write_csv(
            place / "contributions.csv",
            header,
            [[day.isoformat(), *row] for day, row in zip(fit.starts, zip(*columns, strict=True), strict=True)],
        )
        write_curves(place / "curves.json", fit.curves)
        if by_geo and fit.by_geo:
            write_curves(place / BY_GEO, fit.by_geo)
        write_text(place / "charts.json", charts_text(fit))
        write_json(place / "manifest.json", manifest(place, fit))


def require_geos(data: Path, model: Path) -> None:
    """Refuse a history with a single geo, before time goes into its fit.

    Raises:
        InputError: There is one geo, or one of the files is wrong.
    """
    if len(open_case(data, model).dataset.geos) == 1:
        raise InputError(
            f"{data}: --by-geo needs rows by geo, and these have none; name their column by geo under [data] in "
            f"{model}, or leave --by-geo out"
        )


def _columns(fit: Fit) -> list[str]:
    """The parts of the outcome by names of their own: a channel may bear that of a part, such as events."""
    taken = {part.component for part in fit.contributions if not part.is_channel}
    return [
        f"{part.component} (channel)" if part.is_channel and part.component in taken else part.component
        for part in fit.contributions
    ]


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
        **({"refresh": refresh_document(fit.refresh)} if fit.refresh else {}),
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
    settings = dict(fit.settings)
    return {
        "schema": "peso.fit/1",
        "currency": fit.curves.currency,
        "period": fit.curves.period,
        "made_from": {name: settings.pop(name, "") for name in ORIGINS},
        "history": {
            "start": fit.starts[0].isoformat(),
            "end": fit.starts[-1].isoformat(),
            "periods": len(fit.starts),
            "outcome": float(sum(part.mean.sum() for part in fit.contributions)),
            "counted": [
                {"start": one.start.isoformat(), "end": one.end.isoformat(), "worth": one.worth} for one in fit.counted
            ],
        },
        "seconds": settings.pop("seconds", None),
        "settings": settings,
        "versions": versions(),
        "files": {name: digest(read_bytes(folder / name)) for name in FILES[:-1] if (folder / name).exists()},
    }


def versions() -> dict[str, str]:
    """Versions of all that moves the last digits of a fit."""
    return {
        "peso-engine": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in MEASURED_BY},
    }


def document(fit: Fit) -> dict[str, Any]:
    """The fit as one JSON document, without its draws and periods."""
    return {**health_document(fit), "headline": headline(fit), "settings": dict(fit.settings)}


def headline(fit: Fit) -> str:
    """What the fit can support, in one sentence."""
    checks = {check.name: check for check in fit.health.checks}
    opening = {
        "good": "Good enough to plan with"
        + ("" if checks["tested money"].figure else ", as far as history alone tells"),
        "weak": "Plan with care and small steps",
        "bad": "Not to be planned with",
    }[fit.health.trust]
    base = checks["baseline"]
    media = 1 - (base.figure or 0.0)
    doubts = [check.name for check in fit.health.checks if check.verdict != "good" and _is_told(check)]
    told = f" (doubts: {', '.join(map(plain, doubts))})" if doubts else ""
    return (
        f"{opening}{told}: the channels brought {percent(media)} of {plain(fit.curves.outcome)} "
        f"(5-95 %: {percent(1 - base.details['high'])} .. {percent(1 - base.details['low'])}), and {_next(fit)}."
    )


def _next(fit: Fit) -> str:
    """Where the next unit of money earns most."""
    one = money(1.0, fit.curves.currency)
    running = {reading.name: reading.marginal_roas for reading in fit.readings if reading.marginal_roas is not None}
    if not running:
        return f"no channel ran in the latest year, so what the next {one} earns is not told"
    best = max(running, key=lambda name: running[name][1])
    return f"the next {one} earns most in {plain(best)}: {_earned(running[best], fit.curves)}"


def _earned(band: tuple[float, float, float], curves: Curves) -> str:
    """What one unit of money brings, with its own unit."""
    return _band(band) + (f" {plain(curves.outcome)}" if curves.outcome_value is None else f" {curves.currency}")


def returned(currency: str, units: str | None) -> str:
    """The heading of outcome over spend: a ratio of money to money, else of units to money."""
    return "return on spend" if units is None else f"{plain(units)} per {currency} 1"


def _is_told(check: Check) -> bool:
    """Whether a doubt is one that decides how far the fit is trusted."""
    return check.name in _TOLD or check.name.startswith("experiment ")


_TOLD = ("convergence", "fit", "holdout", "baseline", "known money", "residuals", "collinear", "geos")


def as_text(fit: Fit) -> str:
    """The sentence, the channels in figures, then every check."""
    curves = fit.curves
    header = [
        "channel",
        f"spend ({curves.currency})",
        "share of outcome (5-95 %)",
        f"{returned(curves.currency, None if curves.outcome_value else curves.outcome)} (5-95 %)",
        f"of the next {curves.currency} 1 (5-95 %)",
        f"half-life ({curves.period}s)",
    ]
    lines = [
        _wrapped(headline(fit)),
        "",
        table(header, [_row(reading) for reading in fit.readings]),
        "",
        _wrapped(
            f"The next {curves.currency} 1 is counted at the mean spend of the latest year, which tells nothing of "
            "channels that were not running in it; half-lives are medians."
        ),
        "",
    ]
    lines += [refresh_text(fit.refresh), ""] if fit.refresh else []
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
        "not running" if reading.marginal_roas is None else _band(reading.marginal_roas),
        f"{reading.half_life[1]:.1f}",
    ]


def _band(three: tuple[float, float, float]) -> str:
    low, middle, high = three
    return f"{number(middle)} ({number(low)} .. {number(high)})"


def _wrapped(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)

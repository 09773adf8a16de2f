"""A fit as it was written to its folder, as the record again."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.calibrate.fit import ChannelReading, Check, Contribution, Fit, Health, Verdict
from engine.config.wording import worded
from engine.errors import InputError
from engine.files import digest, read_bytes, read_json
from engine.report.page.given import FitRun
from engine.response.curves import Curves
from engine.response.curves_file import read_curves

SCHEMA = "peso.fit/1"
BY_GEO = "curves_by_geo.json"
EDGES = (" mean", " 5%", " 95%")  # how the columns of a part end
AGAIN = "calibrate again"


class Told(BaseModel):
    """What is read of manifest.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    made_from: dict[str, str]
    settings: dict[str, str | int | float | None]
    versions: dict[str, str]
    files: dict[str, str]


class Doubts(BaseModel):
    """What is read of health.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    trust: Verdict
    checks: tuple[Check, ...] = Field(min_length=1)
    channels: tuple[ChannelReading, ...]


Record = TypeVar("Record", Told, Doubts)


def fit_run(folder: Path, planned: str = "") -> FitRun:
    """The fit of a folder that `peso calibrate` wrote.

    Args:
        folder: Of the fit.
        planned: Digest of the curves that a plan was made from; where those are the curves by geo, they are taken.

    Raises:
        InputError: A file is missing, damaged, or none of this run.
    """
    told = _checked(folder / "manifest.json", Told)
    for name in ("health.json", "contributions.csv", "curves.json"):
        if told.files.get(name) != digest(read_bytes(folder / name)):
            raise InputError(f"{folder / name}: is not the file that manifest.json beside it describes; {AGAIN}")
    curves, doubts = read_curves(folder / "curves.json"), _checked(folder / "health.json", Doubts)
    if [reading.name for reading in doubts.channels] != list(curves.names):
        raise InputError(f"{folder / 'health.json'}: its channels are not those of curves.json; {AGAIN}")
    starts, parts = _parts(folder / "contributions.csv", curves)
    settings = {name: value for name, value in told.settings.items() if value is not None}
    fit = Fit(curves, Health(doubts.trust, doubts.checks), parts, doubts.channels, starts, settings)
    by_geo = folder / BY_GEO
    used = read_curves(by_geo) if planned and planned != curves.made_from and by_geo.exists() else curves
    return FitRun(used if used.made_from == planned else curves, fit, told.made_from, settings, told.versions)


def _checked(path: Path, record: type[Record]) -> Record:
    try:
        return record.model_validate(read_json(path))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {place}: {worded(first)[0]}, so it is no fit of this version; {AGAIN}") from None


def _parts(path: Path, curves: Curves) -> tuple[tuple[date, ...], tuple[Contribution, ...]]:
    """First days, and what each part added; the channels stand before the last part, in the order of the curves."""
    try:
        header, *rows = csv.reader(io.StringIO(read_bytes(path).decode()))
        starts = tuple(date.fromisoformat(row[0]) for row in rows)
        values = np.array([row[1:] for row in rows], float).T.reshape(-1, len(EDGES), len(rows))
        names = [name.removesuffix(EDGES[0]) for name in header[1 :: len(EDGES)]]
    except ValueError:
        raise InputError(f"{path}: is no table of parts by period; {AGAIN}") from None
    first = len(names) - 1 - len(curves.names)  # of the channels
    if len(names) != len(values) or first < 0 or not np.isfinite(values).all() or not starts:
        raise InputError(f"{path}: does not tell of each channel of curves.json; {AGAIN}")
    components = [*names[:first], *curves.names, names[-1]]
    is_channel = [first <= place < len(names) - 1 for place in range(len(names))]
    told = zip(components, is_channel, values, strict=True)
    return starts, tuple(Contribution(name, own, *edges) for name, own, edges in told)

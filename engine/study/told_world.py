"""A simulated market as it was written to its folder: its stages, and the channels that people met."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import InputError
from engine.files import digest, read_bytes, read_json
from engine.report.world import Route, StageCount, WorldRun

SCHEMA = "peso.world/1"
ARROW = " > "  # between the channels of a path
UNMET = "organic"  # the path of those who met none
AGAIN = "simulate it again with peso simulate --out"


class Told(BaseModel):
    """What is read of manifest.json."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str
    market: str
    engine: str
    seed: int
    weeks: int
    versions: dict[str, str]
    files: dict[str, str]


def world_run(folder: Path) -> WorldRun:
    """The market of a folder that `peso simulate` wrote.

    Raises:
        InputError: A file is missing, damaged, or none of this run.
    """
    try:
        told = Told.model_validate(read_json(folder / "manifest.json"))
    except ValidationError as fault:
        place = ".".join(map(str, fault.errors(include_url=False)[0]["loc"])) or "the file"
        raise InputError(f"{folder / 'manifest.json'}: {place} is not that of a simulated market; {AGAIN}") from None
    paths = list(_rows(folder / "paths.csv", told)) if "paths.csv" in told.files else []
    try:
        return WorldRun(
            market=told.market,
            currency=told.currency,
            engine=told.engine,
            seed=told.seed,
            weeks=told.weeks,
            stages=_stages(list(_rows(folder / "funnel.csv", told))),
            routes=tuple(_route(row) for row in paths),
            versions=told.versions,
        )
    except (KeyError, ValueError):
        raise InputError(f"{folder}: funnel.csv or paths.csv has other columns than they have; {AGAIN}") from None


def _rows(path: Path, told: Told) -> Iterator[dict[str, str]]:
    """The rows of a table that the manifest describes."""
    raw = read_bytes(path)
    if told.files.get(path.name) != digest(raw):
        raise InputError(f"{path}: is not the file that manifest.json beside it describes; {AGAIN}")
    yield from csv.DictReader(io.StringIO(raw.decode()))


def _stages(rows: list[dict[str, str]]) -> tuple[StageCount, ...]:
    """People of all segments by stage, in the order of the journey."""
    periods = len({row["period"] for row in rows}) or 1
    found = []
    for name in dict.fromkeys(row["stage"] for row in rows):
        mine = [row for row in rows if row["stage"] == name]
        people, *flows = (sum(float(row[key]) for row in mine) for key in ("people", "entered", "left", "purchases"))
        found.append(StageCount(name, people / periods, *flows))
    if not found:
        raise ValueError("no stage")
    return tuple(found)


def _route(row: dict[str, str]) -> Route:
    channels = () if row["path"] == UNMET else tuple(row["path"].split(ARROW))
    return Route(channels, int(row["conversions"]), float(row["value"]), int(row["nulls"]))

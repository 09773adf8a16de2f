"""The fit before, read from its folder: what a refresh believes of it, and what differs from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.calibrate.fit import Fit, Refresh, Span
from engine.calibrate.refresh import Last, effective_draws, refreshed
from engine.config.model import Model
from engine.config.wording import worded
from engine.data.dataset import Dataset
from engine.errors import InputError
from engine.files import digest, read_bytes, read_json
from engine.words import number, percent, plain, table

SAME = 1e-9  # relative: totals that differ by less are the same figures added in another order
ASKED = {
    "speed": "another speed",
    "seed": "another seed",
    "draws": "another number of draws",
    "structure": "another structure",
}
"""Settings that move a fit, in words."""

Finite = Annotated[float, Field(ge=-1e30, le=1e30, allow_inf_nan=False)]
Worth = Annotated[float, Field(gt=0, le=1)]


class Part(BaseModel):
    """What is read of a file with more in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Record = TypeVar("Record", bound=Part)


class Counted(Part):
    """Periods in a row that counted alike."""

    start: date
    end: date
    worth: Worth


class History(Part):
    """The periods behind a fit."""

    outcome: Finite  # in all
    counted: tuple[Counted, ...] = Field(min_length=1)


class Origins(Part):
    """Digests of what a fit was made from."""

    data: str
    meaning: str
    tests: str


class Manifest(Part):
    """What is read of manifest.json."""

    schema_: Literal["peso.fit/1"] = Field(alias="schema")
    history: History
    made_from: Origins
    settings: Mapping[str, str | int | float]
    versions: Mapping[str, str]
    files: Mapping[str, str]


class Reading(Part):
    """What is read of one channel."""

    name: str
    spend: Finite
    roas: tuple[Finite, Finite, Finite]

    @model_validator(mode="after")
    def _in_order(self) -> "Reading":
        if not self.roas[0] <= self.roas[1] <= self.roas[2]:
            raise ValueError(f"roas {list(self.roas)} is not in order")
        return self


class Convergence(Part):
    """What is read of a check."""

    name: str
    details: Mapping[str, float]


class HealthFile(Part):
    """What is read of health.json."""

    schema_: Literal["peso.health/1"] = Field(alias="schema")
    currency: str
    outcome: str
    period: str
    checks: tuple[Convergence, ...]
    channels: tuple[Reading, ...]


@dataclass(frozen=True)
class LastFit:
    """The fit before and its folder."""

    folder: Path
    manifest: Manifest
    health: HealthFile
    last: Last


def read_last_fit(model: Model, model_path: Path, dataset: Dataset) -> LastFit | None:
    """The fit that a model file names as its previous one; None where it names none.

    Raises:
        InputError: It is no fit of this version, was changed, or speaks of other channels, money or periods.
        StorageError: The system would not read it.
    """
    if model.previous is None:
        return None
    folder = model_path.parent / model.previous.fit
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; name the one of an earlier fit under [previous], or leave that out")
    manifest = _read(folder / "manifest.json", Manifest)
    health = _read(folder / "health.json", HealthFile)
    if manifest.files.get("health.json") != digest(read_bytes(folder / "health.json")):
        raise InputError(f"{folder / 'health.json'}: is not the file that manifest.json describes; calibrate it again")
    _require_alike(folder, health, dataset)
    details = next((check.details for check in health.checks if check.name == "convergence"), {})
    last = Last(
        roas={channel.name: channel.roas for channel in health.channels},
        effective=effective_draws(details, _draws(folder / "manifest.json", manifest)),
        seen=tuple(Span(one.start, one.end, one.worth) for one in manifest.history.counted),
        discount=model.previous.discount,
    )
    if last.fresh(dataset.starts) == len(dataset.starts):
        raise InputError(
            f"{folder}: this fit has seen none of the {len(dataset.starts)} {dataset.period}s of the table, whose rows "
            "are what it left to believe; put its rows and the new ones into one table"
        )
    return LastFit(folder, manifest, health, last)


def _draws(place: Path, manifest: Manifest) -> int:
    """How many draws the fit before has."""
    draws = manifest.settings.get("draws")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise InputError(
            f"{place}: settings.draws is {draws!r}, and a whole number from 1 is needed, so it is no fit of this "
            "version; calibrate that history again without [previous]"
        )
    return draws


def _read(path: Path, record: type[Record]) -> Record:
    try:
        return record.model_validate(read_json(path))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(
            f"{path}: {field}: {worded(first)[0]}, so it is no fit of this version; calibrate that history again "
            "without [previous]"
        ) from None


def _require_alike(folder: Path, health: HealthFile, dataset: Dataset) -> None:
    """Refuse a fit that does not speak of the same."""
    pairs = (
        ("currency", health.currency, dataset.currency),
        ("outcome", health.outcome, dataset.outcome_name),
        ("period", health.period, dataset.period),
    )
    for what, before, now in pairs:
        if before != now:
            raise InputError(f"{folder}: its {what} is {before!r}, here it is {now!r}; leave out [previous] this once")
    before_names, names = {channel.name for channel in health.channels}, set(dataset.channels)
    if before_names != names:
        gone, new = sorted(before_names - names), sorted(names - before_names)
        told = [f"it has {', '.join(gone)} and the model has not"] if gone else []
        told += [f"the model has {', '.join(new)} and it has not"] if new else []
        raise InputError(f"{folder}: other channels ({'; '.join(told)}); leave out [previous] this once")


def refresh_of(before: LastFit, fit: Fit, made_from: Mapping[str, str], versions: Mapping[str, str]) -> Refresh:
    """What moved since the last fit, with all that is known to differ."""
    return refreshed(fit, before.last, tuple(_causes(before, fit, made_from, versions)))


def _causes(before: LastFit, fit: Fit, made_from: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[str]:
    """What is known to differ from the last fit, the rows first."""
    yield from _other_rows(before, fit, made_from["data"])
    was = before.manifest
    if was.made_from.meaning != made_from["meaning"]:
        yield "a changed model file"
    if was.made_from.tests != made_from["tests"]:
        yield "other experiments"
    yield from (what for name, what in ASKED.items() if was.settings.get(name) != fit.settings.get(name))
    other = [name for name, version in versions.items() if was.versions.get(name) != version]
    if other:
        yield f"other versions ({', '.join(other)})"


def _other_rows(before: LastFit, fit: Fit, data: str) -> Iterator[str]:
    seen, period = before.last.seen, fit.curves.period
    fresh = before.last.fresh(fit.starts)
    if fresh:
        yield f"{fresh} new {period}{'s' if fresh > 1 else ''}"
    if fit.starts[0] > seen[0].start or fit.starts[-1] < seen[-1].end:
        yield f"{period}s that it saw are no longer in the table"
    elif (not fresh and before.manifest.made_from.data != data) or _restated(before, fit):
        yield f"figures of {period}s that it saw were restated"


def _restated(before: LastFit, fit: Fit) -> bool:
    """Whether the outcome of the periods that the last fit saw adds up to something else now."""
    seen = [any(span.start <= day <= span.end for span in before.last.seen) for day in fit.starts]
    total = float(sum(part.mean[seen].sum() for part in fit.contributions))
    return abs(total - before.manifest.history.outcome) > SAME * abs(before.manifest.history.outcome)


def refresh_document(refresh: Refresh) -> dict[str, Any]:
    """The refresh as plain values for JSON."""
    return {
        "discount": refresh.discount,
        "new_periods": refresh.new_periods,
        "causes": list(refresh.causes),
        "sentence": refresh.sentence,
        "channels": [
            {
                "name": one.name,
                "roas_before": list(one.before),
                "roas_now": list(one.now),
                "change": one.change,
                "sampling_error": one.sampling_error,
                "beyond_sampling_error": one.is_beyond,
            }
            for one in refresh.changes
        ],
    }


def refresh_text(refresh: Refresh) -> str:
    """What moved since the last fit, for people."""
    header = ["since the last fit", "return before (5-95 %)", "now (5-95 %)", "change", "noise of drawing", "moved"]
    rows = [
        [
            one.name,
            _band(one.before),
            _band(one.now),
            percent(one.change / one.before[1], signed=True) if one.before[1] else number(one.change),
            f"+- {percent(one.sampling_error / one.before[1]) if one.before[1] else number(one.sampling_error)}",
            "yes" if one.is_beyond else "no",
        ]
        for one in refresh.changes
    ]
    said = plain(refresh.sentence)
    if not any(one.is_beyond for one in refresh.changes):  # else it begins with a name
        said = said[:1].upper() + said[1:]
    return f"{table(header, rows)}\n\n{said}."


def _band(three: tuple[float, float, float]) -> str:
    low, middle, high = three
    return f"{number(middle)} ({number(low)} .. {number(high)})"

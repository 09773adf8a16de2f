"""A Dataset as files: `panel.csv` and the `model.toml` that reads it back, number for number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.config.loading import parse
from engine.config.lookalike import look
from engine.config.model import Model, quoted, text_literal
from engine.data.dataset import Dataset
from engine.data.panel import NATIONAL
from engine.data.table import shown, tamed
from engine.errors import InputError
from engine.files import write_text

PANEL, MODEL = "panel.csv", "model.toml"


@dataclass(frozen=True)
class Columns:
    """The header of each part of a panel; controls, events and outcome keep their own names."""

    date: str
    geo: str | None
    population: str | None
    outcome: str
    spend: tuple[str, ...]
    driver: tuple[str | None, ...]  # none where the curve runs on spend
    controls: tuple[str, ...]
    events: tuple[str, ...]


def write_panel(folder: Path, dataset: Dataset, experiments: str | None = None) -> None:
    """Write `panel.csv` and `model.toml` into a folder; `read_dataset` gives back the same arrays exactly.

    One row per period and geo. A name that a spreadsheet would run as a formula is prefixed with an
    apostrophe in the table, which the reader takes off again; the model file holds the name itself. Spend
    that was never recorded is left blank, and the model file declares that blanks count as zero. `experiments`
    is a table of tests in the same folder, for the model file to name.

    Raises:
        InputError: Two names look alike, a name cannot be written, a number is not finite, or there is
            spend in a cell that was never recorded.
        StorageError: The folder cannot be written.
    """
    _require_finite(dataset)
    columns = _columns(dataset)
    model = _model_text(dataset, columns)
    if experiments is not None:
        model += f"\n[experiments]\nfile = {text_literal(experiments)}\n"
    parse(model, Model, str(folder / MODEL))
    lines = [",".join(_cell(tamed(name)) for name in _header(columns)), *_rows(dataset, columns)]
    write_text(folder / PANEL, "\n".join(lines) + "\n")
    write_text(folder / MODEL, model)


def _require_finite(dataset: Dataset) -> None:
    for name in ("population", "outcome", "spend", "driver", "controls", "events"):
        if not np.isfinite(getattr(dataset, name)).all():
            raise InputError(f"the data set's {name} holds a number that is not finite; it cannot be written")
    if dataset.unrecorded is not None and dataset.spend[dataset.unrecorded].any():
        raise InputError("the data set has spend in a cell that it calls never recorded; make one of the two right")


def _columns(dataset: Dataset) -> Columns:
    """A header for each column, no two of which look alike."""
    own = (dataset.outcome_name, *dataset.control_names, *dataset.event_names)
    taken: dict[str, str] = {}
    for name in (*own, *dataset.geos, *dataset.channels):
        _require_writable(name)
    for name in own:
        if look(name) in taken:
            raise InputError(f"columns {shown(taken[look(name)])} and {shown(name)} look alike; rename one of them")
        taken[look(name)] = name

    def free(name: str) -> str:
        while look(name) in taken:
            name += "_"
        taken[look(name)] = name
        return name

    same = [np.array_equal(dataset.spend[:, :, at], dataset.driver[:, :, at]) for at in range(len(dataset.channels))]
    return Columns(
        date=free("date"),
        geo=free("geo") if dataset.geos != (NATIONAL,) else None,
        population=free("population") if (dataset.population != 1).any() else None,
        outcome=dataset.outcome_name,
        spend=tuple(free(f"{name}_spend") for name in dataset.channels),
        driver=tuple(None if same[at] else free(f"{name}_driver") for at, name in enumerate(dataset.channels)),
        controls=dataset.control_names,
        events=dataset.event_names,
    )


def _require_writable(name: str) -> None:
    if not name.strip() or "\x00" in name or any(0xD800 <= ord(letter) <= 0xDFFF for letter in name):
        raise InputError(f"{shown(name)} cannot be the name of a column, a channel or a geo; use visible characters")


def _header(columns: Columns) -> list[str]:
    lead = [columns.date, columns.geo, columns.population, columns.outcome]
    pairs = [name for pair in zip(columns.spend, columns.driver, strict=True) for name in pair]
    return [name for name in (*lead, *pairs, *columns.controls, *columns.events) if name is not None]


def _rows(dataset: Dataset, columns: Columns) -> Iterator[str]:
    numbers = _numbers(dataset, columns)
    labels = [_cell(tamed(geo)) for geo in dataset.geos]
    for at, day in enumerate(dataset.starts):
        for geo, label in enumerate(labels):
            lead = [day.isoformat(), label] if columns.geo else [day.isoformat()]
            yield ",".join([*lead, *("" if np.isnan(number) else repr(number) for number in numbers[at, geo].tolist())])


def _numbers(dataset: Dataset, columns: Columns) -> Float[np.ndarray, "period geo column"]:
    """All number columns side by side, in the order of the header; NaN where a cell stays blank."""
    spend = dataset.spend if dataset.unrecorded is None else np.where(dataset.unrecorded, np.nan, dataset.spend)
    parts = [np.broadcast_to(dataset.population, dataset.outcome.shape)] if columns.population else []
    parts.append(dataset.outcome)
    for at, driver in enumerate(columns.driver):
        parts.append(spend[:, :, at])
        if driver:
            parts.append(dataset.driver[:, :, at])
    stacked = np.stack(parts, axis=2)
    return np.concatenate([stacked, dataset.controls, dataset.events], axis=2).astype(float)


def _cell(text: str) -> str:
    """A text as one CSV cell."""
    if any(letter in ',;|"\t\r\n' for letter in text) or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _model_text(dataset: Dataset, columns: Columns) -> str:
    lines = _data_lines(dataset, columns)
    for name, kind, spend, driver in zip(dataset.channels, dataset.kinds, columns.spend, columns.driver, strict=True):
        lines += ["", f"[channels.{quoted(name)}]", f'kind = "{kind}"', f"spend = {text_literal(spend)}"]
        if driver:
            lines.append(f"exposure = {text_literal(driver)}")
    if columns.controls:
        lines += ["", "[controls]", f"columns = {_list(columns.controls)}"]
    if columns.events:
        lines += ["", "[events]", f"columns = {_list(columns.events)}"]
    return "\n".join(lines) + "\n"


def _data_lines(dataset: Dataset, columns: Columns) -> list[str]:
    """The table [data] of the model file."""
    lines = ["[data]", f"date = {text_literal(columns.date)}"]
    lines.append(f"{'outcome' if dataset.is_money else 'kpi'} = {text_literal(columns.outcome)}")
    if columns.geo:
        lines.append(f"geo = {text_literal(columns.geo)}")
    if columns.population:
        lines.append(f"population = {text_literal(columns.population)}")
    lines += [
        f"currency = {text_literal(dataset.currency)}",
        f'period = "{dataset.period}"',
        f"latest = {dataset.starts[-1].isoformat()}",
        'delimiter = ","',
    ]
    if dataset.unrecorded is not None and dataset.unrecorded.any():
        lines.append('blank = "zero"')
    if dataset.period not in ("day", "week") and all((day + timedelta(days=1)).day == 1 for day in dataset.starts):
        lines.append('date_marks = "start"')
    return lines


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(text_literal(name) for name in names) + "]"

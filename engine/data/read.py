"""A customer's file into a Dataset: what is declared is used, what is wrong is refused with its place."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.config.model import Data, Model
from engine.data.aggregate import aggregated
from engine.data.belief_checks import require_possible
from engine.data.dataset import ControlRole, Dataset
from engine.data.experiments import lift_tests
from engine.data.opening import open_table
from engine.data.panel import Panel, panel
from engine.data.table import Header, Table, refuse, shown, untamed
from engine.data.timeline import timeline
from engine.data.values import Values, control_arrays, event_arrays, money_arrays, outcome_array, population_array
from engine.errors import InputError
from engine.files import digest, read_bytes

ROLES: Mapping[str, ControlRole] = {"columns": "other", "price": "price", "promotion": "promotion"}
LARGEST = 128_000_000  # bytes of one table: as text in memory it takes ten times as much


def read_dataset(path: Path, model: Model, model_path: Path, today: date | None = None) -> Dataset:
    """The history in a CSV, TSV, XLSX or Parquet file, as its model file describes it, with its experiments.

    Rows may stand in any order. Nothing is repaired unless the model file declares it, and what was
    repaired is told in `notes`.

    Args:
        path: The table.
        model: What its columns mean.
        model_path: Where the model was read from, for messages.
        today: The last day that history may reach; the day of the call if absent.

    Raises:
        InputError: With file, line, column, what is wrong and what to do; up to ten faults at once.
        StorageError: The system would not read the file.
    """
    data = model.data
    raw = read_bytes(path, LARGEST)
    table = _table(raw, path, model, model_path)
    table = _chosen(table, data)
    layers = _layers(table, model)
    if layers:
        table = _without_ignored(table, data)
    when = timeline(table, data, today or date.today())
    found = panel(table, when, data, layers)
    dataset = _assembled(found, model, digest(raw))
    if data.aggregate:
        dataset = aggregated(dataset, data.aggregate, str(path))
    _require_activity(dataset, str(path))
    require_possible(dataset, model, str(model_path))
    return replace(dataset, lift_tests=lift_tests(dataset, model, model_path))


def _table(raw: bytes, path: Path, model: Model, model_path: Path) -> Table:
    """The columns of the file, read by what its name says it is."""
    wanted = {column: f"{field} ({model_path.name})" for field, column in model.roles()}
    for column in model.data.where:
        wanted.setdefault(column, f"data.where ({model_path.name})")
    header = Header(wanted, model.data.ignore, model.data.unnamed == "drop")
    return open_table(raw, path, model.data, header)


def _chosen(table: Table, data: Data) -> Table:
    """The rows that `where` keeps."""
    for column, wanted in data.where.items():
        texts = table.columns[column]
        keep = [text == wanted for text in texts]
        if not any(keep):
            common = ", ".join(shown(text) for text, _ in Counter(texts).most_common(8))
            raise InputError(
                f"{table.place}: no row has {shown(wanted)} in column {shown(column)}, as data.where asks; "
                f"it holds {common}; correct where"
            )
        table = table.only(keep)
    return table


def _layers(table: Table, model: Model) -> tuple[str, ...]:
    """The channel texts of a long table, in the order of the model file; none for a wide one."""
    long = model.data.long
    if not long:
        return ()
    texts = [channel.spend or channel.exposure or "" for channel in model.channels.values()]
    present = {untamed(text) for text in table.columns[long.channel]}
    for name, text in zip(model.channels, texts, strict=True):
        if text not in present:
            listed = ", ".join(shown(other) for other in sorted(present)[:12])
            raise InputError(
                f"{table.place}, column {shown(long.channel)}: no rows for channel {shown(name)} (written "
                f"{shown(text)} in the model file); the column holds {listed}; correct the name"
            )
    if len(set(texts)) < len(texts):
        twice = Counter(texts).most_common(1)[0][0]
        raise InputError(f"{table.place}: two channels of the model file take the rows of {shown(twice)}; keep one")
    unknown = sorted(present - set(texts) - set(model.data.ignore))
    if unknown:
        raise InputError(
            f"{table.place}, column {shown(long.channel)}: channel {shown(unknown[0])} is not in the model file; "
            f"add it there, or leave it out with ignore = [{shown(unknown[0])}] under [data]"
        )
    return tuple(texts)


def _without_ignored(table: Table, data: Data) -> Table:
    if not data.long:
        return table
    texts = table.columns[data.long.channel]
    return table.only([untamed(text) not in data.ignore for text in texts])


def _assembled(found: Panel, model: Model, made_from: str) -> Dataset:
    data = model.data
    values = Values(found, model, {}, [])
    outcome, name, is_money = outcome_array(values)
    money = money_arrays(values)
    event_names, events = event_arrays(values)
    population, drift = population_array(values)
    controls = control_arrays(values)
    if values.faults:
        refuse(values.faults)
    return Dataset(
        period=found.timeline.period,
        starts=found.timeline.starts,
        geos=found.geos,
        population=population,
        currency=data.currency,
        outcome_name=name,
        outcome=outcome,
        is_money=is_money,
        channels=tuple(model.channels),
        kinds=tuple(channel.kind for channel in model.channels.values()),
        spend=money.spend,
        driver=money.driver,
        control_names=tuple(column for _, column in model.controls.roles()),
        controls=controls,
        event_names=event_names,
        events=events,
        made_from=made_from,
        notes=(*_notes(values), *drift, *money.notes),
        control_roles=tuple(ROLES[field] for field, _ in model.controls.roles()),
    )


def _notes(values: Values) -> tuple[str, ...]:
    filled = {column: count for column, count in values.blanks.items() if count}
    told = []
    if filled:
        listed = ", ".join(shown(name) for name in list(filled)[:5]) + (", ..." if len(filled) > 5 else "")
        told.append(f"{sum(filled.values()):,} blank cells count as zero, as declared ({listed})")
    if values.model.data.where:
        kept = ", ".join(f"{column} = {text}" for column, text in values.model.data.where.items())
        told.append(f"only the {len(values.panel.table.lines):,} rows with {kept} were kept, as declared")
    return tuple(told)


def _require_activity(dataset: Dataset, place: str) -> None:
    """Refuse a history that cannot say anything about a channel or has no outcome at all."""
    totals: Float[np.ndarray, " channel"] = dataset.spend.sum(axis=(0, 1))
    for name, total, moved in zip(dataset.channels, totals, dataset.driver.sum(axis=(0, 1)), strict=True):
        if total == 0 or moved == 0:
            what = "spend" if total == 0 else "exposure"
            raise InputError(
                f"{place}: channel {shown(name)} has zero {what} in every row, so nothing can be learned about it; "
                f"remove [channels.{name}] from the model file, or correct the column"
            )
    if not dataset.outcome.any():
        raise InputError(
            f"{place}: the outcome {shown(dataset.outcome_name)} is zero in every row; name another column as outcome"
        )

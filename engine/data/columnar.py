"""Parquet into a Table, and columns into Parquet; needs the optional package polars, which only this module loads."""

import importlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from engine.data.table import MOST_CELLS, Header, Table, named_columns, plain_text, shown
from engine.errors import InputError
from engine.files import write_bytes


class Coded(NamedTuple):
    """A column of texts that repeat: each cell's place in a list of names, or -1 where it is blank."""

    codes: Int[np.ndarray, " row"]
    names: tuple[str, ...]


def require_parquet() -> None:
    """Refuse to write Parquet where the optional package is missing; to be called before long work.

    Raises:
        InputError: It is missing; says how to install it.
    """
    _load("writing Parquet", ", or leave it out (--touches 0)")


def write_parquet(
    path: Path, columns: Mapping[str, Shaped[np.ndarray, " _row"] | Coded], notes: Mapping[str, str]
) -> None:
    """Write columns of equal length as one Parquet file, whole or not at all.

    Args:
        notes: What stands in the file beside the table, such as its schema and currency.

    Raises:
        InputError: The optional package is missing.
        StorageError: The folder cannot be written or the disk is full; an older file stays as it was.
    """
    polars = _load("writing Parquet", ", or leave it out (--touches 0)")
    content = io.BytesIO()
    series = [_series(polars, name, column) for name, column in columns.items()]
    polars.DataFrame(series).write_parquet(content, metadata=dict(notes))
    write_bytes(path, content.getvalue())


def _series(polars: Any, name: str, column: Shaped[np.ndarray, " _row"] | Coded) -> Any:
    """A column as polars holds it; texts that repeat as a closed list of categories."""
    if not isinstance(column, Coded):
        return polars.Series(name, column)
    places = polars.Series(column.codes.astype(np.int32))
    return polars.Series(name, column.names, dtype=polars.Enum(column.names)).gather(places.set(places < 0, None))


def _load(doing: str, otherwise: str) -> Any:
    """The optional package, or what doing something without it needs."""
    try:
        return importlib.import_module("polars")
    except ImportError:
        raise InputError(
            f"{doing} needs an optional package; install it in the folder of PESO's source with "
            f"pip install -c constraints.txt '.[parquet]'{otherwise}"
        ) from None


def read_parquet(raw: bytes, path: Path, header: Header) -> Table:
    """The named columns of a Parquet file, as text; rows count from 1.

    Raises:
        InputError: The optional package is missing, the file is damaged, or a column is no plain column.
    """
    place = str(path)
    polars = _load(f"{place}: reading Parquet", ", or export the table as CSV")
    try:
        names = list(polars.read_parquet_schema(io.BytesIO(raw)))
        kept = named_columns(place, names, header, lambda _: False)
        wanted = {name: names[at] for name, at in kept.items() if name in header.wanted}
        frame = polars.read_parquet(io.BytesIO(raw), columns=list(wanted.values()))
    except (polars.exceptions.PolarsError, OSError) as fault:
        first = str(fault).splitlines()[0][:100] if str(fault) else type(fault).__name__
        raise InputError(f"{place}: not a Parquet file that can be read ({first}); write it again") from None
    if frame.height == 0:
        raise InputError(f"{place}: no rows; export the table again")
    if frame.height * frame.width > MOST_CELLS:
        raise InputError(
            f"{place}: {frame.height} rows of {frame.width} cells are too many; add them up to weeks first"
        )
    columns = {name: _texts(place, name, frame.get_column(stored)) for name, stored in wanted.items()}
    return Table(place, "row", range(1, frame.height + 1), columns, typed=True)


def _texts(place: str, name: str, column: Any) -> list[str]:
    if column.dtype.is_nested() or str(column.dtype) in ("Binary", "Object"):
        raise InputError(
            f"{place}: column {shown(name)} holds {column.dtype}, not numbers, dates or texts; "
            f"write it as plain columns, or name it under [data] in ignore = [...]"
        )
    return [plain_text(value) for value in column.to_list()]

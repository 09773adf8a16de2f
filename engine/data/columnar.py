"""Parquet into a Table; needs the optional package polars, which only this module loads."""

import importlib
import io
from pathlib import Path
from typing import Any

from engine.data.table import MOST_CELLS, Header, Table, named_columns, plain_text, shown
from engine.errors import InputError


def read_parquet(raw: bytes, path: Path, header: Header) -> Table:
    """The named columns of a Parquet file, as text; rows count from 1.

    Raises:
        InputError: The optional package is missing, the file is damaged, or a column is no plain column.
    """
    place = str(path)
    try:
        polars: Any = importlib.import_module("polars")
    except ImportError:
        raise InputError(
            f"{place}: reading Parquet needs an optional package; install it with "
            "pip install 'peso-engine[parquet]', or export the table as CSV"
        ) from None
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

"""A file into a Table, by what its name says it is."""

from pathlib import Path

from engine.config.model import Data
from engine.data.columnar import read_parquet
from engine.data.delimited import read_delimited
from engine.data.table import Header, Table
from engine.data.workbook import read_workbook

_WORKBOOKS = (".xlsx", ".xlsm")
_PARQUETS = (".parquet", ".pq")


def open_table(raw: bytes, path: Path, data: Data, header: Header) -> Table:
    """The named columns of a workbook, a Parquet file or delimited text.

    Raises:
        InputError: The file is no table, or its header is wrong.
    """
    suffix = path.suffix.casefold()
    if suffix in _WORKBOOKS and raw:
        return read_workbook(raw, path, data, header)
    if suffix in _PARQUETS and raw:
        return read_parquet(raw, path, header)
    return read_delimited(raw, path, data, header)

"""Columns written as Parquet: what comes back, what stands beside the table, and what is refused."""

import importlib
import os

import numpy as np
import polars
import pytest

from engine.data.columnar import Coded, require_parquet, write_parquet
from engine.errors import InputError, StorageError

COLUMNS = {
    "person": np.array([7, 7, 2**33], np.int64),
    "time": np.array(["2024-01-01T00:00:00.000001", "2024-02-29T12:00:00", "2031-12-31T23:59:59"], "datetime64[us]"),
    "cost": np.array([0.1, 0.0, 1e-9]),
    "converted": np.array([True, False, True]),
    "channel": Coded(np.array([1, -1, 0], np.int8), ("tv", "=search > é")),
}


def test_columns_come_back_as_they_were_with_their_notes(tmp_path):
    path = tmp_path / "made" / "log.parquet"
    write_parquet(path, COLUMNS, {"schema": "peso.touches/1", "currency": "EUR"})
    found = polars.read_parquet(path)
    assert found.columns == list(COLUMNS)
    for name in ("person", "time", "cost", "converted"):
        assert found[name].to_numpy().dtype == COLUMNS[name].dtype
        assert (found[name].to_numpy() == COLUMNS[name]).all()
    assert found["channel"].to_list() == ["=search > é", None, "tv"]
    assert found["channel"].dtype == polars.Enum(["tv", "=search > é"])
    notes = polars.read_parquet_metadata(path)
    assert (notes["schema"], notes["currency"]) == ("peso.touches/1", "EUR")
    assert os.listdir(path.parent) == ["log.parquet"]


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    none = {
        name: Coded(column.codes[:0], column.names) if isinstance(column, Coded) else column[:0]
        for name, column in COLUMNS.items()
    }
    write_parquet(tmp_path / "log.parquet", none, {})
    found = polars.read_parquet(tmp_path / "log.parquet")
    assert found.shape == (0, 5) and found["time"].dtype == polars.Datetime("us")


def test_a_file_that_cannot_be_written_leaves_the_older_one(tmp_path):
    folder = tmp_path / "log.parquet"
    folder.mkdir()
    with pytest.raises(StorageError, match=r"log\.parquet: could not be written"):
        write_parquet(folder, COLUMNS, {})
    assert os.listdir(tmp_path) == ["log.parquet"]


def test_without_the_optional_package_writing_is_refused_at_once(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    for refused in (require_parquet, lambda: write_parquet(tmp_path / "log.parquet", COLUMNS, {})):
        with pytest.raises(
            InputError, match=r"^writing Parquet needs .* pip install -c constraints.txt '\.\[parquet\]', or leave"
        ):
            refused()
    assert not os.listdir(tmp_path)


def test_with_the_optional_package_nothing_is_refused():
    assert require_parquet() is None

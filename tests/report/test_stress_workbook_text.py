"""Text of others in the workbook of a stress test: it stays text, whatever it looks like."""

import re
import zipfile
from dataclasses import replace

import pytest

from engine.report.stress_layout import layout
from engine.stress.readout import Bar
from tests.report.stressed import answer, full, written

HOSTILE = (
    '=HYPERLINK("http://x")',
    "{=1+1}",
    "+1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "http://example.org/x",
    "tv*",
    "007",
    "1e5",
    "TRUE",
    "#N/A",
    "a\x07b\x00c\ud800",
    "_x0041_",
    "<b>&amp;</b>",
    "x" * 40_000,
    "&P &A",
    "two\nlines",
)


def hostile(text):
    """An answer that has one text wherever a text of others can stand."""
    names = {"scenario": text, "currency": text[:50], "unit": text[:50], "measure": text, "span": text, "aim": text}
    told = full(text, names=(text, "other"), **names)
    bars = (told.planned.mean, -2_000.0, -100.0, 560.0, told.planned.mean - 10)
    return replace(
        told, bridge=tuple(Bar(text, bar, bar) for bar in bars), warnings=(text,), made_from=text, asked=text, hash=text
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """What is written of a name that nobody obeys."""
    return written(tmp_path_factory.mktemp("clean"), hostile("Anna"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_a_formula_a_number_or_a_link(tmp_path, clean, text):
    book = written(tmp_path, hostile(text))
    assert [(sheet, place) for sheet, place, _ in book.formulas()] == [
        (sheet, place) for sheet, place, _ in clean.formulas()
    ]
    kinds = [{cell.coordinate: cell.data_type for row in page.iter_rows() for cell in row} for page in book.written]
    assert kinds == [
        {cell.coordinate: cell.data_type for row in page.iter_rows() for cell in row} for page in clean.written
    ]
    with zipfile.ZipFile(tmp_path / "stress.xlsx") as archive:
        content = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not any(re.search("<(hyperlink|f>HYPERLINK)", part) for part in content.values())
    assert not any("externalLink" in name for name in content)
    assert book.value("Checks", "B3") is True


def test_text_that_a_spreadsheet_would_obey_when_typed_again_is_marked_as_text(tmp_path):
    book = written(tmp_path, hostile("=1+1"))
    marked = [cell for page in book.written for row in page.iter_rows() for cell in row if str(cell.value)[:1] == "="]
    texts = [cell for cell in marked if cell.data_type == "s"]
    assert texts
    assert all(cell.quotePrefix for cell in texts)


def test_names_that_look_like_patterns_or_each_other_are_told_apart(tmp_path):
    told = answer(("tv*", "tv?", "TV*", "tv~*", "x" * 300, "x" * 300))
    book, at = written(tmp_path, told), layout(told)
    assert len({name.casefold() for name in at.cases}) == 6
    for number, name in enumerate(at.cases, 1):
        book.change("Summary", "B5", name)
        assert book.value("Summary", "C5") == number
        assert len(name) < 70

"""Numbers and tables as people read them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.words import folded, money, number, percent, plain, table

UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}


@given(st.floats(-1e14, 1e14))
def test_a_number_reads_back_within_half_a_percent(amount):
    digits, unit = re.fullmatch(r"(-?[\d,.e+-]+)(?: (k|m|bn|tn))?", number(amount)).groups()
    assert float(digits.replace(",", "")) * UNITS[unit or ""] == pytest.approx(amount, rel=0.0051, abs=1e-12)


@given(st.floats(1.0, 1e14))
def test_a_negative_number_reads_as_the_positive_one_with_a_sign(amount):
    assert number(-amount) == "-" + number(amount)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (999.4, "999"),
        (999.96, "1,000"),
        (9_999.9, "10.0 k"),
        (999_960.0, "1.00 m"),
        (999_960_000.0, "1.00 bn"),
        (0.005, "0.005"),
        (-0.0, "0"),
        (float("nan"), "unknown"),
        (float("inf"), "unknown"),
    ],
)
def test_numbers_round_over_their_borders(amount, text):
    assert number(amount) == text


def test_money_names_its_currency_and_percent_its_sign():
    assert money(65_000.0, "EUR") == "EUR 65.0 k"
    assert money(1.0, "") == "1"
    assert percent(-0.0004, signed=True) == "0.0 %"
    assert percent(0.0316, signed=True) == "+3.2 %"


@given(st.text())
def test_plain_text_holds_nothing_that_a_terminal_obeys(text):
    assert all(letter.isprintable() for letter in plain(text))
    if text.isprintable():
        assert plain(text) == text


@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=5))
def test_a_table_has_one_line_per_row_and_straight_columns(rows):
    lines = table(["a", "b", "c"], rows).split("\n")
    assert len(lines) == 1 + len(rows)
    assert all(line == line.rstrip() for line in lines)


def test_names_stand_left_and_numbers_right():
    assert table(["channel", "spend"], [["tv", "1,200"], ["search", "3"]]).split("\n") == [
        "channel  spend",
        "tv       1,200",
        "search       3",
    ]


@given(
    st.lists(st.lists(st.integers(0, 10**9).map(str), min_size=5, max_size=5), min_size=1, max_size=4),
    st.integers(24, 70),
)
def test_a_folded_table_keeps_every_cell_within_its_width(rows, width):
    header = ["channel", "2027-01-04", "2027-02-01", "2027-03-01", "2027-04-05"]
    blocks = [block.split("\n") for block in folded(header, rows, width).split("\n\n")]
    assert all(len(line) <= width for block in blocks for line in block)
    for at, row in enumerate([header, *rows]):
        cells = [block[at].split() for block in blocks]
        assert all(own[0] == row[0] for own in cells)
        assert [cell for own in cells for cell in own[1:]] == row[1:]
    counts = [len(block[0].split()) - 1 for block in blocks]
    assert len(set(counts[:-1])) <= 1
    assert counts[-1] <= counts[0]

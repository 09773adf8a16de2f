"""The grammar of numbers: quick and slow reading agree, and every spelling has its reason."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.cells import Style, numbers, why_not
from engine.data.table import Table

SPELLINGS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers().map(str),
    st.text(st.sampled_from("0123456789.,-+eE '$%() \u00a0_x"), max_size=8),
    st.sampled_from(["1_000", "0x1", "TRUE", "nan", "inf", "1e400", "", " 1 ", "１"]),
)


def cast(texts, **style):
    table = Table("data.csv", "line", range(2, len(texts) + 2), {"tv": texts}, typed=False)
    return numbers(table, "tv", Style(**style))


@given(st.lists(SPELLINGS, min_size=1, max_size=5))
def test_a_cell_reads_the_same_alone_and_in_any_company(texts):
    _, _, faults = cast(texts)
    alone = [bool(cast([text])[2]) for text in texts]
    assert len(faults) == min(sum(alone), 3) + (sum(alone) > 3)
    if not faults:
        assert cast(texts)[0].tolist() == [float(text) for text in texts]


@given(st.text(max_size=12))
def test_what_is_read_as_a_number_is_plainly_written(text):
    if not cast([text])[2]:
        assert re.fullmatch(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*", text)


@given(st.floats(-1e17, 1e17).map(lambda value: round(value, 2)))
def test_thousands_and_decimals_in_every_declared_way_give_the_number(value):
    plain = f"{value:,.2f}"
    for group, point, style in ((",", ".", {}), (".", ",", {}), ("'", ".", {}), (" ", ",", {})):
        written = plain.replace(",", "#").replace(".", point).replace("#", group)
        found, _, faults = cast([written], thousands=group, decimal=point, **style)
        assert not faults and found[0] == float(plain.replace(",", ""))


@given(st.lists(st.sampled_from(["1", "", "-", "2.5", "x"]), min_size=1, max_size=30))
def test_blanks_are_counted_only_where_they_count(texts):
    values, blanks, faults = cast(texts, blank="zero", missing=("-",))
    assert blanks == texts.count("") + texts.count("-")
    assert bool(faults) == ("x" in texts)
    assert values.sum() == pytest.approx(texts.count("1") + 2.5 * texts.count("2.5"))
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "blank"),
        ("null", "missing"),
        ("∞", "infinite"),
        ("yes", "true or false"),
        ("12%", "percent"),
        ("€ 5", 'currency_sign = "€"'),
        ("5 EUR", 'currency_sign = "EUR"'),
        ("(1,234.00)", "accounting"),
        ("1\u202f234", "no-break"),
        ("1,234,567", 'thousands = ","'),
        ("1.234.567,8", 'thousands = "." and decimal = ","'),
        ("1'234.5", 'thousands = "\'"'),
        ("1 234,5", 'thousands = " " and decimal = ","'),
        ("1,5", 'decimal = ","'),
        ("1,2.3,4", "mixes separators"),
        ("12 apples", "not a number"),
    ],
)
def test_each_odd_spelling_is_named_with_its_remedy(text, said):
    assert said in why_not(text, Style())


def test_bounds_are_kept():
    assert "negative" in cast(["-1"], may_be_negative=False)[2][0]
    assert "zero" in cast(["0.0"], may_be_zero=False)[2][0]
    assert "too large" in cast(["1e19"])[2][0]
    assert not cast(["-1", "0", "1e18"])[2]

"""What a table means: kinds of columns, shapes, files, sums."""

import csv
import importlib
import io
from datetime import date

import numpy as np
import openpyxl
import polars
import pytest

from engine.errors import InputError

EXPOSED = '[channels.tv]\nkind = "paid"\nspend = "tv"\nexposure = "seen"\n'
OWNED = '[channels.mail]\nkind = "owned"\nexposure = "mails"\ncost_per_exposure = 0.25\n'
LONG = (
    '[data.long]\nchannel = "channel"\nspend = "money"\nexposure = "seen"\n[channels.tv]\nkind = "paid"\nspend = "TV"\n'
)
LONG += 'exposure = "TV"\n[channels.pr]\nkind = "earned"\nspend = "PR"\n'


def with_columns(tables, **columns):
    """The good table and more columns, each a function of the row's number."""
    header = ",".join(["date,tv,pr,sales", *columns])
    rows = [[*row, *(str(column(at)) for column in columns.values())] for at, row in enumerate(tables.rows)]
    return tables.table(rows, header)


def test_exposure_drives_the_curve_at_the_price_of_a_short_history(tmp_path, tables):
    content = with_columns(tables, seen=lambda at: 1000 + 37 * at % 211, mails=lambda at: 40 * at)
    found = tables.read(tmp_path, content, rest=EXPOSED + OWNED)
    seen = np.array([1000 + 37 * at % 211 for at in range(12)], dtype=float)
    spend = np.array([float(row[1]) for row in tables.rows])
    np.testing.assert_allclose(found.driver[:, 0, 0], seen * spend.sum() / seen.sum(), rtol=1e-14)
    assert found.driver[:, 0, 0].sum() == pytest.approx(found.spend[:, 0, 0].sum(), rel=1e-14)
    assert found.spend[:, 0, 1].tolist() == found.driver[:, 0, 1].tolist() == [10.0 * at for at in range(12)]


@pytest.mark.parametrize(
    ("value", "factor", "name", "is_money"),
    [
        ("", 1.0, "sales", False),
        ('value_per_kpi = "price"', 2.0, "sales x price", True),
        ("value_per_kpi = 3", 3.0, "sales x 3", True),
    ],
)
def test_an_outcome_in_units_is_valued_by_column_or_number(tmp_path, tables, value, factor, name, is_money):
    found = tables.read(tmp_path, with_columns(tables, price=lambda at: 2), f'kpi = "sales"\n{value}')
    assert (found.outcome_name, found.is_money) == (name, is_money)
    assert found.outcome[:, 0].tolist() == [factor * float(row[3]) for row in tables.rows]


def test_rows_of_regions_land_in_their_place_whatever_their_order(tmp_path, tables):
    lines = tables.regional().splitlines()
    ordered = tables.read(tmp_path, "\n".join(lines), 'geo = "region"')
    shuffled = [lines[0], lines[1], *sorted(lines[2:], key=lambda line: line[::-1])]
    mixed = tables.read(tmp_path, "\n".join(shuffled), 'geo = "region"')
    assert ordered.geos == mixed.geos == ("north", "south") and ordered.outcome.shape == (12, 2)
    assert (ordered.spend == mixed.spend).all() and (ordered.outcome == mixed.outcome).all()


def test_population_is_per_region_and_its_mean_where_it_changes(tmp_path, tables):
    rows = [
        [name, str(people + drift * at), *cells]
        for name, people, drift in (("n", 10, 0), ("s", 20, 1))
        for at, cells in enumerate(tables.rows)
    ]
    found = tables.read(
        tmp_path, tables.table(rows, "region,people,date,tv,pr,sales"), 'geo = "region"\npopulation = "people"'
    )
    assert found.population.tolist() == [10.0, 25.5]
    assert any("'s' changes" in note for note in found.notes)
    with pytest.raises(InputError, match=r"line 2.*zero"):
        rows[0][1] = "0"
        tables.read(
            tmp_path, tables.table(rows, "region,people,date,tv,pr,sales"), 'geo = "region"\npopulation = "people"'
        )


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["na", "na", "fair", "na", "sale", "na", "fair"], ("fair", "sale")),
        (["", "", "fair", "", "sale", "N/A", "fair"], ("fair", "sale")),
        (["plain", "plain", "fair", "plain", "sale", "plain", "fair"], ("fair", "sale")),
        (["sale", "sale", "fair", "sale", "sale", "none", "fair"], ("sale", "fair")),
    ],
)
def test_named_events_are_all_but_the_usual_label(tmp_path, tables, labels, names):
    padded = [*labels, *[labels[0]] * 5]
    found = tables.read(
        tmp_path, with_columns(tables, day=lambda at: padded[at]), rest=tables.channels + '[events]\ncolumn = "day"'
    )
    assert found.event_names == names
    for at, name in enumerate(names):
        assert found.events[:, 0, at].tolist() == [float(label == name) for label in padded]


def test_flags_lie_between_zero_and_one(tmp_path, tables):
    flagged = tables.channels + '[events]\ncolumns = ["fair", "snow"]'
    content = with_columns(tables, fair=lambda at: at % 2, snow=lambda at: at == 3)
    found = tables.read(tmp_path, content, rest=flagged)
    assert found.events[:, 0, 0].tolist() == [0.0, 1.0] * 6 and found.events[:, 0, 1].sum() == 1
    with pytest.raises(InputError, match=r"'fair'.*controls"):
        tables.read(tmp_path, with_columns(tables, fair=lambda at: at, snow=lambda at: 0), rest=flagged)


def test_controls_may_be_negative_but_not_blank(tmp_path, tables):
    controlled = tables.channels + '[controls]\ncolumns = ["mood"]'
    found = tables.read(tmp_path, with_columns(tables, mood=lambda at: at - 6.5), rest=controlled)
    assert found.control_names == ("mood",) and found.controls[0, 0, 0] == -6.5
    with pytest.raises(InputError, match=r"line 4, column 'mood'"):
        tables.read(tmp_path, with_columns(tables, mood=lambda at: "" if at == 2 else 1), rest=controlled)


# --- long tables -----------------------------------------------------------------------------------


def long_table(tables, leave_out=(), **changed):
    """One row per week and channel; `changed` is text for row_<number>_<column>."""
    rows = [
        [cells[0], name, cells[column], str(100 + at), cells[3]]
        for at, cells in enumerate(tables.rows)
        for column, name in ((1, "TV"), (2, "PR"))
    ]
    for place, text in changed.items():
        _, row, column = place.split("_")
        rows[int(row)][int(column)] = text
    return tables.table([row for at, row in enumerate(rows) if at not in leave_out], "date,channel,money,seen,sales")


def test_a_long_table_says_the_same_as_a_wide_one(tmp_path, tables):
    wide, long = tables.read(tmp_path, tables.table()), tables.read(tmp_path, long_table(tables), rest=LONG)
    assert (wide.spend == long.spend).all() and (wide.outcome == long.outcome).all()
    assert long.driver[:, 0, 0].sum() == pytest.approx(long.spend[:, 0, 0].sum())
    assert (
        not (long.driver[:, 0, 0] == long.spend[:, 0, 0]).all() and (long.driver[:, 0, 1] == long.spend[:, 0, 1]).all()
    )


@pytest.mark.parametrize(
    ("changes", "declared", "said"),
    [
        ({"leave_out": (4,)}, "", "'TV' has no row for 2024-01-15"),
        ({"row_5_4": "7"}, "", "line 7, column 'sales': 7 here but 1026 on line 6"),
        ({"row_5_1": "Radio"}, "", "'Radio' is not in the model file"),
        ({"row_5_1": "TV"}, "", "duplicate"),
        ({"row_5_2": "x"}, "", "line 7, column 'money'"),
        ({"leave_out": range(0, 24, 2)}, "", "no rows for channel 'tv'"),
    ],
)
def test_a_long_table_is_refused_with_its_place(tmp_path, tables, changes, declared, said):
    with pytest.raises(InputError, match=said):
        tables.read(tmp_path, long_table(tables, **changes), declared, rest=LONG)


def test_a_row_that_a_long_table_leaves_out_is_zero_only_if_declared(tmp_path, tables):
    found = tables.read(tmp_path, long_table(tables, leave_out=(4,)), 'blank = "zero"', rest=LONG)
    assert found.spend[2, 0, 0] == 0 and found.spend[2, 0, 1] > 0


def test_channels_to_ignore_are_left_out_of_a_long_table(tmp_path, tables):
    content = long_table(tables) + "2024-01-01,radio,5,5,1000\n"
    assert tables.read(tmp_path, content, 'ignore = ["radio"]', rest=LONG).channels == ("tv", "pr")


# --- workbooks and Parquet ----------------------------------------------------------------------------


def workbook(tables, change=None):
    """The good table as a workbook, after `change(book, sheet)`."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["date", "tv", "pr", "sales"])
    for day, row in zip(tables.weeks, tables.rows, strict=True):
        sheet.append([day, *map(float, row[1:])])
    if change:
        change(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def put(cell, value):
    return lambda book, sheet: sheet.__setitem__(cell, value)


def test_a_workbook_says_the_same_as_the_text_table(tmp_path, tables):
    text, book = tables.read(tmp_path, tables.table()), tables.read(tmp_path, workbook(tables), name="data.xlsx")
    assert book.starts == text.starts and (book.spend == text.spend).all() and (book.outcome == text.outcome).all()


def test_one_of_several_sheets_is_named(tmp_path, tables):
    two = workbook(tables, lambda book, sheet: book.create_sheet("notes"))
    with pytest.raises(InputError, match=r"2 sheets.*'notes'"):
        tables.read(tmp_path, two, name="data.xlsx")
    assert tables.read(tmp_path, two, 'sheet = "Sheet"', name="data.xlsx").channels == ("tv", "pr")
    with pytest.raises(InputError, match=r"no sheet 'Tabelle'"):
        tables.read(tmp_path, two, 'sheet = "Tabelle"', name="data.xlsx")


@pytest.mark.parametrize(
    ("cell", "value", "said"),
    [
        ("B6", "1,234", "row 6, column 'tv': '1,234' is stored as text"),
        ("B6", True, "row 6, column 'tv': 'TRUE'"),
        ("B6", None, "row 6, column 'tv': the cell is blank"),
        ("B6", "=1+1", "row 6, column 'tv': the cell is blank"),
        ("B6", "#DIV/0!", "row 6, column 'tv'.*missing"),
        ("A14", "Total", "row 14, column 'date': 'Total'"),
        ("B1", "pr", "twice"),
    ],
)
def test_a_bad_cell_of_a_workbook_is_refused_with_its_row(tmp_path, tables, cell, value, said):
    with pytest.raises(InputError, match=said):
        tables.read(tmp_path, workbook(tables, put(cell, value)), name="data.xlsx")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(50), b"date,tv", b""])
def test_what_is_no_workbook_is_refused(tmp_path, tables, content):
    with pytest.raises(InputError, match=r"data\.xlsx"):
        tables.read(tmp_path, content, name="data.xlsx")


def parquet(tables, folder, **changed):
    columns = dict(zip(("date", "tv", "pr", "sales"), zip(*tables.rows, strict=True), strict=True))
    frame = polars.DataFrame({**{name: list(cells) for name, cells in columns.items()}})
    frame = frame.with_columns(polars.col("date").str.to_date(), polars.col("tv", "pr", "sales").cast(polars.Float64))
    frame.with_columns(**changed).write_parquet(folder / "data.parquet")


def test_a_parquet_file_says_the_same_as_the_text_table(tmp_path, tables):
    parquet(tables, tmp_path, unused=polars.lit([1]), pr=polars.col("pr").cast(polars.Int32))
    text, found = tables.read(tmp_path, tables.table()), tables.read(tmp_path, None, name="data.parquet")
    assert found.starts == text.starts and (found.spend == text.spend).all() and (found.outcome == text.outcome).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tv": polars.lit(None, polars.Float64)}, "row 1, column 'tv': the cell is blank"),
        ({"tv": polars.lit(float("nan"))}, "row 1, column 'tv'.*missing"),
        ({"tv": polars.lit(True)}, "row 1, column 'tv'.*true or false"),
        ({"tv": polars.lit([1.0])}, "column 'tv' holds List"),
    ],
)
def test_a_bad_column_of_a_parquet_file_is_refused(tmp_path, tables, changed, said):
    parquet(tables, tmp_path, **changed)
    with pytest.raises(InputError, match=said):
        tables.read(tmp_path, None, name="data.parquet")


def test_without_the_optional_package_the_message_says_how_to_install_it(tmp_path, tables, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(InputError, match=r"pip install -c constraints.txt '\.\[parquet\]'"):
        tables.read(tmp_path, b"PAR1", name="data.parquet")


# --- longer periods -----------------------------------------------------------------------------------


def daily(tables, first, days):
    rows = [
        [str(date.fromordinal(first.toordinal() + at)), str(1 + at % 3), "2", str(at), str(at % 7 == 0)]
        for at in range(days)
    ]
    return tables.table([[*row[:4], str(int(row[4] == "True"))] for row in rows], "date,tv,pr,sales,fair")


def test_days_add_up_to_whole_weeks_and_the_rest_is_told(tmp_path, tables):
    first = date(2024, 1, 3)  # a Wednesday: five days before the first whole week
    more = tables.channels + '[events]\ncolumns = ["fair"]\n[controls]\ncolumns = ["mood"]'
    content = daily(tables, first, 40).replace("fair\n", "fair,mood\n", 1)
    lines = content.splitlines()
    content = "\n".join([lines[0], *(f"{line},{at}" for at, line in enumerate(lines[1:]))])
    found = tables.read(tmp_path, content, 'aggregate = "week"', rest=more)
    assert found.period == "week" and [str(day) for day in found.starts[:2]] == ["2024-01-08", "2024-01-15"]
    assert found.outcome[:, 0].tolist() == [sum(range(5 + 7 * week, 12 + 7 * week)) for week in range(5)]
    assert found.controls[:, 0, 0].tolist() == [8.0 + 7 * week for week in range(5)]
    assert found.events[:, 0, 0].tolist() == pytest.approx([1 / 7] * 5)
    assert found.spend[:, 0, 1].tolist() == [14.0] * 5
    assert [note for note in found.notes if "left out" in note] == [
        "the week of 2024-01-01 has 5 of 7 days and was left out"
    ]


def test_days_add_up_to_months_and_months_to_quarters(tmp_path, tables):
    days = tables.read(tmp_path, daily(tables, date(2024, 1, 1), 91), 'aggregate = "month"')
    assert days.outcome[:, 0].tolist() == [sum(range(31)), sum(range(31, 60)), sum(range(60, 91))]
    months = tables.read(tmp_path, tables.monthly(str), 'aggregate = "quarter"')
    assert months.outcome[:, 0].tolist() == [sum(1000 + 13 * at for at in range(q, q + 3)) for q in (0, 3, 6, 9)]
    assert [str(day) for day in months.starts] == ["2023-01-01", "2023-04-01", "2023-07-01", "2023-10-01"]


def test_exposure_keeps_its_money_after_adding_up(tmp_path, tables):
    rows = [line.split(",") for line in daily(tables, date(2024, 1, 3), 40).splitlines()[1:]]
    content = tables.table([[*row[:4], str(50 + 7 * at % 13)] for at, row in enumerate(rows)], "date,tv,pr,sales,seen")
    found = tables.read(tmp_path, content, 'aggregate = "week"', rest=EXPOSED)
    assert found.driver.sum() == pytest.approx(found.spend.sum(), rel=1e-14)


@pytest.mark.parametrize(
    ("label", "declared", "period", "first"),
    [
        (str, "", "month", "2023-01-01"),
        (lambda day: f"{day:%Y-%m}-15", "", "month", "2023-01-15"),
        (
            lambda day: str(date(day.year + day.month // 12, day.month % 12 + 1, 1).toordinal() - 1 - 693594),
            'date_format = "excel"\ndate_marks = "end"',
            "month",
            "2023-01-01",
        ),
        (lambda day: f"{1990 + day.month}-01-01", "", "year", "1991-01-01"),
        (lambda day: f"{1990 + day.month}", 'date_format = "%Y"', "year", "1991-01-01"),
        (
            lambda day: f"{2000 + (day.month - 1) // 4}-{3 * ((day.month - 1) % 4) + 1:02d}-01",
            "",
            "quarter",
            "2000-01-01",
        ),
    ],
)
def test_the_period_is_found_from_the_dates(tmp_path, tables, label, declared, period, first):
    found = tables.read(tmp_path, tables.monthly(label), declared)
    assert (found.period, str(found.starts[0]), len(found.starts)) == (period, first, 12)


def test_month_ends_must_say_what_they_mark(tmp_path, tables):
    ends = tables.monthly(
        lambda day: str(date.fromordinal(date(day.year + day.month // 12, day.month % 12 + 1, 1).toordinal() - 1))
    )
    with pytest.raises(InputError, match=r'date_marks = "end"'):
        tables.read(tmp_path, ends)
    assert str(tables.read(tmp_path, ends, 'date_marks = "end"').starts[1]) == "2023-02-01"
    assert str(tables.read(tmp_path, ends, 'date_marks = "start"').starts[1]) == "2023-02-28"


def test_cells_with_commas_and_quotes_are_read_as_written(tmp_path, tables):
    out = io.StringIO()
    csv.writer(out).writerows([["date", "tv", "pr", "sales", 'a "b", c'], *[[*row, "x,y"] for row in tables.rows]])
    assert tables.read(tmp_path, out.getvalue()).channels == ("tv", "pr")

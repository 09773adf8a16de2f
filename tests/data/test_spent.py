"""What was spent so far, from a table: by period or by day, and one sentence for what is wrong."""

from datetime import date, timedelta

import numpy as np
import pytest

from engine.data.spent import Elapsed, read_spent
from engine.errors import InputError
from engine.periods import starts

START = date(2027, 1, 4)
WEEKS = Elapsed(starts(START, 4, "week"), "week")
GOOD = "date,tv,pr\n2027-01-04,1,2\n2027-01-11,3.5,0\n2027-01-18,0,6\n"
MONEY = np.array([[1.0, 2.0], [3.5, 0.0], [0.0, 6.0]])


def read(folder, content, elapsed=WEEKS, name="spent.csv"):
    (folder / name).write_text(content)
    return read_spent(folder / name, ("tv", "pr"), elapsed)


SAME = {
    "as it is": GOOD,
    "other columns": "note,pr,date,tv\nx,2,2027-01-04,1\n,0,2027-01-11,3.5\n,6,2027-01-18,0\n",
    "other order": "date,tv,pr\n2027-01-18,0,6\n2027-01-04,1,2\n2027-01-11,3.5,0\n",
    "semicolons and midnight": GOOD.replace(",", ";").replace("-04;", "-04 00:00:00;"),
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_a_row_for_each_week_is_that_weeks_money(tmp_path, content):
    found = read(tmp_path, content)
    assert found.money.tolist() == MONEY.tolist()
    assert found.unused == (("note",) if "note" in content else ())


def test_days_add_up_to_their_weeks(tmp_path):
    rows = [f"{START + timedelta(at)},{at},{10 * at}" for at in range(21)]
    found = read(tmp_path, "\n".join(["date,tv,pr", *rows]))
    expected = [sum(range(7 * week, 7 * week + 7)) for week in range(3)]
    assert found.money.tolist() == [[week, 10 * week] for week in expected]


def test_months_and_their_days(tmp_path):
    months = Elapsed(starts(date(2027, 1, 1), 3, "month"), "month")
    whole = read(tmp_path, "date,tv,pr\n2027-01-01,31,62\n2027-02-01,28,56\n", months)
    days = "\n".join(["date,tv,pr", *(f"{date(2027, 1, 1) + timedelta(at)},1,2" for at in range(59))])
    assert read(tmp_path, days, months).money.tolist() == whole.money.tolist()


def test_a_workbook_and_parquet_are_read_alike(tmp_path):
    openpyxl, polars = pytest.importorskip("openpyxl"), pytest.importorskip("polars")
    days = WEEKS.days[:3]
    book = openpyxl.Workbook()
    for row in [("date", "tv", "pr"), *zip(days, *MONEY.T.tolist(), strict=True)]:
        book.active.append(row)
    book.save(tmp_path / "spent.xlsx")
    polars.DataFrame({"date": days, "pr": MONEY[:, 1], "tv": MONEY[:, 0]}).write_parquet(tmp_path / "spent.parquet")
    for name in ("spent.xlsx", "spent.parquet"):
        assert read_spent(tmp_path / name, ("tv", "pr"), WEEKS).money.tolist() == MONEY.tolist()
    with pytest.raises(InputError, match="no column 'radio'"):
        read_spent(tmp_path / "spent.parquet", ("tv", "radio"), WEEKS)


WRONG = {
    "no channel": (
        GOOD.replace("pr", "x"),
        r"spent.csv: no column 'pr', a channel of the curves .* add it, with 0 where",
    ),
    "another name": (GOOD.replace("tv", "tv_spend"), "no column 'tv', a channel of the curves .*; rename 'tv_spend'"),
    "no date": (GOOD.replace("date", "week"), "no column 'date', which says when .* has 'week', 'tv', 'pr'"),
    "a gap": (GOOD.replace("2027-01-11,3.5,0\n", ""), "no row for 2027-01-11; a row for each week from 2027-01-04"),
    "the last week": (GOOD.replace("2027-01-18,0,6\n", ""), "no row for 2027-01-18; a row for each week"),
    "another weekday": (GOOD.replace("-11", "-12"), r"no row for 2027-01-05 \(and 17 more\); .* or for each day to"),
    "a debt": (GOOD.replace("3.5", "-3.5"), "line 3, column 'tv': '-3.5' is negative; write what was spent, 0 or more"),
    "a blank": (GOOD.replace("3.5", ""), "line 3, column 'tv': the cell is blank, and missing is not zero"),
    "a text": (GOOD.replace("3.5", "lots"), "column 'tv': 'lots' is no plain number; write an amount such as 1234.5"),
    "nan": (GOOD.replace("3.5", "nan"), "'nan' is no plain number"),
    "too much": (GOOD.replace("3.5", "1e30"), "'1e30' is too large"),
    "too early": (GOOD.replace("01-04", "01-03"), "line 2, column 'date': 2027-01-03 lies outside what is over"),
    "too late": (GOOD + "2027-01-25,1,1\n", "line 5, column 'date': 2027-01-25 lies outside .*or correct --as-of"),
    "twice": (GOOD + "2027-01-11,1,1\n", "line 5, column 'date': 2027-01-11 stands on line 3 already; add the two up"),
    "no such date": (GOOD.replace("2027-01-11", "11.1.2027"), "'11.1.2027' is not a date; write YYYY-MM-DD"),
    "no rows": ("date,tv,pr\n", "no rows below the header"),
    "nothing": ("", "the file is empty"),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_sentence_with_its_place(tmp_path, content, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, content)

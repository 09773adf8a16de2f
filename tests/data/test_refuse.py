"""Every bad table is refused with file, place, reason and remedy; every declared repair lets it pass."""

import gzip

import pytest

from engine.errors import InputError

BAD = {  # name: table, what is declared, words that the message must contain
    "empty": (lambda t: "", "", ["empty"]),
    "line ends only": (lambda t: "\n\r\n\n", "", ["empty"]),
    "header only": (lambda t: t.table([]), "", ["no rows"]),
    "missing column": (lambda t: t.table(header="date,tv,other,sales"), "", ["'pr'", "channels.pr.spend", "other"]),
    "misspelt column": (lambda t: t.table(header="date,tv,prr,sales"), "", ["did you mean 'prr'"]),
    "duplicate header": (lambda t: t.table(header="date,tv,tv,sales"), "", ["'tv'", "twice", "2 and 3"]),
    "empty header": (lambda t: t.table(header="date,,pr,sales"), "", ["column 2", "empty header"]),
    "separator at line ends": (lambda t: t.table().replace("\n", ",\n"), "", ["column 5", "one separator too many"]),
    "padded header": (lambda t: t.table(header="date, tv,pr,sales"), "", ["' tv'", "spaces"]),
    "other capitals": (lambda t: t.table(header="date,TV,pr,sales"), "", ["'TV'", "capital"]),
    "other alphabet": (lambda t: t.table(header="date,tv,\u0440r,sales"), "", ["looks the same", "\\u0440"]),
    "two columns alike": (
        lambda t: t.table([[*row, "1"] for row in t.rows], "date,tv,pr,sales,TV"),
        "",
        ["'tv'", "'TV'", "ignore"],
    ),
    "title above header": (lambda t: "Report\n" + t.table(), "", ["line 1", "line 2"]),
    "hint for a spreadsheet": (lambda t: "sep=,\n" + t.table(), "", ["line 1", "sep="]),
    "text": (lambda t: t.swapped(4, 1, "lots"), "", ["line 6", "'tv'", "'lots'"]),
    "not a number": (lambda t: t.swapped(4, 1, "NaN"), "", ["line 6", "'tv'", "missing"]),
    "infinite": (lambda t: t.swapped(4, 1, "-inf"), "", ["line 6", "'tv'", "infinite"]),
    "overflow": (lambda t: t.swapped(4, 1, "1e400"), "", ["line 6", "'tv'", "too large"]),
    "negative spend": (lambda t: t.swapped(4, 1, "-5"), "", ["line 6", "'tv'", "negative"]),
    "boolean": (lambda t: t.swapped(4, 1, "TRUE"), "", ["line 6", "'tv'", "true or false"]),
    "blank": (lambda t: t.swapped(4, 2, ""), "", ["line 6", "'pr'", "blank", 'blank = "zero"']),
    "blank outcome": (lambda t: t.swapped(4, 3, " "), 'blank = "zero"', ["line 6", "'sales'", "blank"]),
    "missing": (lambda t: t.swapped(4, 1, "N/A"), "", ["line 6", 'missing = ["N/A"]']),
    "dash": (lambda t: t.swapped(4, 1, "-"), "", ["line 6", "missing is not zero"]),
    "missing but not zero": (lambda t: t.swapped(4, 1, "?"), 'missing = ["?"]', ["line 6", 'blank = "zero"']),
    "spreadsheet error": (lambda t: t.swapped(4, 1, "#DIV/0!"), "", ["line 6", "missing"]),
    "percent": (lambda t: t.swapped(4, 1, "5 %"), "", ["line 6", "percent"]),
    "currency": (lambda t: t.swapped(4, 1, "$12"), "", ["line 6", 'currency_sign = "$"']),
    "accounting": (lambda t: t.swapped(4, 1, "(12)"), "", ["line 6", "accounting"]),
    "minus behind": (lambda t: t.swapped(4, 1, "12-"), "", ["line 6", "accounting"]),
    "typographic minus": (lambda t: t.swapped(4, 1, "\u22125"), "", ["line 6", "dash"]),
    "no-break space": (lambda t: t.swapped(4, 3, "1\u00a0234"), "", ["line 6", "no-break", "thousands"]),
    "thousands": (lambda t: t.swapped(4, 3, '"1,234"'), "", ["line 6", 'thousands = ","']),
    "both separators": (lambda t: t.swapped(4, 3, '"1.234,5"'), "", ["line 6", 'thousands = "." and decimal = ","']),
    "wrong groups": (lambda t: t.swapped(4, 3, '"12,34"'), 'thousands = ","', ["line 6", "12,34"]),
    "decimal comma": (lambda t: t.table(separator=";").replace("1000", "1000,5"), "", ["line 2", 'decimal = ","']),
    "decimal point": (lambda t: t.swapped(4, 1, "1.5"), 'decimal = ","', ["line 6", "decimal point"]),
    "underscore": (lambda t: t.swapped(4, 1, "1_000"), "", ["line 6", "1_000"]),
    "other digits": (lambda t: t.swapped(4, 1, "\uff11\uff12"), "", ["line 6", "not a number"]),
    "line end in a number": (lambda t: t.swapped(4, 1, '"1\n2"'), "", ["line 6", "1\\n2"]),
    "short line": (lambda t: t.table().replace("2024-01-22,121", "2024-01-22"), "", ["line 5", "3 cells", "4"]),
    "long line": (lambda t: t.table().replace("2024-01-22", "2024-01-22,9"), "", ["line 5", "5 cells"]),
    "row of separators": (lambda t: t.table() + ",,,\n", "", ["line 14", "blank"]),
    "open quote": (lambda t: t.swapped(4, 1, '"12'), "", ["line 6", "never closed"]),
    "text after quote": (lambda t: t.swapped(4, 1, '"12"3'), "", ["line 6", "quote"]),
    "gap": (lambda t: t.table(t.rows[:5] + t.rows[6:]), "", ["line 7", "2024-02-05 is missing"]),
    "long gap": (lambda t: t.table(t.rows[:5] + t.rows[8:]), "", ["3 periods are missing from 2024-02-05"]),
    "duplicate date": (lambda t: t.table([*t.rows, t.rows[2]]), "", ["line 14", "line 4", "2024-01-15"]),
    "regions unnamed": (lambda t: t.regional(), "", ["line 14", "'region'", "geo"]),
    "region without a week": (lambda t: t.regional().rsplit("\n", 2)[0], 'geo = "region"', ["'south'", "2024-03-18"]),
    "mixed periods": (lambda t: t.swapped(5, 0, "2024-02-03"), "", ["line 7", "mixed", "2024-02-03"]),
    "no period": (lambda t: t.table([t.rows[0], ["2024-01-12", "1", "1", "1"]]), "", ["11 to 11 days"]),
    "one row": (lambda t: t.table(t.rows[:1]), "", ["one date only"]),
    "ambiguous date": (lambda t: t.swapped(2, 0, "01/02/2024"), "", ["line 4", "01/02/2024", "YYYY-MM-DD", "%d/%m/%Y"]),
    "day first": (lambda t: t.swapped(2, 0, "15.01.2024"), "", ["line 4", "%d.%m.%Y"]),
    "month first": (lambda t: t.swapped(2, 0, "01/15/24"), "", ["line 4", "%m/%d/%y"]),
    "impossible date": (lambda t: t.swapped(2, 0, "2024-02-31"), "", ["line 4", "2024-02-31"]),
    "day number": (lambda t: t.swapped(2, 0, "45306"), "", ["line 4", "2024-01-15", "excel"]),
    "month": (lambda t: t.monthly(lambda day: f"{day:%Y-%m}"), "", ["line 2", "%Y-%m"]),
    "week": (lambda t: t.dated(lambda day: f"{day:%G-W%V}"), "", ["line 2", "%G-W%V"]),
    "no separators": (lambda t: t.dated(lambda day: f"{day:%Y%m%d}"), "", ["line 2", "%Y%m%d"]),
    "time of day": (lambda t: t.swapped(2, 0, "2024-01-15T13:00"), "", ["line 4", "time of day"]),
    "blank date": (lambda t: t.swapped(2, 0, ""), "", ["line 4", "blank"]),
    "total": (lambda t: t.table([*t.rows, ["Total", "1", "2", "3"]]), "", ["line 14", "total"]),
    "future": (lambda t: t.swapped(11, 0, "2124-03-18"), "", ["line 13", "future", "2025-01-01"]),
    "after the latest": (lambda t: t.table(), "latest = 2024-03-17", ["line 13", "2024-03-18", "2024-03-17"]),
    "ancient": (lambda t: t.swapped(0, 0, "0024-01-01"), "", ["line 2", "0024-01-01"]),
    "empty date of a spreadsheet": (lambda t: t.swapped(0, 0, "1899-12-30"), "", ["line 2", "1899-12-30"]),
    "month ends": (lambda t: t.monthly(lambda day: f"{day:%Y-%m}-{28 + (day.month == 1) * 3}"), "", ["mixed"]),
    "all zero": (lambda t: t.table([[row[0], "0", *row[2:]] for row in t.rows]), "", ["'tv'", "zero"]),
    "no outcome": (lambda t: t.table([[*row[:3], "0"] for row in t.rows]), "", ["'sales'", "zero"]),
    "utf-16": (lambda t: t.table().encode("utf-16"), "", ["UTF-16", "encoding"]),
    "utf-16 without mark": (lambda t: t.table().encode("utf-16-be"), "", ["UTF-16"]),
    "latin-1": (lambda t: t.swapped(4, 1, "\xe9").encode("latin-1"), "", ["line 6", "Latin-1", "0xe9"]),
    "not latin-1": (lambda t: t.swapped(4, 1, "\xe9"), 'encoding = "latin-1"', ["UTF-8"]),
    "not utf-16": (lambda t: t.table(), 'encoding = "utf-16"', ["not UTF-16"]),
    "cut utf-16": (lambda t: t.table().encode("utf-16")[:-1], 'encoding = "utf-16"', ["cut off"]),
    "no encoding": (lambda t: b"date\n\x81\x8d", "", ["line 2", "0x81"]),
    "nul": (lambda t: t.swapped(4, 1, "1\x000"), "", ["line 6", "NUL", "tv"]),
    "workbook": (lambda t: b"PK\x03\x04" + bytes(200), "", ["xlsx"]),
    "old workbook": (lambda t: b"\xd0\xcf\x11\xe0" + bytes(200), "", ["xls"]),
    "parquet": (lambda t: b"PAR1" + bytes(200), "", ["Parquet"]),
    "compressed": (lambda t: gzip.compress(t.table().encode()), "", ["unpack"]),
    "web page": (lambda t: "<!DOCTYPE html><p>Please log in", "", ["web page"]),
    "json": (lambda t: '[{"date": 1}]', "", ["JSON"]),
    "no such row": (lambda t: t.table(), 'where = { tv = "x" }', ["'x'", "'tv'", "where"]),
    "weeks into months": (lambda t: t.table(), 'aggregate = "month"', ["week", "month"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_with_its_place_and_a_remedy(tmp_path, tables, name):
    content, declared, words = BAD[name]
    with pytest.raises(InputError) as caught:
        tables.read(tmp_path, content(tables), declared)
    message = str(caught.value)
    assert "data.csv" in message.splitlines()[0]
    assert ";" in message or ":" in message.split("data.csv", 1)[1]
    assert not [word for word in words if word not in message], message
    assert message.isprintable() or message.replace("\n", "").isprintable()


REPAIRED = {  # name: table, what is declared
    "as it is": (lambda t: t.table(), ""),
    "byte order mark": (lambda t: "\ufeff" + t.table(), ""),
    "CR line ends": (lambda t: t.table().replace("\n", "\r"), ""),
    "CR LF line ends": (lambda t: t.table().replace("\n", "\r\n"), ""),
    "no last line end": (lambda t: t.table()[:-1], ""),
    "empty lines": (lambda t: t.table().replace("\n", "\n\n"), ""),
    "rows in any order": (lambda t: t.table(t.rows[::-1]), ""),
    "semicolons": (lambda t: t.table(separator=";"), ""),
    "tabs": (lambda t: t.table(separator="\t"), ""),
    "bars": (lambda t: t.table(separator="|"), 'delimiter = "|"'),
    "quoted": (lambda t: t.table([[f'"{cell}"' for cell in row] for row in t.rows]), ""),
    "spaces around numbers": (lambda t: t.table([[row[0], *(f" {cell} " for cell in row[1:])] for row in t.rows]), ""),
    "midnight": (lambda t: t.dated(lambda day: f"{day} 00:00:00"), ""),
    "separator at line ends": (lambda t: t.table().replace("\n", ",\n"), 'unnamed = "drop"'),
    "utf-16": (lambda t: t.table().encode("utf-16"), 'encoding = "utf-16"'),
    "utf-16 without mark": (lambda t: t.table().encode("utf-16-le"), 'encoding = "utf-16"'),
    "latin-1": (
        lambda t: t.table([[*row, "caf\xe9"] for row in t.rows], "date,tv,pr,sales,note").encode("cp1252"),
        'encoding = "latin-1"',
    ),
    "decimal comma": (
        lambda t: t.table([[row[0], *(f"{cell},0" for cell in row[1:])] for row in t.rows], separator=";"),
        'decimal = ","',
    ),
    "thousands": (lambda t: t.table([[*row[:3], f'"{int(row[3]):,}.0"'] for row in t.rows]), 'thousands = ","'),
    "no-break spaces": (
        lambda t: t.table([[*row[:3], f"{int(row[3]):,}".replace(",", "\u00a0")] for row in t.rows]),
        'thousands = " "',
    ),
    "currency": (lambda t: t.table([[row[0], f"$ {row[1]}", *row[2:]] for row in t.rows]), 'currency_sign = "$"'),
    "day first": (lambda t: t.dated(lambda day: f"{day:%d/%m/%Y}"), 'date_format = "%d/%m/%Y"'),
    "day numbers": (lambda t: t.dated(lambda day: str(day.toordinal() - 693594)), 'date_format = "excel"'),
    "week numbers": (lambda t: t.dated(lambda day: f"{day:%G-W%V}"), 'date_format = "%G-W%V"'),
    "week ends": (lambda t: t.dated(lambda day: str(day.fromordinal(day.toordinal() + 6))), 'date_marks = "end"'),
    "unused twin": (
        lambda t: t.table([[*row, "1"] for row in t.rows], "date,tv,pr,sales,TV"),
        'ignore = ["TV"]',
    ),
    "one brand of two": (
        lambda t: t.table([["a", *row] for row in t.rows] + [["b", "never", "x"] + [""] * 2], "brand,date,tv,pr,sales"),
        'where = { brand = "a" }',
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_a_declared_repair_gives_the_same_history_as_the_good_table(tmp_path, tables, name):
    content, declared = REPAIRED[name]
    good, found = tables.read(tmp_path, tables.table()), tables.read(tmp_path, content(tables), declared)
    assert found.starts == good.starts == tuple(tables.weeks)
    assert (found.spend == good.spend).all() and (found.outcome == good.outcome).all()


def test_blanks_count_as_zero_only_where_declared_and_are_told(tmp_path, tables):
    spoilt = tables.table(
        [[row[0], "" if row[1] == "107" else "n/a" if row[1] == "114" else row[1], *row[2:]] for row in tables.rows]
    )
    found = tables.read(tmp_path, spoilt, 'blank = "zero"\nmissing = ["n/a"]')
    assert found.spend[1, 0, 0] == 0 and found.spend[2, 0, 0] == 0
    assert any("2 blank cells count as zero" in note for note in found.notes)


def test_several_faults_are_told_at_once_and_the_rest_counted(tmp_path, tables):
    rows = [[row[0], "x", "y", row[3]] for row in tables.rows]
    with pytest.raises(InputError) as caught:
        tables.read(tmp_path, tables.table(rows))
    lines = str(caught.value).splitlines()
    assert "line 2, column 'tv': 'x'" in lines[0]
    assert "9 more cells of column 'tv'" in lines[3] and "line 2, column 'pr': 'y'" in lines[4]


def test_a_file_above_the_limit_is_not_read(tmp_path, tables, monkeypatch):
    monkeypatch.setattr("engine.data.read.LARGEST", 100)
    with pytest.raises(InputError, match="above the limit"):
        tables.read(tmp_path, tables.table())


def test_control_characters_of_a_file_do_not_reach_the_message(tmp_path, tables):
    with pytest.raises(InputError) as caught:
        tables.read(tmp_path, tables.table(header="date,t\x1b[31mv,p\u202er,sales"))
    assert "\x1b" not in str(caught.value) and "\u202e" not in str(caught.value)

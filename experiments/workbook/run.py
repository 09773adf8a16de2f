"""Let LibreOffice work out workbooks of stress tests from nothing; compare with the engine; write result.json.

Needs soffice on the path, and runs with the project's interpreter.
"""

import io
import json
import re
import subprocess
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl

from engine.report.stress_layout import Line, layout
from engine.report.stress_workbook import stress_workbook
from engine.stress.readout import Answer
from tests.report.played import played
from tests.report.stressed import full

HERE = Path(__file__).parent
SMALL = 1e-6  # of the plan's outcome: what is less may be left of figures of its size, and is compared with that
TIMES = 5  # that a workbook is written
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""


def forgotten(raw: bytes, chosen: dict[str, str]) -> bytes:
    """A workbook without the value of any formula, and with other texts chosen in its switch."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            text = before.read(name)
            if name.startswith("xl/worksheets/sheet"):
                told = re.sub(r"(</f>)<v>[^<]*</v>", r"\1", text.decode())
                for place, choice in chosen.items() if name.endswith("sheet1.xml") else ():
                    told = re.sub(
                        rf'<c r="{place}"( s="\d+") t="s"><v>\d+</v></c>',
                        rf'<c r="{place}"\1 t="inlineStr"><is><t>{choice}</t></is></c>',
                        told,
                    )
                text = told.encode()
            after.writestr(name, text)
    return out.getvalue()


def recalculated(books: dict[str, bytes]) -> dict[str, Any]:
    """Workbooks as LibreOffice saves them, with the values that it found; it is started once."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for book, raw in books.items():
            (place / f"{book}.xlsx").write_bytes(raw)
        (place / "profile" / "user").mkdir(parents=True)
        (place / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS)
        profile = f"-env:UserInstallation={(place / 'profile').as_uri()}"
        told = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
        files = [str(place / f"{book}.xlsx") for book in books]
        subprocess.run([*told, str(place / "out"), *files], check=True, capture_output=True)
        return {book: openpyxl.load_workbook(place / "out" / f"{book}.xlsx", data_only=True) for book in books}


def written(answer: Answer) -> bytes:
    """The workbook of an answer."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "stress.xlsx"
        stress_workbook(path, answer)
        return path.read_bytes()


def settings(answer: Answer) -> list[Line]:
    """The policies of the first, the middle and the last case."""
    at = layout(answer)
    some = {1, (len(at.cases) + 1) // 2, len(at.cases)}
    return [line for line in at.lines if line.case in some]


def compared(answer: Answer, raw: bytes, found: Any) -> dict[str, Any]:
    """Every formula of the file against the engine's value."""
    engine = openpyxl.load_workbook(io.BytesIO(raw), data_only=True)
    formulas = [
        (page.title, cell.coordinate)
        for page in openpyxl.load_workbook(io.BytesIO(raw))
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    worst, other = 0.0, []
    for sheet, place in formulas:
        known, told = engine[sheet][place].value, found[sheet][place].value
        if isinstance(known, str | bool) or known is None or not isinstance(told, int | float):
            other += [(sheet, place, known, told)] if (known or 0) != (told or 0) else []
        else:
            sums = engine[sheet][f"C{place[1:]}"].value if sheet == "Checks" and place[0] == "D" else known
            worst = max(worst, abs(told - known) / max(abs(sums), SMALL * answer.planned.mean))
    return {
        "bytes": len(raw),
        "formulas": len(formulas),
        "largest relative difference": worst,
        "other differences": other,
        "all checks agree": found["Checks"]["B3"].value,
        "seconds to write": written_in(answer),
    }


def written_in(answer: Answer) -> float:
    """The least of several times [s]."""
    with tempfile.TemporaryDirectory() as name:
        path, times = Path(name) / "stress.xlsx", []
        for _ in range(TIMES):
            begin = time.perf_counter()
            stress_workbook(path, answer)
            times.append(time.perf_counter() - begin)
    return round(min(times), 3)


def switched(answer: Answer, books: list[Any]) -> dict[str, Any]:
    """What is shown of some policies: totals by quarter, the ends of the bridges and the summary."""
    worst, agree = 0.0, True
    for line, book in zip(settings(answer), books, strict=True):
        one, agree = line.told, agree and book["Checks"]["B3"].value
        row = 7 + len(one.quarters)
        known = dict(zip("DFHLN", (one.outcome, one.spend, one.profit, one.profit, one.present), strict=True))
        pairs = [(book["Quarters"][f"{column}{row}"].value, spread.mean) for column, spread in known.items()]
        ends = {"Outcome": one.outcome, "Profit": one.profit, "Value at the start": one.present}
        for name, value in book["Bridge"].iter_rows(min_row=5, max_col=2, values_only=True):
            pairs += [(value, ends[name].mean)] if name in ends else []
        worst = max(worst, *(abs(told - value) / abs(value) for told, value in pairs))
    return {"policies of cases": len(books), "largest relative difference": worst, "all checks agree": agree}


def main() -> None:
    """Play, write, recalculate, compare."""
    with tempfile.TemporaryDirectory() as name:
        by_chance = played(Path(name) / "a", True)
        answers = {
            "by chance": by_chance,
            "ladder": played(Path(name) / "b", False),
            "several margins": replace(by_chance, terms=replace(by_chance.terms, margin=None)),
            "all that can be told": full(),
        }
    raw = {name: written(one) for name, one in answers.items()}
    books = {name: forgotten(book, {}) for name, book in raw.items()}
    for name, one in answers.items():
        at = layout(one)
        for number, line in enumerate(settings(one)):
            choice = {"B5": at.cases[line.case - 1], "B6": at.policies[line.policy - 1]}
            books[f"{name} {number}"] = forgotten(raw[name], choice)
    found = recalculated(books)
    version = subprocess.run(["soffice", "--version"], check=True, capture_output=True, text=True).stdout
    result = {
        "spreadsheet": " ".join(version.split()[:2]),
        **{
            name: {
                **compared(one, raw[name], found[name]),
                "switch": switched(one, [found[f"{name} {number}"] for number in range(len(settings(one)))]),
            }
            for name, one in answers.items()
        },
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

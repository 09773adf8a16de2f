"""Let LibreOffice work out workbooks of stress tests from nothing; compare with the engine; write result.json.

Needs soffice on the path, and runs with the project's interpreter.
"""

import io
import json
import re
import subprocess
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl

from engine.report.stress_layout import layout
from engine.report.stress_workbook import stress_workbook
from engine.stress.readout import Answer
from tests.report.played import played

HERE = Path(__file__).parent
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


def recalculated(raw: bytes) -> Any:
    """The workbook as LibreOffice saves it, with the values that it found."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "in.xlsx").write_bytes(raw)
        (place / "profile" / "user").mkdir(parents=True)
        (place / "profile" / "user" / "registrymodifications.xcu").write_text(ALWAYS)
        profile = f"-env:UserInstallation={(place / 'profile').as_uri()}"
        told = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir"]
        subprocess.run([*told, str(place / "out"), str(place / "in.xlsx")], check=True, capture_output=True)
        return openpyxl.load_workbook(place / "out" / "in.xlsx", data_only=True)


def compared(answer: Answer) -> dict[str, Any]:
    """Every formula of the file against the engine's value; then the switch on every policy of some cases."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "stress.xlsx"
        stress_workbook(path, answer)
        raw = path.read_bytes()
    formulas = [
        (page.title, cell.coordinate)
        for page in openpyxl.load_workbook(io.BytesIO(raw))
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    engine, found = openpyxl.load_workbook(io.BytesIO(raw), data_only=True), recalculated(forgotten(raw, {}))
    worst, other = 0.0, []
    for sheet, place in formulas:
        known, told = engine[sheet][place].value, found[sheet][place].value
        is_rounding = (sheet, place[0]) == ("Checks", "D") or sheet == "Bridge"  # differences of equals: 0
        if isinstance(known, str | bool) or known is None or not isinstance(told, int | float):
            other += [(sheet, place, known, told)] if (known or 0) != (told or 0) else []
        else:
            scale = max(abs(known), answer.planned.mean if is_rounding else 0.0)
            worst = max(worst, abs(told - known) / scale if scale else abs(told))
    return {
        "bytes": len(raw),
        "formulas": len(formulas),
        "largest relative difference": worst,
        "other differences": other,
        "all checks agree": found["Checks"]["B3"].value,
        "switch": switched(answer, raw),
    }


def switched(answer: Answer, raw: bytes) -> dict[str, Any]:
    """The totals of the sheet by quarter, with the first, the middle and the last case and every policy chosen."""
    at, worst, agree, count = layout(answer), 0.0, True, 0
    some = {1, (len(at.cases) + 1) // 2, len(at.cases)}
    for line in (one for one in at.lines if one.case in some):
        choice = {"B5": at.cases[line.case - 1], "B6": at.policies[line.policy - 1]}
        found, one = recalculated(forgotten(raw, choice)), line.told
        row = 6 + len(one.quarters)
        known = dict(zip("DFHLN", (one.outcome, one.spend, one.profit, one.profit, one.present), strict=True))
        for column, spread in known.items():
            told = found["Quarters"][f"{column}{row}"].value
            worst = max(worst, abs(told - spread.mean) / abs(spread.mean))
        agree, count = agree and found["Checks"]["B3"].value, count + 1
    return {"policies of cases": count, "largest relative difference": worst, "all checks agree": agree}


def main() -> None:
    """Play, write, recalculate, compare."""
    with tempfile.TemporaryDirectory() as name:
        by_chance = played(Path(name) / "a", True)
        answers = {
            "by chance": by_chance,
            "ladder": played(Path(name) / "b", False),
            "several margins": replace(by_chance, terms=replace(by_chance.terms, margin=None)),
        }
    version = subprocess.run(["soffice", "--version"], check=True, capture_output=True, text=True).stdout
    result = {
        "spreadsheet": " ".join(version.split()[:2]),
        **{name: compared(one) for name, one in answers.items()},
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

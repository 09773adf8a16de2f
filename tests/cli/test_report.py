"""`peso report` as a user runs it: what it writes, says and refuses."""

import csv
import io
import json
import math
import re
import shutil
from contextlib import redirect_stdout

import pytest

from engine.cli.report import verb
from engine.report.page import needed
from tests.cli.test_terminal import Terminal
from tests.report.formulas import Workbook
from tests.report.runs import HOSTILE, written


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Every kind of run, of channels with hostile names."""
    folder = tmp_path_factory.mktemp("runs")
    written(folder, HOSTILE)
    return folder


def test_the_decision_is_said_and_the_page_written(peso, runs):
    done = peso("report", "fit", "year.json", "--out", "page.html", "--force", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("year <b>, 2027-03-01 to 2028-02-27, EUR ")
    assert "Not in it: what other budgets would bring. Give the folder of a frontier" in done.stdout
    assert done.stderr.startswith("page written to page.html (")
    assert (runs / "page.html").read_text().startswith("<!doctype html>")


def test_json_says_what_is_in_it_and_what_it_was_made_from(peso, runs):
    done = peso("report", "fit", "year.json", "--out", "json.html", "--json", "-q", cwd=runs)
    told = json.loads(done.stdout)
    assert (told["schema"], told["currency"], told["period"], told["page"]) == (
        "peso.report/1",
        "EUR",
        "week",
        "json.html",
    )
    assert "decision" in told["sections"]
    assert [one["what"] for one in told["files"]] == ["fit", "plan"]


def test_charts_and_tables_become_files_that_no_spreadsheet_runs(peso, runs):
    done = peso("report", "fit", "year.json", "--charts", "charts", cwd=runs)
    assert done.returncode == 0, done.stderr
    there = {path.name for path in (runs / "charts").iterdir()}
    assert {"response.svg", "response.png", "response.pdf", "moves.csv", "prices.csv"} <= there
    assert (runs / "charts" / "response.png").read_bytes().startswith(b"\x89PNG")
    assert (runs / "charts" / "response.pdf").read_bytes().startswith(b"%PDF")
    assert "<script" not in (runs / "charts" / "response.svg").read_text()
    rows = list(csv.DictReader((runs / "charts" / "moves.csv").open(newline="")))
    plan = json.loads((runs / "year.json").read_text())
    assert [float(row["Plan (EUR)"]) for row in rows[:-1]] == [line["spend"] for line in plan["by_channel"]]
    names = [row["Channel"] for row in rows]
    assert names[1] == "'" + HOSTILE[1]
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row.values())


def test_what_there_is_nothing_of_is_an_empty_cell_of_a_table(peso, runs):
    done = peso("report", "fit", "year.json", "less.json", "--charts", "beside", cwd=runs)
    assert done.returncode == 0, done.stderr
    first, second = csv.DictReader((runs / "beside" / "scenarios.csv").open(newline=""))
    assert first["Chance of less"] == first["More than the first (EUR)"] == ""
    assert float(second["Chance of less"]) > 0 > float(second["More than the first (EUR)"])
    for table in (runs / "beside").glob("*.csv"):
        assert not {"-", "'-"} & {cell for row in csv.reader(table.open(newline="")) for cell in row}


def test_plans_of_one_name_are_told_apart_wherever_they_stand(peso, runs):
    for name in ("year", "less"):
        told = json.loads((runs / f"{name}.json").read_text())
        (runs / f"same {name}.json").write_text(json.dumps({**told, "scenario": "Same"}))
    given = ("fit", "same less.json", "same year.json")
    done = peso("report", *given, "--out", "same.html", "--charts", "same", "--workbook", "same.xlsx", cwd=runs)
    assert done.returncode == 0, done.stderr
    rows = [
        list(csv.reader((runs / "same" / f"{name}.csv").open(newline=""))) for name in ("scenarios", "scenarios_split")
    ]
    assert [row[0] for row in rows[0][1:]] == ["Same", "Same (2)"]
    assert rows[1][0] == ["Channel", "Same (EUR)", "Same (2) (EUR)"]
    page = re.sub(r"<[^>]+>", "", (runs / "same.html").read_text())
    assert "Same (2) brings most" in page
    assert "Same, read from same less.json, made from" in page
    assert "Same (2), read from same year.json, made from" in page
    assert len(set(re.findall(r"Same(?: \(\d\))?", page))) == 2


def test_the_workbook_says_what_its_plan_says_and_holds_hostile_names_as_text(peso, runs):
    done = peso("report", "fit", "year.json", "--workbook", "plan.xlsx", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("workbook written to plan.xlsx (")
    told, plan = Workbook(runs / "plan.xlsx"), json.loads((runs / "year.json").read_text())
    assert math.isclose(told.value("Summary", "C9"), sum(line["spend"] for line in plan["by_channel"]), rel_tol=1e-12)
    assert math.isclose(told.value("Summary", "C10"), plan["outcome"]["mean"], rel_tol=1e-9)
    assert math.isclose(told.value("Summary", "D10"), plan["baseline"]["outcome"]["mean"], rel_tol=1e-9)
    assert not any(name in formula for _, _, formula in told.formulas() for name in HOSTILE)
    again = peso("report", "fit", "year.json", "--workbook", "plan.xlsx", cwd=runs)
    assert (again.returncode, "already exists; choose another --workbook" in again.stderr) == (3, True)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("nowhere", "--out", "x.html"), 3, "nowhere: no such file"),
        (("year.toml", "--out", "x.html"), 3, "is not JSON"),
        (("fit/charts.json", "--out", "x.html"), 3, "is no run that a report can show (its schema is 'peso.charts/1')"),
        (("fit", "fit", "--out", "x.html"), 3, "a report shows one fit"),
        (("fit", "--out", "taken.html"), 3, "taken.html: already exists"),
        (("asked.html", "--out", "asked.html", "--force"), 3, "which its answer must not replace"),
        (("fit/health.json", "--charts", "fit", "--force"), 3, "fit, the folder of --charts, whose files might take"),
        (("fit", "--charts", "fit", "--force"), 3, "which its answer must not replace"),
        (("year.json", "--out", "pages.html", "--force"), 3, "is a folder, a file is needed"),
        (("fit", "--out", "x.html", "--charts", "./x.html"), 3, "x.html: is named by both --out and --charts"),
        (("fit", "--out", "x.html", "--workbook", "x.html"), 3, "x.html: is named by both --out and --workbook"),
        (("fit", "--out", "c/moves.svg.html", "--charts", "c"), 3, "moves.svg.html: lies in c, the folder of --charts"),
        (("fit", "--workbook", "c/a/b.xlsx", "--charts", "./c/"), 3, "b.xlsx: lies in c, the folder of --charts"),
        (("fit", "mixed/moves.csv", "--charts", "mixed", "--force"), 3, "mixed/moves.csv: lies in mixed, the folder"),
        (("fit", "mixed/moves.csv", "--charts", "linked", "--force"), 3, "mixed/moves.csv: lies in linked, the folder"),
        (("fit", "--out", "x"), 3, "x: --out writes a file that ends in .html or .htm; name it so, as in x.html\n"),
        (("fit", "--out", "x.pdf"), 3, "as in x.html; pictures of its charts are what --charts FOLDER makes"),
        (("fit", "--out", "x.SVG"), 3, "as in x.html; pictures of its charts are what --charts FOLDER makes"),
        (("fit", "--workbook", "x.xls"), 3, "x.xls: --workbook writes a file that ends in .xlsx; name it so, as in"),
        (("fit", "--workbook", "x.html"), 3, "--workbook writes a file that ends in .xlsx"),
        (("fit", "--workbook", "x"), 3, "--workbook writes a file that ends in .xlsx"),
        (("fit/contributions.csv", "--out", "x.html"), 3, "(it is not JSON); name the folder of a fit"),
        (
            ("dollars", "--out", "x.html", "year.json"),
            3,
            "this simulated market counts in 'USD' and year.json in 'EUR'",
        ),
        (("fit",), 2, "nothing to write; give --out FILE.html, --workbook FILE.xlsx or --charts FOLDER"),
        (("--out", "x.html"), 2, "Missing argument 'RUN...'"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_sentence(peso, runs, given, code, said):
    (runs / "taken.html").write_text("mine")
    of_dollars(runs)
    misplaced(runs)
    before = held(runs)
    done = peso("report", *given, cwd=runs)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 or code == 2
    assert held(runs) == before


def held(folder):
    """Every file of a folder and what is in it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def misplaced(runs):
    """A plan named as a page, one named as a table of charts, and a folder named as a page."""
    (runs / "asked.html").write_bytes((runs / "year.json").read_bytes())
    (runs / "mixed").mkdir(exist_ok=True)
    (runs / "mixed" / "moves.csv").write_bytes((runs / "year.json").read_bytes())
    if not (runs / "linked").exists():
        (runs / "linked").symlink_to(runs / "mixed")
    (runs / "pages.html").mkdir(exist_ok=True)


def of_dollars(runs):
    """The simulated market, in another currency."""
    shutil.copytree(runs / "world", runs / "dollars", dirs_exist_ok=True)
    place = runs / "dollars" / "manifest.json"
    place.write_text(place.read_text().replace('"EUR"', '"USD"'))


def test_progress_leaves_the_line_to_what_was_written(runs, monkeypatch):
    heard = Terminal()
    monkeypatch.setattr("sys.stderr", heard)
    written = ("--workbook", str(runs / "told.xlsx"), "--out", str(runs / "told.html"))
    with redirect_stdout(io.StringIO()):
        verb.main([str(runs / "fit"), str(runs / "year.json"), *written, "--force"], standalone_mode=False)
    assert "\x1b[2Kpage written to" in heard.getvalue()
    assert "\x1b[2Kworkbook written to" in heard.getvalue()


def test_a_package_that_cannot_be_loaded_is_named_and_a_workbook_needs_none(process, runs, tmp_path):
    (tmp_path / "vl_convert.py").write_text("raise ImportError('no such\\nlibrary')")
    path = {"PYTHONPATH": str(tmp_path)}
    done = process("report", "fit", "year.json", "--out", "x.html", cwd=runs, **path)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "some cannot be loaded: vl_convert (no such library); install them anew" in done.stderr
    assert not (runs / "x.html").exists()
    done = process("report", "fit", "year.json", "--workbook", tmp_path / "plan.xlsx", cwd=runs, **path)
    assert (done.returncode, (tmp_path / "plan.xlsx").exists()) == (0, True), done.stderr


def test_without_its_packages_it_says_how_to_install_them(peso, runs, monkeypatch):
    monkeypatch.setattr(needed, "PACKAGES", ("no_such_package",))
    done = peso("report", "fit", "--out", "x.html", cwd=runs)
    assert done.returncode == 3
    assert "pip install 'peso-engine[report]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_said_is_about_what_was_written(peso, runs):
    done = peso("report", "fit", "year.json", "--workbook", "alone.xlsx", cwd=runs)
    assert done.returncode == 0, done.stderr
    assert "In it:" not in done.stdout and "Not in it:" not in done.stdout
    (told,) = (line for line in done.stdout.splitlines() if line.startswith("In the workbook: 1. "))
    assert "Its sheets: Inputs, Spend" in " ".join(done.stdout.split()) and "my own" in told

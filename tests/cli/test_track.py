"""`peso track` as a user runs it: what it prints, writes, refuses and loads."""

import json
import subprocess
import sys
from datetime import date, timedelta

import openpyxl
import polars
import pytest

QUESTION = """name = "By quarter"
horizon = { start = 2027-01-04, periods = 52, decide = "quarter" }
budget = { total = 3000 }
"""
FIT = ("--fit", "curves.json", "--scenario", "q.toml")


@pytest.fixture
def begun(folder, peso):
    """Curves, a question, its plan, and six weeks as planned with a column too many; and with more money for search."""
    (folder / "q.toml").write_text(QUESTION)
    done = peso("optimize", "curves.json", "q.toml", "--out", "plan.json", "-q", cwd=folder)
    assert done.returncode == 0, done.stderr
    write(folder / "actuals.csv", rows(folder))
    write(folder / "more.csv", [[day, tv, 2 * search, *rest] for day, tv, search, *rest in rows(folder)])
    return folder


def rows(folder):
    schedule = json.loads((folder / "plan.json").read_text())["schedule"][:6]
    return [[str(date(2027, 1, 4) + timedelta(7 * at)), *money, "x"] for at, money in enumerate(schedule)]


def write(path, lines):
    path.write_text("\n".join(",".join(map(str, line)) for line in [["date", "tv", "search", "pr", "note"], *lines]))


def test_on_plan_it_says_so_and_leaves_with_0(begun, process):
    done = process("track", "plan.json", "actuals.csv", *FIT, "--out", "track.json", cwd=begun)
    assert (done.returncode, done.stderr) == (0, "written to track.json\n")
    assert done.stdout.startswith("On plan: By quarter, 2027-01-04 to 2027-02-14 (6 of 52 weeks): USD ")
    assert "Columns not used: note." in done.stdout
    told = json.loads((begun / "track.json").read_text())
    assert (told["schema"], told["fires"], told["triggers"]) == ("peso.track/1", False, [])
    assert told["over"] == {"periods": 6, "end": "2027-02-14"}


def test_off_plan_it_leaves_with_0_too_and_the_command_that_it_names_runs(begun, peso):
    done = peso("track", "plan.json", "more.csv", *FIT, "--json", cwd=begun)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["fires"] is True
    assert {trigger["what"] for trigger in told["triggers"]} >= {"spend", "spend of search"}
    program, *arguments = told["replan"].split()
    assert program == "peso"
    again = peso(*arguments, cwd=begun)
    assert again.returncode == 0, again.stderr
    assert json.loads((begun / "rest.json").read_text())["replan"]["as_of"] == "2027-02-15"


def test_workbooks_and_parquet_say_the_same(begun, peso):
    book = openpyxl.Workbook()
    for line in [["date", "tv", "search", "pr", "search.contacts", "search.planned_price"], *contacts(begun)]:
        book.active.append(line)
    book.save(begun / "a.xlsx")
    lines = list(zip(*contacts(begun), strict=True))
    names = ["date", "tv", "search", "pr", "search.contacts", "search.planned_price"]
    polars.DataFrame(dict(zip(names, map(list, lines), strict=True))).write_parquet(begun / "a.parquet")
    told = [
        json.loads(peso("track", "plan.json", name, *FIT, "--json", cwd=begun).stdout)
        for name in ("a.xlsx", "a.parquet")
    ]
    for name, part in told[0]["outcome"]["parts"].items():
        assert part == pytest.approx(told[1]["outcome"]["parts"][name], abs=1e-9)
    assert told[0]["outcome"]["parts"]["price"]["mean"] < 0
    assert told[0]["outcome"]["unpriced"] == ["tv", "pr"]


def contacts(folder):
    return [[*line[:4], line[2] * 40.0, 0.02] for line in rows(folder)]


WRONG = {
    "no such table": (["plan.json", "actual.csv"], 3, "no such file"),
    "no plan": (["curves.json", "actuals.csv"], 3, "no plan (schema peso.plan/1)"),
    "a band of more than all": (["plan.json", "actuals.csv", "--band", "5"], 2, "--band"),
    "an input as output": (["plan.json", "actuals.csv", "--out", "plan.json", "--force"], 3, "is an input"),
    "a file that is there": (["plan.json", "actuals.csv", "--out", "more.csv"], 3, "already exists"),
    "a scenario without curves": (["plan.json", "actuals.csv", "--scenario", "q.toml"], 3, "add --fit FIT"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(begun, peso, name):
    arguments, code, told = WRONG[name]
    before = sorted(path.name for path in begun.iterdir())
    done = peso("track", *arguments, cwd=begun)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in begun.iterdir()) == before


def test_names_and_columns_that_a_terminal_would_obey_are_shown(begun, peso):
    (begun / "plan.json").write_text((begun / "plan.json").read_text().replace("By quarter", "By\\u001b[31mquarter"))
    done = peso("track", "plan.json", "actuals.csv", cwd=begun)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout


def test_it_never_loads_jax(begun):
    program = (
        "import sys; from engine.cli.main import run; sys.argv = ['peso', 'track', 'plan.json', 'actuals.csv', "
        "'--fit', 'curves.json', '--json', '--out', 't.json']\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'jax', 'cvxpy', 'polars'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=begun, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"

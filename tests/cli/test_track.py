"""`peso track` as a user runs it: what it prints, writes, refuses and loads."""

import json
import shlex
import subprocess
import sys
from datetime import date, timedelta

import openpyxl
import polars
import pytest

import engine.files
from engine.cli.terminal import wrapped
from engine.errors import StorageError

QUESTION = """name = "By quarter"
horizon = { start = 2027-01-04, periods = 52, decide = "quarter" }
budget = { total = 3000 }
"""
FIT = ("--fit", "curves.json", "--scenario", "q.toml")


@pytest.fixture(scope="module")
def made():
    """Plans by name, each made once."""
    return {}


@pytest.fixture
def begun(folder, peso, made):
    """Curves, a question, its plan, and six weeks as planned with a column too many; and with more money for search."""
    (folder / "q.toml").write_text(QUESTION)
    if not made:
        done = peso("optimize", "curves.json", "q.toml", "--out", "plan.json", "-q", cwd=folder)
        assert done.returncode == 0, done.stderr
        made["plan.json"] = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(made["plan.json"])
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


def printed(told):
    """The command that an answer prints, as a shell splits it."""
    line = next(line for line in told.splitlines() if line.startswith("  peso "))
    return shlex.split(line)[1:]


def test_the_printed_command_runs_again_each_month_and_from_names_that_a_shell_would_split(begun, peso):
    (begun / "the plan.json").write_text((begun / "plan.json").read_text())
    (begun / "--more.csv").write_text((begun / "more.csv").read_text())
    for out in ("rest.json", "rest_2027-02-15.json", "rest_2027-02-15_2.json"):
        done = peso("track", *FIT, "--", "the plan.json", "--more.csv", cwd=begun)
        arguments = printed(done.stdout)
        assert arguments[-1] == out
        again = peso(*arguments, cwd=begun)
        assert (again.returncode, (begun / out).exists()) == (0, True), again.stderr


def test_no_command_is_printed_that_lacks_something_and_with_it_the_next_one_runs(begun, peso):
    once = QUESTION.replace(', decide = "quarter"', "")
    (begun / "once.toml").write_text(once)
    peso("optimize", "curves.json", "once.toml", "--out", "once.json", "-q", cwd=begun)
    for given in ((), FIT[:2], (*FIT[:2], "--scenario", "once.toml")):
        done = peso("track", "once.json", "more.csv", *given, cwd=begun)
        assert "\n  peso " not in done.stdout
        assert "To plan the rest anew, " in done.stdout
        assert json.loads(peso("track", "once.json", "more.csv", *given, "--json", cwd=begun).stdout)["replan"] is None
    assert "write horizon.decide" in done.stdout
    (begun / "once.toml").write_text(QUESTION)
    done = peso("track", "once.json", "more.csv", *FIT[:2], "--scenario", "once.toml", cwd=begun)
    again = peso(*printed(done.stdout), cwd=begun)
    assert again.returncode == 0, again.stderr


def test_a_terminal_of_80_columns_does_not_break_the_command(begun, peso):
    done = peso("track", "plan.json", "more.csv", *FIT, cwd=begun)
    line = next(line for line in done.stdout.splitlines() if line.startswith("  peso "))
    assert len(line) > 80
    assert line in wrapped(done.stdout, 80).splitlines()


def test_amounts_in_another_unit_are_refused_with_what_is_likely(begun, peso):
    write(begun / "cents.csv", [[day, *(100 * float(each) for each in money), "x"] for day, *money, _ in rows(begun)])
    done = peso("track", "plan.json", "cents.csv", cwd=begun)
    assert (done.returncode, done.stdout) == (3, "")
    assert "times as much: likely cents" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_another_question_than_that_of_the_plan_is_said(begun, peso):
    (begun / "other.toml").write_text(QUESTION.replace("By quarter", "Another"))
    done = peso("track", "plan.json", "actuals.csv", *FIT[:2], "--scenario", "other.toml", cwd=begun)
    assert "Beware: other.toml asks 'Another' and plan.json answers 'By quarter'" in done.stdout


HOSTILE = {
    "no date": (lambda text: text.replace("2027-01-18", "soon"), 3, "is not a date"),
    "a date twice": (lambda text: text + "\n" + text.splitlines()[1], 3, "stands on line 2 already"),
    "a gap": (lambda text: "\n".join(text.splitlines()[:3] + text.splitlines()[4:]), 3, "no row for 2027-01-18"),
    "after the end": (lambda text: f"{text}\n2028-02-07,1,1,1,x", 3, "lies outside the horizon of the plan"),
    "before the start": (lambda text: f"{text}\n2026-12-28,1,1,1,x", 3, "lies outside the horizon of the plan"),
    "the far future": (lambda text: f"{text}\n2999-02-07,1,1,1,x", 3, "lies outside the horizon of the plan"),
    "negative": (lambda text: text.replace("11,", "11,-1", 1), 3, "is negative"),
    "no number": (lambda text: text.replace("04,", "04,NaN", 1), 3, "is no plain number"),
    "a separator of thousands": (lambda text: text.replace("04,", '04,"1,234",', 1), 3, "line 2"),
    "no channel": (lambda text: text.replace("search", "seek"), 3, "no column 'search'"),
    "nothing": (lambda text: "", 3, "the file is empty"),
    "a header alone": (lambda text: text.splitlines()[0], 3, "no rows below the header"),
    "semicolons": (lambda text: text.replace(",", ";"), 0, ""),
    "a mark of byte order": (lambda text: "\ufeff" + text, 0, ""),
    "rows that end as in Windows": (lambda text: text.replace("\n", "\r\n"), 0, ""),
    "rows in another order": (lambda text: "\n".join([text.splitlines()[0], *text.splitlines()[:0:-1]]), 0, ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_table_is_read_as_the_same_or_refused_in_one_sentence(begun, peso, name):
    change, code, told = HOSTILE[name]
    (begun / "wrong.csv").write_bytes(change((begun / "actuals.csv").read_text()).encode())
    done = peso("track", "plan.json", "wrong.csv", cwd=begun)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    if code == 0:
        assert done.stdout == peso("track", "plan.json", "actuals.csv", cwd=begun).stdout
    else:
        assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(begun, peso, encoding):
    text = (begun / "actuals.csv").read_text().replace("note", "n\u00f6te")
    (begun / "wrong.csv").write_bytes(text.encode(encoding))
    done = peso("track", "plan.json", "wrong.csv", cwd=begun)
    assert (done.returncode, done.stdout) == (3, "")
    assert encoding in done.stderr.lower()


def test_where_the_file_cannot_be_written_the_answer_is_told_all_the_same(begun, peso, monkeypatch):
    def full(path, content):
        raise StorageError(f"{path}: could not be written; choose another --out")

    monkeypatch.setattr(engine.files, "write_json", full)
    done = peso("track", "plan.json", "actuals.csv", "--out", "t.json", cwd=begun)
    assert (done.returncode, done.stdout[:9]) == (8, "On plan: ")
    assert "choose another --out" in done.stderr
    too_long = peso("track", "plan.json", "a" * 300 + ".csv", cwd=begun)
    assert (too_long.returncode, too_long.stdout) == (8, "")


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

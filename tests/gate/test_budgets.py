"""Size budgets: files, functions and classes that one can read at once."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = sorted(ROOT.glob("engine/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
SCRIPTS = sorted(ROOT.glob("experiments/**/*.py"))

FILE, FUNCTION, METHODS = 400, 40, 10  # lines, lines without the docstring, methods of a class


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file and its lines without the docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            told = ast.get_docstring(node, clean=False) is not None
            docstring = first.end_lineno - first.lineno + 1 if told else 0
            yield f"{name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1 - docstring


@pytest.mark.parametrize("path", ENGINE + TESTS + SCRIPTS, ids=name)
def test_a_file_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= FILE


def test_functions_of_the_engine_have_at_most_40_lines():
    assert [(where, lines) for path in ENGINE for where, lines in functions(path) if lines > FUNCTION] == []


def test_classes_have_at_most_ten_methods():
    crowded = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in ENGINE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and sum(isinstance(part, ast.FunctionDef) for part in node.body) > METHODS
    ]
    assert crowded == []


def rooms() -> set[str]:
    """The rooms of the engine: its packages and single modules, as import names."""
    found = {path.parent.name for path in ROOT.glob("engine/*/__init__.py")}
    found |= {path.stem for path in ROOT.glob("engine/*.py") if path.stem != "__init__"}
    return {f"engine.{room}" for room in found}


ONLY = {  # contract: the rooms that may import what it forbids to all others
    "solvers": {"engine.optimize"},
    "inference": {"engine.calibrate"},
    "search": {"engine.calibrate", "engine.stress"},
    "events": {"engine.simulate"},
    "tables": {"engine.data"},
    "workbooks": {"engine.report"},
    "terminal": {"engine.cli"},
}


@pytest.mark.parametrize("contract", ONLY)
def test_import_contracts_forget_no_room(contract):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    bound = set(next(entry["source_modules"] for entry in settings if entry["id"] == contract))
    assert rooms() - bound == ONLY[contract]
    assert not bound & ONLY[contract]


def test_packages_loaded_by_name_keep_to_their_room():
    named = {
        (path.relative_to(ROOT).parts[1], package)
        for path in ENGINE
        for package in re.findall(r"""import_module\(["'](\w+)["']""", path.read_text())
    }
    tables, pages = {("data", "openpyxl"), ("data", "polars")}, {("report", "jinja2"), ("report", "vl_convert")}
    assert named <= tables | pages | {("report", "xlsxwriter")}


def test_every_package_of_the_engine_says_what_it_is():
    silent = [name(path) for path in ENGINE if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_the_constraints_are_exact_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line)]
    assert odd == []

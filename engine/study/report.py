"""The report of some runs: one page for people, and its charts and tables as files."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine import __version__
from engine.errors import InputError
from engine.files import PAGES, require_free, require_suffix, whole_folder, write_text
from engine.report.page.given import Given
from engine.report.page.page import page_of
from engine.report.page.records import Page, Words, figures_of
from engine.report.plan_book import PlanBook, plan_book
from engine.report.plan_workbook import CONTENTS, plan_workbook
from engine.study.run_files import run_files
from engine.study.runs import read_runs

SCHEMA = "peso.report/1"
FORMS = {"--out": PAGES, "--workbook": (".xlsx",)}
PICTURES = (".svg", ".png", ".pdf")  # none of which a page is
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What was made of some runs."""

    given: Given
    page: Page

    def document(self, places: dict[str, Path | None]) -> dict[str, Any]:
        """What was made as plain values (schema peso.report/1)."""
        plan = self.given.plan
        return {
            "schema": SCHEMA,
            "currency": plan.currency if plan else None,
            "period": plan.period if plan else None,
            **{name: str(place) if place else None for name, place in places.items()},
            "title": self.page.title,
            "sections": [section.id for section in self.page.sections],
            "absent": [asdict(one) for one in self.page.absent],
            "files": [asdict(one) for one in self.given.sources],
        }

    @cached_property
    def book(self) -> PlanBook:
        """What a workbook of the plans holds."""
        return plan_book(self.given)

    def text(self, is_page: bool = True, is_book: bool = False) -> str:
        """What is decided; what is in the page and in the workbook, whichever was written, and what is not."""
        blocks = [block for section in self.page.sections for block in section.blocks if isinstance(block, Words)]
        findings = [block.paragraphs[0] for block in blocks if block.look in ("decision", "finding")]
        told = []
        if is_page:
            told += [f"In it: {', '.join(section.title for section in self.page.sections)}."]
            told += [f"Not in it: {one.title}. {one.remedy}" for one in self.page.absent]
        if is_book:
            told += [f"In the workbook: {', '.join(self.book.names)}. Its sheets: {', '.join(CONTENTS)}."]
            told += [f"Not in the workbook: {one}" for one in self.book.left_out]
            others = (
                ("stress test", self.given.stress),
                ("frontier", self.given.frontier),
                ("world", self.given.world),
            )
            beside = [name for name, run in others if run is not None]
            told += [f"Not in the workbook: {', '.join(beside)}, told on the page (--out)."] * bool(beside)
        return f"{next(iter(findings), self.page.title)}\n\n" + "\n".join(told)


def require_places(runs: Sequence[Path], files: Mapping[str, Path | None], charts: Path | None, force: bool) -> None:
    """Refuse places that are in use or one, and any file that the report is made from or a folder that holds one.

    Raises:
        InputError: With what is there.
        StorageError: Nothing can be written there.
    """
    _require_apart({**files, "--charts": charts})
    for named, place in files.items():
        if place:
            _require_form(named, place)
    inputs = [one for run in runs for one in run_files(run)]
    for named, place in files.items():
        if place:
            require_free(place, force, *inputs, form="file", named=named)
    if charts:
        require_free(charts, force, *inputs, form="folder", named="--charts")
        _require_outside(charts, [*filter(None, files.values()), *inputs])


def _require_apart(places: Mapping[str, Path | None]) -> None:
    """Refuse one place for two answers."""
    taken: dict[str, str] = {}
    for named, place in places.items():
        where = os.path.realpath(place) if place else ""
        if where in taken:
            raise InputError(f"{place}: is named by both {taken[where]} and {named}; name two places")
        if place:
            taken[where] = named


def _require_form(named: str, place: Path) -> None:
    """Refuse a name that ends as if another kind of file were written."""
    drawn = "; pictures of its charts are what --charts FOLDER makes" if place.suffix.lower() in PICTURES else ""
    require_suffix(place, FORMS[named], named, drawn if named == "--out" else "")


def _require_outside(folder: Path, places: Sequence[Path]) -> None:
    """Refuse a folder of charts that holds what is read or written besides, as names of charts may be taken there."""
    around = Path(os.path.realpath(folder))
    for place in places:
        if around in Path(os.path.realpath(place)).parents:
            raise InputError(
                f"{place}: lies in {folder}, the folder of --charts, whose files might take its place; "
                "give --charts a folder of its own"
            )


def read_report(runs: Sequence[Path]) -> Report:
    """The page of some runs.

    Raises:
        InputError: A run is unknown or damaged, or they do not belong together.
        StorageError: The system would not read a file.
    """
    given = read_runs(runs)
    return Report(given, page_of(given, __version__))


def write_page(made: Report, out: Path) -> int:
    """Write a page as one HTML file; its size [bytes].

    Raises:
        StorageError: The file cannot be written.
    """
    html = importlib.import_module("engine.report.page.html")  # needs the extra, which a workbook does without
    drawn = importlib.import_module("engine.report.page.drawn").drawn
    text: str = html.page_html(made.page, {figure.name: drawn(figure) for figure in figures_of(made.page)})
    write_text(out, text)
    return len(text.encode())


def write_book(made: Report, path: Path) -> int:
    """Write the workbook of the plans of a report; its size [bytes].

    Raises:
        InputError: There is no fit or no plan, or a plan does not follow from its curves and its money alone.
        StorageError: The file cannot be written.
    """
    plan_workbook(path, made.book)
    return path.stat().st_size


def write_charts(made: Report, folder: Path) -> int:
    """Write each chart of a page as SVG, PNG and PDF and each table as CSV; how many files there are.

    Raises:
        StorageError: The folder cannot be written.
    """
    apart = importlib.import_module("engine.report.page.apart")  # needs the extra
    names: tuple[str, ...] = apart.names_of(made.page)
    with whole_folder(folder, names) as place:
        apart.write_apart(place, made.page)
    return len(names)

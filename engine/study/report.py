"""The report of some runs: one page for people, and its charts and tables as files."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from engine import __version__
from engine.files import require_free, write_text
from engine.report.page.drawn import drawn
from engine.report.page.given import Given
from engine.report.page.html import page_html
from engine.report.page.page import page_of
from engine.report.page.records import Page, Words, figures_of
from engine.study.runs import read_runs

Tell = Callable[[str], None]


class Report(NamedTuple):
    """What was made."""

    page: Page
    given: Given
    size: int  # of the file [bytes]

    def document(self, out: Path) -> dict[str, Any]:
        """What was made as plain values (schema peso.report/1)."""
        plan = self.given.plan
        return {
            "schema": "peso.report/1",
            "currency": plan.currency if plan else None,
            "period": plan.period if plan else None,
            "page": str(out),
            "bytes": self.size,
            "title": self.page.title,
            "sections": [section.id for section in self.page.sections],
            "absent": [{"title": one.title, "remedy": one.remedy} for one in self.page.absent],
            "files": [asdict(one) for one in self.given.sources],
        }

    def text(self) -> str:
        """What the page opens with, and what could be added."""
        first = next(block for section in self.page.sections for block in section.blocks if isinstance(block, Words))
        told = [first.paragraphs[0], f"Sections: {', '.join(section.title for section in self.page.sections)}."]
        told += [
            "Not in it: " + " ".join(f"{one.title} ({one.remedy.rstrip('.')});" for one in self.page.absent)[:-1] + "."
        ] * bool(self.page.absent)
        return "\n\n".join(told)


def write_report(runs: Sequence[Path], out: Path, force: bool, tell: Tell = lambda _: None) -> Report:
    """Write the page of some runs as one HTML file.

    Raises:
        InputError: A run is unknown or damaged, runs do not belong together, or the file is in use.
        StorageError: The file cannot be written.
    """
    require_free(out, force, *runs, form="file")
    given = read_runs(runs)
    page = page_of(given, __version__)
    tell("drawing")
    text = page_html(page, {figure.name: drawn(figure) for figure in figures_of(page)})
    write_text(out, text)
    return Report(page, given, len(text.encode()))

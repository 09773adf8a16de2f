"""What a page consists of: sections of words, facts, charts and tables; text only, nothing of HTML."""

from dataclasses import dataclass
from typing import ClassVar

from engine.report.charts.look import Spec


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what is read, and the number behind it."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows below a header; the first cell of each row names it."""

    form: ClassVar[str] = "table"
    name: str  # of its file
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart, with the table of what it shows."""

    form: ClassVar[str] = "figure"
    name: str  # of its files
    spec: Spec
    table: Table | None = None
    slim: Spec | None = None  # the same for phones, where labels are placed by pixels; None: narrowing does


@dataclass(frozen=True)
class Fact:
    """One number that is seen at a glance: its name, itself, and its range or what it is of."""

    name: str
    value: str
    note: str = ""
    exact: float | None = None


@dataclass(frozen=True)
class Facts:
    """A few numbers side by side."""

    form: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Words:
    """Paragraphs; `look` says what they are: plain ones, a decision, or warnings."""

    form: ClassVar[str] = "words"
    paragraphs: tuple[str, ...]
    look: str = "plain"


@dataclass(frozen=True)
class Listed:
    """Sentences one below the other, each with the word that it begins with."""

    form: ClassVar[str] = "listed"
    items: tuple[tuple[str, str], ...]
    look: str = "plain"


Block = Table | Figure | Facts | Words | Listed


@dataclass(frozen=True)
class Section:
    """One part of the page, with the heading under which it is found."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Absent:
    """A part that no run was given for."""

    title: str
    remedy: str  # what would add it


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True)
class View:
    """One drawing, and what stands above it where there are several."""

    title: str
    svg: str
    slim: str = ""  # the same for phones; empty where it is slim already, or cannot be


@dataclass(frozen=True)
class Chart:
    """A chart as a page shows it."""

    title: str  # what it finds
    reading: str  # how to read it
    views: tuple[View, ...]


def figures_of(page: Page) -> tuple[Figure, ...]:
    """Every chart of a page, in order."""
    return tuple(block for section in page.sections for block in section.blocks if isinstance(block, Figure))


def tables_of(page: Page) -> tuple[Table, ...]:
    """Every table of a page, those behind charts among them, in order."""
    blocks = [block for section in page.sections for block in section.blocks]
    found = [block.table if isinstance(block, Figure) else block for block in blocks]
    return tuple(one for one in found if isinstance(one, Table))

"""The workbook of a stress test, for finance: marked inputs, live formulas, valued by the engine."""

from collections.abc import Callable
from pathlib import Path

from engine.report.stress_bridge import write_bridge
from engine.report.stress_checks import write_checks
from engine.report.stress_figures import write_bands, write_figures
from engine.report.stress_inputs import write_inputs
from engine.report.stress_layout import (
    BANDS,
    BRIDGE,
    CASES,
    CHECKS,
    FIGURES,
    INPUTS,
    LIMITS,
    MADE,
    MOVES,
    POLICIES,
    QUARTERS,
    RUN,
    SUMMARY,
    TORNADO,
    WORST,
    Layout,
    layout,
)
from engine.report.stress_limits import write_limits, write_moves
from engine.report.stress_policies import write_cases, write_policies
from engine.report.stress_quarters import write_quarters
from engine.report.stress_run import write_run
from engine.report.stress_summary import write_made, write_summary
from engine.report.stress_tornado import write_tornado, write_worst
from engine.report.workbook import Book, opened, save
from engine.stress.readout import Answer


def stress_workbook(path: Path, answer: Answer) -> None:
    """Write a stress test as a workbook that recalculates to the engine's figures.

    Args:
        path: Of the .xlsx file, which appears whole or not at all.
        answer: What was found.

    Raises:
        StorageError: The folder cannot be written or the disk is full.
    """
    book, told, every = opened(), layout(answer), _sheets(answer)
    write_summary(book.sheet(SUMMARY, is_one_page=True), told, tuple(every))
    for write in every.values():
        write(book, told)
    save(book, path)


def _sheets(found: Answer) -> dict[str, Callable[[Book, Layout], None]]:
    """The sheets after the first one, in order; those that have nothing to tell are left out."""
    every: dict[str, tuple[Callable[[Book, Layout], None], bool]] = {
        QUARTERS: (write_quarters, True),
        POLICIES: (write_policies, True),
        CASES: (write_cases, len(found.cases) > 1),
        BRIDGE: (write_bridge, True),
        TORNADO: (write_tornado, bool(found.tornado)),
        WORST: (write_worst, bool(found.worst)),
        LIMITS: (write_limits, bool(found.even or found.committed or found.queue)),
        MOVES: (write_moves, bool(found.moved)),
        INPUTS: (write_inputs, True),
        FIGURES: (write_figures, True),
        BANDS: (write_bands, True),
        RUN: (write_run, True),
        CHECKS: (write_checks, True),
        MADE: (write_made, True),
    }
    return {name: write for name, (write, is_told) in every.items() if is_told}

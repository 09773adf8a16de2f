"""The workbook of a stress test, for finance: marked inputs, live formulas, valued by the engine."""

from pathlib import Path

from engine.report.stress_checks import write_checks, write_summary
from engine.report.stress_inputs import write_figures, write_inputs
from engine.report.stress_layout import SUMMARY, layout
from engine.report.stress_policies import write_bridge, write_cases, write_policies
from engine.report.stress_quarters import write_quarters
from engine.report.workbook import opened, save
from engine.stress.readout import Answer


def stress_workbook(path: Path, answer: Answer) -> None:
    """Write a stress test as a workbook that recalculates to the engine's figures.

    Args:
        path: Of the .xlsx file, which appears whole or not at all.
        answer: What was found.

    Raises:
        StorageError: The folder cannot be written or the disk is full.
    """
    book, told = opened(), layout(answer)
    write_summary(book.sheet(SUMMARY), told)
    write_quarters(book, told)
    if answer.bridge:
        write_bridge(book, told)
    write_policies(book, told)
    if len(answer.cases) > 1:
        write_cases(book, told)
    write_inputs(book, told)
    write_figures(book, told)
    write_checks(book, told)
    save(book, path)

"""Which case of a stress test a figure is of, in words."""

from engine.report.charts.look import opening, short
from engine.report.stress_choice import told_case
from engine.stress.readout import Answer, CaseReading

LONG = 60  # letters of the name of a case


def in_case(found: Answer, case: CaseReading | None = None) -> str:
    """The case that is told, with a space before it; empty where there is only one."""
    return f" in the case {short((case or told_case(found)).name, LONG)}" if len(found.cases) > 1 else ""


def case_first(found: Answer, finding: str, case: CaseReading | None = None) -> str:
    """A finding that opens with the case it is of, where there are several."""
    where = in_case(found, case).strip()
    return f"{opening(where)}: {finding[:1].lower()}{finding[1:]}" if where else finding

"""Where everything stands in the workbook of a stress test, so that formulas of one sheet find the cells of another."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.report.stress_choice import TOLD, choice, told_case
from engine.report.workbook import Cell, Form, Sheet, place, short
from engine.stress.readout import Answer, Reading, Spread

SUMMARY, INPUTS, FIGURES, BANDS, QUARTERS = "Summary", "Inputs", "By quarter", "Bands", "Quarters"
POLICIES, CASES, BRIDGE, TORNADO, WORST = "Policies", "Cases", "Bridge", "Tornado", "Worst paths"
LIMITS, MOVES, RUN, CHECKS, MADE = "Limits", "Where money goes", "This run", "Checks", "Made from"
TOP = 4  # first row of a table, below its title and its header
SHORT = 60  # letters of a name in a list that one chooses from
NEXT_CASE, NEXT_POLICY = 100_000, 1_000  # by which the keys of cases and of policies differ
HOLD = "hold"  # the policy with which others are compared

# Sheet "Summary": the switch, the numbers of what it says, and its rows in the sheets of policies and of this run.
CASE, POLICY = (4, 1), (5, 1)
CASE_NUMBER, POLICY_NUMBER, SHOWN_ROW, HELD_ROW = ((row, 2) for row in range(4, 8))
# Sheet "Inputs".
PLAN, TARGET, SPEND, LEVEL, MARGIN, RATE, CUSTOMERS, MEDIA = ((row, 1) for row in range(TOP, TOP + 8))
LISTS = TOP + 12  # first row of the lists of cases and policies

LIVE = "Dark headers: formulas, which follow what is marked blue. Grey headers: values of this run, not recalculated."
GREY = "Values of this run, not recalculated: no input changes them."


@dataclass(frozen=True)
class Line:
    """One policy of one case."""

    case: int  # from 1
    policy: int  # from 1
    told: Reading
    first: int  # its first row in the sheets of figures by quarter
    row: int  # in the sheets of policies and of this run

    @property
    def last(self) -> int:
        """Its last row in the sheets of figures by quarter."""
        return self.first + len(self.told.quarters) - 1

    @property
    def key(self) -> int:
        """By which its quarters are found, each with its number from 1 on top."""
        return self.case * NEXT_CASE + self.policy * NEXT_POLICY


@dataclass(frozen=True)
class Layout:
    """What is told, and where."""

    found: Answer
    cases: tuple[str, ...]  # as they are chosen from a list
    policies: tuple[str, ...]
    lines: tuple[Line, ...]
    chosen: Line  # when the workbook is opened
    in_money: bool  # whether profit is known
    amount: Form
    outcome: str  # what the outcome counts, and in what, for the header of a column
    currency: str  # for the header of a column

    @property
    def margin(self) -> float | None:
        """The margin that all outcome has; None where there is no such one, and only sums of money are known."""
        return self.found.terms.margin or None

    @property
    def last(self) -> int:
        """The last row of the sheets of figures by quarter."""
        return max(line.last for line in self.lines)

    @property
    def ends(self) -> tuple[int, int]:
        """First and last row in the sheets of policies and of this run."""
        return self.lines[0].row, self.lines[-1].row

    @property
    def held(self) -> int | None:
        """The number of the policy that holds the plan; None where it was not played."""
        return next((line.policy for line in self.lines if line.told.policy == HOLD), None)

    def held_beside(self, line: Line) -> Line | None:
        """The plan held in the case of a line."""
        return next((one for one in self.lines if (one.case, one.policy) == (line.case, self.held)), None)


def layout(found: Answer) -> Layout:
    """Where everything stands."""
    names = list(dict.fromkeys(one.policy for case in found.cases for one in case.policies))
    lines: list[Line] = []
    first = TOP
    for number, case in enumerate(found.cases, 1):
        for told in case.policies:
            lines.append(Line(number, names.index(told.policy) + 1, told, first, TOP + len(lines)))
            first = lines[-1].last + 1
    best = choice(told_case(found))
    size = max(abs(found.planned.mean), *(abs(line.told.outcome.mean) for line in lines))
    return Layout(
        found=found,
        cases=tuple(f"{number}. {short(case.name, SHORT)}" for number, case in enumerate(found.cases, 1)),
        policies=tuple(short(TOLD.get(name, name), SHORT) for name in names),
        lines=tuple(lines),
        chosen=next(line for line in lines if line.told is best),
        in_money=all(
            line.told.profit and line.told.present and all(one.flow for one in line.told.quarters) for line in lines
        ),
        amount="amount" if size >= 1000 else "fine",
        outcome=short(f"{found.unit} {found.measure}".strip(), SHORT),
        currency=short(found.currency, SHORT),
    )


def head_of(names: Sequence[str], begin: str) -> int:
    """The number of the header that begins so."""
    return next(at for at, name in enumerate(names) if name.startswith(begin))


def mean(of: Spread | None) -> float:
    """The mean of a figure, 0 where it is not known."""
    return of.mean if of else 0.0


def from_inputs(cell: Cell) -> str:
    """What a formula calls a cell of the inputs."""
    return place(cell, INPUTS)


def from_switch(cell: Cell) -> str:
    """What a formula calls a cell of the switch."""
    return place(cell, SUMMARY)


def titled(sheet: Sheet, told: Layout, title: str, notes: tuple[str, str]) -> None:
    """Write the title of a sheet, of which days and in which currency it tells, and what one has to know of it."""
    sheet.page.set_row(0, 22)
    sheet.text((0, 0), title, "title")
    note, legend = notes
    sheet.text((1, 0), f"{note} {short(told.found.span, SHORT)}, money in {told.currency}.", "remark")
    sheet.text((2, 0), legend, "remark")

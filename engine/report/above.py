"""The split above the channels as text, and tables of channels with their parts under them."""

from collections.abc import Callable, Sequence

from engine.optimize.above import Level
from engine.optimize.plan import Line, Plan
from engine.report.figures import amount, rate
from engine.report.history import scaled_note
from engine.words import money, number, percent, table

INDENT = "  "  # before the name of a part


def split_above(plan: Plan, before: str = "history", note: str = "") -> str:
    """The strategic split by role, kind, geo and segment, with what it costs to fix it; empty where there is none.

    Args:
        plan: Whose split is told.
        before: What its baseline is, above the column.
        note: The footnote on it; where there is none, that history's money was scaled, if it was.
    """
    told = [level for level in plan.above if level.of != "channel"]
    if not told:
        return ""
    asked, free = any(level.asked for level in told), any(level.free is not None for level in told)
    header = ["split above", before, "share", "plan", "share"]
    header += ["asked"] * asked + ["free"] * free + ["outcome", "return"]
    rows = [_row(plan, level, asked, free) for level in told]
    return "\n".join(part for part in (table(header, rows), note or scaled_note(plan), _cost(plan)) if part)


def _row(plan: Plan, level: Level, asked: bool, free: bool) -> list[str]:
    before = sum(plan.baseline.spend)
    return [
        f"{level.of} {level.name}" if level.name is not None else f"no {level.of}",
        number(level.baseline),
        percent(level.baseline / before) if before else "-",
        number(level.spend),
        percent(level.share),
        *([_asked(level)] if asked else []),
        *([percent(level.free) if level.free is not None else "-"] if free else []),
        number(level.outcome.mean),
        rate(level.outcome.mean / level.spend) if level.spend > 0 else "-",
    ]


def _asked(level: Level) -> str:
    """What the strategy allows: a share, or its bounds."""
    if level.asked is None:
        return "-"
    least, most = level.asked
    if least == most:
        return percent(least)
    if most == 1:
        return f"at least {percent(least)}"
    return f"{percent(least)} .. {percent(most)}" if least else f"at most {percent(most)}"


def _cost(plan: Plan) -> str:
    """What the strategy costs against the split that would be best without it."""
    if plan.fixing is None:
        return ""
    seen = plan.gap * abs(plan.bound)
    if plan.fixing.net <= seen:
        return "To fix this split costs nothing that the proof could see: the best plan without it is worth as much."
    cost, least = plan.fixing.gain, "" if plan.proven else "at least "
    told = f"costs {least}{money(cost, plan.unit)} {plan.measure}" if cost > seen else "costs nothing on average"
    if plan.tolls:
        told += f", and after the charge for the doubt of moves {amount(plan.fixing.net, plan)}"
    return (
        f"To fix this split {told}: that is what the best plan without the strategy has more, all else as it is; it "
        "splits as under free."
    )


def with_parts(
    plan: Plan, row: Callable[[Line], list[str]], whole: Callable[[Level, Sequence[Line]], list[str]]
) -> list[list[str]]:
    """Rows of a table by entry; parts are indented under a row for their channel, at the place of the first part.

    Args:
        plan: Whose lines are told.
        row: The cells of an entry, the name first.
        whole: The cells of a channel with parts, given its parts.
    """
    wholes = {level.name: level for level in plan.above if level.of == "channel"}
    rows, told = [], set()
    for line in plan.lines:
        if line.channel is None:
            rows.append(row(line))
        elif line.channel not in told:
            told.add(line.channel)
            parts = [part for part in plan.lines if part.channel == line.channel]
            rows.append(whole(wholes[line.channel], parts))
            rows += [[INDENT + cells[0], *cells[1:]] for cells in map(row, parts)]
    return rows

"""A grid of variations as text, as a document and as a table for spreadsheets."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.optimize.batch.grid import GridPlan
from engine.optimize.closeness import CERTIFIED
from engine.report.figures import beware, rate
from engine.words import money, number, percent, plain, table

SCHEMA = "peso.grid/1"
SHOWN = 12  # rows of the table on a terminal: all, or half from either end
NOTABLE = 0.005  # share of the budget below which a move is not told


def grid_text(grid: GridPlan) -> str:
    """A grid for the terminal: the best and the worst row, a compact table, and what is proven."""
    planned = np.flatnonzero(grid.batch.planned[1:]) + 1
    parts = [part for part in (_decision(grid, planned), beware(grid.warnings)) if part]
    if planned.size:
        parts.append(_table(grid, planned))
    parts.append(_proof(grid, planned))
    return "\n\n".join(parts)


def _decision(grid: GridPlan, planned: np.ndarray) -> str:
    head = f"{plain(grid.scenario)}, {_count(len(grid.names) - 1)}: "
    if not planned.size:
        return f"{head}no plan in any of them."
    order, worth = _ranked(grid, planned), grid.batch.value
    best, worst = int(order[0]), int(order[-1])
    if best == worst or worth[best] == worth[worst]:
        return f"{head}{_told(grid, best)}."
    charged = " after the charge for the doubt of its moves" if _is_charged(grid) else ""
    return f"{head}best{charged} is {_told(grid, best)}; worst is {_told(grid, worst)}."


def _ranked(grid: GridPlan, planned: np.ndarray) -> np.ndarray:
    """Rows with a plan, the best first by what is maximised."""
    order: np.ndarray = planned[np.argsort(-grid.batch.value[planned], kind="stable")]
    return order


def _is_charged(grid: GridPlan) -> bool:
    """Whether moves of any row are charged for their doubt, so that worth is less than what is shown."""
    return bool(np.nanmax(grid.batch.tolls, initial=0.0) > 0)


def without_plan(grid: GridPlan) -> str:
    """That some variations have no plan, or the scenario as asked, and what to do; empty where all have one."""
    missing = [plain(name) for name, known in zip(grid.names, grid.batch.planned, strict=True) if not known]
    if not missing:
        return ""
    rows = len(missing) - (not grid.batch.planned[0])
    told = f"for {rows:,} of {_count(len(grid.names) - 1)}, the first is {missing[-rows]!r}" if rows else ""
    asked = "" if grid.batch.planned[0] else f"{', nor ' * bool(rows)}for the scenario as asked"
    what = "it" if len(missing) == 1 else "one"
    return f"no plan {told}{asked}; ask {what} alone, as a scenario, to see which rules are in conflict"


def _count(rows: int) -> str:
    return f"{rows:,} variation{'s' * (rows != 1)}"


def _told(grid: GridPlan, row: int) -> str:
    """One row in words: what it earns, and how that differs from the plan as asked."""
    earned = money(float(grid.mean[row]), grid.unit)
    change = f" ({_change(grid, row)} against the plan as asked)" if grid.batch.planned[0] else ""
    spent = money(float(grid.batch.spend[row].sum()), grid.currency)
    return f"{plain(grid.names[row])!r} with {earned} {grid.measure} from {spent}{change}"


def _change(grid: GridPlan, row: int) -> str:
    change, base = float(grid.mean[row] - grid.mean[0]), float(grid.mean[0])
    told = money(change, grid.unit, signed=True)
    return f"{told}, {percent(change / base, signed=True)}" if base > 0 and grid.measure != "profit" else told


def _table(grid: GridPlan, planned: np.ndarray) -> str:
    order = _ranked(grid, planned).tolist()
    cut = len(order) > SHOWN
    shown = [*order[: SHOWN // 2], *order[-SHOWN // 2 :]] if cut else order
    left = len(order) - len(shown)
    if grid.batch.planned[0]:
        shown.insert(SHOWN // 2 if cut else len(shown), 0)
    header = [
        "variation",
        "budget",
        "spend",
        grid.measure,
        "change",
        "return",
        "gap",
        "moves against the plan as asked",
    ]
    notes = f"{grid.currency} over the horizon, {grid.measure} as the mean over all draws"
    if _is_charged(grid):
        notes += ", before the charge for the doubt of moves, after which rows are ranked"
    notes += f"; {left:,} rows between are not shown, --out and --json give all." if cut else "."
    return table(header, [_row(grid, row) for row in shown]) + "\n" + notes


def _row(grid: GridPlan, row: int) -> list[str]:
    batch, mean = grid.batch, float(grid.mean[row])
    spent, known = float(batch.spend[row].sum()), bool(batch.planned[0])
    return [
        grid.names[row],
        number(float(batch.budget[row])),
        number(spent),
        number(mean),
        money(mean - float(grid.mean[0]), "", signed=True) if known else "-",
        rate(mean / spent) if spent > 0 else "-",
        f"{100 * batch.gap[row]:.3f} %",
        _moves(grid, row) if known else "-",
    ]


def _moves(grid: GridPlan, row: int) -> str:
    """The largest move of money to less and to more."""
    moved = grid.batch.spend[row] - grid.batch.spend[0]
    least = NOTABLE * max(float(grid.batch.spend[0].sum()), 1e-300)
    told = [
        f"{plain(grid.batch.names[at])} {money(float(moved[at]), '', signed=True)}"
        for at in (int(np.argmin(moved)), int(np.argmax(moved)))
        if abs(moved[at]) > least
    ]
    return ", ".join(dict.fromkeys(told)) or "none"


def _proof(grid: GridPlan, planned: np.ndarray) -> str:
    batch = grid.batch
    told = []
    if planned.size:
        gaps = batch.gap[planned]
        certified = int(np.sum(gaps <= CERTIFIED))
        shown = (
            f"what its plan {'is worth after the charge for the doubt of its moves' if _is_charged(grid) else 'earns'}"
        )
        told.append(
            f"{certified:,} of {_count(planned.size)} certified; no plan under a row's rules is worth more than its "
            f"bound, at most {100 * float(gaps.max()):.4f} % above {shown}"
        )
    if batch.exact.any():
        told.append(f"{int(batch.exact.sum()):,} rows were solved alone")
    if (missing := len(grid.names) - 1 - planned.size) > 0:
        first = plain(grid.names[int(np.flatnonzero(~batch.planned[1:])[0]) + 1])
        told.append(f"{missing:,} without a plan, the first is {first!r}")
    seconds = batch.seconds
    spent = seconds.tables + seconds.division + seconds.valuation + seconds.exact
    return f"Proof: {'. '.join(told)}. {spent:.2f} s."


def grid_document(grid: GridPlan) -> dict[str, Any]:
    """All rows as plain values (schema peso.grid/1); figures of a row without a plan are null."""
    return {
        "schema": SCHEMA,
        "scenario": grid.scenario,
        "warnings": list(grid.warnings),
        "currency": grid.currency,
        "measure": grid.measure,
        "channels": list(grid.batch.names),
        "axes": list(grid.axes),
        "rows": [_document(grid, row) for row in range(len(grid.names))],
        "seconds": {name: float(value) for name, value in vars(grid.batch.seconds).items()},
    }


def _document(grid: GridPlan, row: int) -> dict[str, Any]:
    batch, planned = grid.batch, bool(grid.batch.planned[row])
    status = "certified" if batch.gap[row] <= CERTIFIED else "feasible"
    figures = ("value", "tolls", "bound", "gap")
    return {
        "name": grid.names[row],
        "settings": {
            axis: None if np.isnan(value) else value
            for axis, value in zip(grid.axes, grid.settings[row].tolist(), strict=True)
        },
        "status": status if planned else "no plan",
        "budget": float(batch.budget[row]),
        "spend": batch.spend[row].tolist() if planned else None,
        **{name: float(getattr(batch, name)[row]) if planned else None for name in figures},
        "solved_alone": bool(batch.exact[row]),
    }


def grid_header(grid: GridPlan) -> list[str]:
    """The names of the columns of the table for spreadsheets."""
    spends = [f"spend {name}" for name in grid.batch.names]
    return ["variation", *grid.axes, "budget", *spends, "value", "tolls", "bound", "gap", "solved_alone"]


def grid_rows(grid: GridPlan) -> Iterator[list[Any]]:
    """The rows of the table for spreadsheets; empty cells where there is no plan."""
    batch = grid.batch
    for row, name in enumerate(grid.names):
        figures = [*batch.spend[row], batch.value[row], batch.tolls[row], batch.bound[row], batch.gap[row]]
        cells = [*grid.settings[row], batch.budget[row], *figures]
        yield [name, *("" if np.isnan(cell) else float(cell) for cell in cells), bool(batch.exact[row])]

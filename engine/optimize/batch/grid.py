"""A grid of variations of one scenario: its rows by name, planned together, beside the plan as asked."""

import difflib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.config.grid import AS_ASKED, Grid, Row
from engine.config.scenario import Scenario
from engine.errors import InputError
from engine.optimize import goals
from engine.optimize.batch.arrays import NUMPY, Backend
from engine.optimize.batch.batch import Batch, batch
from engine.optimize.batch.variations import Variations
from engine.optimize.rules import problem_of
from engine.optimize.selecting import is_named
from engine.response.curves import Curves


@dataclass(frozen=True)
class GridPlan:
    """The best split of every row of a grid; row 0 is the scenario as asked, the grid's own rows follow."""

    scenario: str
    currency: str
    unit: str  # of the objective: the currency; empty where the outcome is not money
    measure: str  # what the objective counts
    axes: tuple[str, ...]  # what varies
    names: tuple[str, ...]  # of the rows
    settings: Float[np.ndarray, "row axis"]
    batch: Batch
    warnings: tuple[str, ...] = ()  # what a reader must know before acting on it

    @property
    def mean(self) -> Float[np.ndarray, " row"]:
        """The plain mean objective, before tolls on moves."""
        total: np.ndarray = self.batch.value + self.batch.tolls
        return total


def plan_grid(curves: Curves, scenario: Scenario, grid: Grid, backend: Backend = NUMPY) -> GridPlan:
    """The best split of every row of a grid.

    Raises:
        InputError: The grid names a channel that the curves do not have, or the scenario does not fit the curves.
    """
    budget = problem_of(curves, scenario).budget.high
    axes, rows = (_listed if grid.rows else _combined)(grid)
    for axis in axes:
        _require_known(axis, (*curves.names, *curves.wholes))
    asked = np.concatenate([_unchanged(axes, budget)[None, :], rows])
    names = [row.name or _name(axes, asked[at + 1], asked[0]) for at, row in enumerate(grid.rows)]
    names = names or [_name(axes, values, None) for values in asked[1:]]
    return GridPlan(
        scenario.name,
        curves.currency,
        goals.unit(curves, scenario.goal),
        goals.measure(curves, scenario.goal),
        axes,
        (AS_ASKED, *names),
        asked,
        batch(curves, scenario, _variations(axes, asked, curves, budget), backend),
    )


def _combined(grid: Grid) -> tuple[tuple[str, ...], Float[np.ndarray, "row axis"]]:
    """What varies in a grid of combinations, and the values of every row."""
    return tuple(name for name, _ in grid.axes), np.array(grid.combined, float)


def _listed(grid: Grid) -> tuple[tuple[str, ...], Float[np.ndarray, "row axis"]]:
    """What any of the listed rows varies, and the values of every row; not a number where it is as in the scenario."""
    said = [_said(row) for row in grid.rows]
    axes = tuple(dict.fromkeys(axis for row in said for axis in row)) or ("budget.multiple",)
    return axes, np.array([[row.get(axis, np.nan) for axis in axes] for row in said])


def _said(row: Row) -> dict[str, float]:
    budget = {"budget.multiple": row.multiple, "budget.total": row.total}
    said = {axis: value for axis, value in budget.items() if value is not None}
    said |= {f"price.{name}": factor for name, factor in row.price.items()}
    return said | {f"effect.{name}": factor for name, factor in row.effect.items()}


def _unchanged(axes: tuple[str, ...], budget: float) -> Float[np.ndarray, " axis"]:
    """The values under which the scenario is as asked."""
    return np.array([budget if axis == "budget.total" else 1.0 for axis in axes])


def _variations(
    axes: tuple[str, ...], asked: Float[np.ndarray, "row axis"], curves: Curves, budget: float
) -> Variations:
    """What varies by row, as the planner takes it; a factor of a channel with parts is one of each part."""
    channels = curves.channels
    total = np.full(len(asked), budget)
    factors = {"price": np.ones((len(asked), len(channels))), "effect": np.ones((len(asked), len(channels)))}
    for axis, given in zip(axes, asked.T, strict=True):
        kind, _, place = axis.partition(".")
        if kind == "budget":
            money = given if place == "total" else given * budget
            total = np.where(np.isnan(money), total, money)
        elif kind == "every_channel":
            factors[place] *= np.nan_to_num(given, nan=1.0)[:, None]
        else:
            inside = np.array([is_named(channel, (place,)) for channel in channels])
            factors[kind][:, inside] *= np.nan_to_num(given, nan=1.0)[:, None]
    return Variations(budget=total, price=factors["price"], effect=factors["effect"])


def _name(axes: tuple[str, ...], values: np.ndarray, unchanged: np.ndarray | None) -> str:
    """A row in words; what is as in the scenario is left out where `unchanged` says what that is.

    >>> _name(("budget.multiple", "price.tv"), np.array([0.8, 1.2]), None)
    'budget x 0.8, tv price x 1.2'
    """
    told = []
    for at, (axis, value) in enumerate(zip(axes, values.tolist(), strict=True)):
        if np.isnan(value) or (unchanged is not None and value == unchanged[at]):
            continue
        kind, _, place = axis.partition(".")
        what = {"budget": "budget", "every_channel": f"every {place}"}.get(kind, f"{place} {kind}")
        told.append(f"{what} {value:.6g}" if axis == "budget.total" else f"{what} x {value:.4g}")
    return ", ".join(told) or AS_ASKED


def _require_known(axis: str, channels: tuple[str, ...]) -> None:
    kind, _, name = axis.partition(".")
    if kind in ("price", "effect") and name not in channels:
        close = difflib.get_close_matches(name, channels, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise InputError(
            f"the grid names {name!r} under {kind}, which the curves do not have; {hint}channels there: "
            f"{', '.join(channels)}"
        )

"""One scenario file varied by a grid file, all rows at once."""

from dataclasses import replace
from pathlib import Path

from engine.config.grid import Grid
from engine.config.loading import load
from engine.optimize.batch.arrays import NUMPY, Backend
from engine.optimize.batch.grid import GridPlan, plan_grid
from engine.study.ask import curves_of
from engine.study.fit_doubts import fit_doubts
from engine.study.question import question


def vary(fit: Path, scenario: Path, grid: Path, accept_weak_fit: bool = False, backend: Backend = NUMPY) -> GridPlan:
    """The best split of every row of a grid over a scenario, on a curves file or a fit folder."""
    known, varied = curves_of(fit, accept_weak_fit), load(grid, Grid)
    return replace(plan_grid(known, question(scenario, known), varied, backend), warnings=fit_doubts(fit))

"""A calibration made ready: the panel, the baseline, the priors and the evidence, built once."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float

from engine.calibrate.baseline import Design, design
from engine.calibrate.density import Evidence, contributions, gather, place_parameters
from engine.calibrate.linear import LinearBlock, linear_block
from engine.calibrate.panel import Panel, scale
from engine.calibrate.priors import Parameters, Priors, believe
from engine.config.model import Baseline
from engine.data.dataset import Dataset

FEWEST_GEOS = 4  # below this the noise of a geo is not compared with its size


@dataclass(frozen=True)
class Problem:
    """What every speed and every check works on."""

    panel: Panel
    baseline: Design
    priors: Priors
    weight: Float[np.ndarray, " row"]  # root of the relative precision of a row
    linear: LinearBlock  # of all rows
    evidence: Evidence  # of all rows


@dataclass(frozen=True)
class Media:
    """What the channels explain, draw by draw."""

    rows: Float[np.ndarray, "draw row"]  # all channels together, per head [scaled outcome]
    national: Float[np.ndarray, "draw period channel"]  # over all geos [outcome/period]
    ceiling: Float[np.ndarray, "draw channel"]  # per head [scaled outcome]
    parameters: Parameters


def prepare(dataset: Dataset, baseline: Baseline) -> Problem:
    """Everything that can be computed before the search."""
    panel = scale(dataset)
    columns = design(dataset, baseline)
    priors = believe(dataset.kinds, dataset.driver.sum(axis=(0, 1)), dataset.period)
    weight = _weight(panel, columns)
    linear = linear_block(panel.outcome.reshape(-1), weight, columns)
    return Problem(panel, columns, priors, weight, linear, _placed(panel, priors, linear))


def hold_out(problem: Problem, seen: Bool[np.ndarray, " period"]) -> tuple[LinearBlock, Evidence]:
    """The same problem with some periods unseen; every array keeps its shape, so nothing compiles again."""
    weight = problem.weight * np.repeat(seen, len(problem.panel.size))
    linear = linear_block(problem.panel.outcome.reshape(-1), weight, problem.baseline)
    return linear, _placed(problem.panel, problem.priors, linear)


def _placed(panel: Panel, priors: Priors, linear: LinearBlock) -> Evidence:
    placed: Evidence = jax.device_put(gather(panel, priors, linear))
    return placed


def explain(problem: Problem, places: Float[np.ndarray, "draw coordinate"]) -> Media:
    """What the channels explain at many places, in numpy, one draw at a time to keep memory small."""
    panel = problem.panel
    evidence = gather(panel, problem.priors, problem.linear)
    parameters = place_parameters(places, problem.priors)
    rows, national, ceilings = [], [], []
    for draw in range(len(places)):
        added, ceiling = contributions(Parameters(*(values[draw] for values in parameters)), evidence)
        rows.append(added.sum(axis=-1).reshape(-1))
        national.append(np.einsum("tgc,g->tc", added, panel.size) * panel.outcome_scale)
        ceilings.append(ceiling)
    return Media(np.stack(rows), np.stack(national), np.stack(ceilings), parameters)


def national(problem: Problem, rows: Float[np.ndarray, "draw row"]) -> Float[np.ndarray, "draw period"]:
    """Rows per head added up over geos [outcome/period]."""
    panel = problem.panel
    together = rows.reshape(len(rows), -1, len(panel.size)) @ panel.size
    return together * panel.outcome_scale


def _weight(panel: Panel, columns: Design) -> Float[np.ndarray, " row"]:
    """Root precision of each row: noise per head falls with size by a power between 0 and 1.

    A power of 1 is the noise of independent people, 0 that of a shared cause; it is read once from how
    the residuals of the baseline alone vary over the geos.
    """
    periods, geos = panel.outcome.shape
    if geos < FEWEST_GEOS or np.ptp(np.log(panel.size)) < 1e-9:
        return np.ones(periods * geos)
    flat = panel.outcome.reshape(-1)
    gram = columns.columns.T @ columns.columns + np.diag(columns.spread**-2.0)
    residual = flat - columns.columns @ np.linalg.solve(gram, columns.columns.T @ flat)
    variance = np.log(residual.reshape(periods, geos).var(axis=0) + 1e-12)
    size = np.log(panel.size)
    power = float(np.clip(-np.polyfit(size, variance, 1)[0], 0.0, 1.0))
    root = panel.size ** (0.5 * power)
    return np.tile(root / root.mean(), periods)

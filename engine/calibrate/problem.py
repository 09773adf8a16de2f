"""A calibration made ready: the panel, the baseline, the priors and the evidence, built once."""

from dataclasses import dataclass, replace

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float

from engine.calibrate.baseline import Design, demand_columns, design, padded, together
from engine.calibrate.chance import Chance, chance
from engine.calibrate.density import Evidence, Otherwise, contributions, one_draw, place_parameters
from engine.calibrate.drift import drift_columns
from engine.calibrate.evidence import tests_of
from engine.calibrate.linear import LinearBlock, linear_block
from engine.calibrate.mode import climb
from engine.calibrate.noise import scan
from engine.calibrate.panel import Panel, scale
from engine.calibrate.prior_draws import otherwise
from engine.calibrate.priors import FOLLOWS, Parameters, Structure, believe, require_heard, structure_of
from engine.config.model import Model
from engine.data.dataset import Dataset
from engine.double import jax
from engine.errors import InputError
from engine.periods import PER_YEAR

FEWEST_GEOS = 4  # below this the noise of a geo is not compared with its size
ROUNDS = 2  # of finding the shape of the noise at the mode, and the mode under it


@dataclass(frozen=True)
class Problem:
    """What every speed and every check works on."""

    panel: Panel
    baseline: Design
    evidence: Evidence  # of all rows
    slow: float  # spread of the slow part of the noise [scaled outcome]
    hint: Float[np.ndarray, " coordinate"]  # a good place to start from

    @property
    def structure(self) -> Structure:
        """The families taken into account."""
        return self.evidence.structure

    @property
    def chance(self) -> Chance:
        """The shape of the noise, in numpy."""
        return Chance(*(np.asarray(one) for one in self.evidence.linear.chance))


@dataclass(frozen=True)
class Media:
    """What the channels explain, draw by draw."""

    rows: Float[np.ndarray, "draw period geo"]  # all channels together, per head [scaled outcome]
    national: Float[np.ndarray, "draw period channel"]  # over all geos [outcome/period]
    ceiling: Float[np.ndarray, "draw channel"]  # per head [scaled outcome]
    parameters: Parameters


def prepare(dataset: Dataset, model: Model, room: int = 0) -> Problem:
    """Everything that can be computed before the search.

    The shape of the noise and the demand that may hide behind spend are found at the mode: first under white
    noise, then again under what that showed. All rows alike tell the shape of the noise; in the likelihood each
    counts by its worth (the power prior of Ibrahim and Chen 2000, where rows of an earlier fit count less).

    Args:
        dataset: The history.
        model: Its baseline, curves and what it tells of channels.
        room: The baseline has at least so many columns, the last of them empty: arrays of one shape compile once.
    """
    panel = scale(dataset)
    base = padded(design(dataset, model.baseline), room)
    weight = _weight(panel, base)
    years = np.arange(len(panel.outcome)) / PER_YEAR[dataset.period]
    structure = structure_of(model.curves.saturation, model.curves.adstock)
    require_heard(structure, model.channels)
    place, slow = np.zeros(structure.size(len(dataset.channels))), 0.0
    counts = np.sqrt(np.ones(len(panel.outcome)) if dataset.worth is None else dataset.worth)
    shape = chance(weight, np.ones(len(panel.outcome), bool))
    evidence = _evidence(dataset, model, panel, linear_block(panel.outcome, shape, base))
    response = np.zeros_like(panel.dose)
    weeks = float(evidence.priors.weeks)
    follows, moving = _follows(dataset, model), scan(panel.outcome, weight, base, weeks).slow
    for last in (False,) * ROUNDS + (True,):
        columns = together(base, demand_columns(panel.dose, np.maximum(follows[0] * slow, follows[1] * moving), weeks))
        if model.curves.drift:
            columns = together(columns, drift_columns(response, years, panel.size))
        counted = shape._replace(seen=shape.seen * counts)
        evidence = _seen(evidence, linear_block(panel.outcome, counted, columns))
        if last:
            break
        place, _ = climb(place, evidence)
        response = _response(place, evidence)
        shape, slow = scan(panel.outcome - response.sum(axis=-1), weight, columns, weeks)
    return Problem(panel, columns, evidence, slow, place)


def _response(place: Float[np.ndarray, " coordinate"], evidence: Evidence) -> Float[np.ndarray, "period geo channel"]:
    """What each channel adds at one place [scaled outcome], in numpy: step by step JAX would compile every step."""
    bare: Evidence = jax.tree.map(np.asarray, evidence)
    found: np.ndarray = contributions(one_draw(place_parameters(place[None], bare), 0), bare)[0]
    return found


def _follows(dataset: Dataset, model: Model) -> Float[np.ndarray, "two channel"]:
    """Both figures of `Following` for each channel."""
    known = [model.channels.get(name) for name in dataset.channels]
    return np.array([FOLLOWS[one.follows_demand if one else None] for one in known]).T


def _evidence(dataset: Dataset, model: Model, panel: Panel, linear: LinearBlock) -> Evidence:
    channels = len(dataset.channels)
    evidence = Evidence(
        dose=panel.dose,
        opening=panel.opening,
        today=panel.today,
        price=panel.dose_scale / panel.dose_scale.mean(),
        importance=panel.size / panel.size.sum() / len(panel.outcome),
        priors=believe(dataset, model.channels),
        otherwise=Otherwise(np.zeros(channels), np.zeros((channels, channels))),
        linear=linear,
        tests=tests_of(dataset, panel),
        structure=structure_of(model.curves.saturation, model.curves.adstock),
    )
    told = ~np.isnan(evidence.priors.elasticity_told[0])
    for name, is_idle in zip(dataset.channels, told & (panel.today <= 0), strict=True):
        if is_idle:
            raise InputError(
                f"elasticity of {name!r} is told, and it did not run in the latest year, so 1 % more is nothing; "
                "remove it, or tell roas or share"
            )
    if not told.any():
        return evidence
    changed: Evidence = eqx.tree_at(lambda one: one.otherwise, evidence, otherwise(evidence))
    return changed


def _seen(evidence: Evidence, linear: LinearBlock) -> Evidence:
    """The same evidence through another linear block, on the device."""
    changed: Evidence = jax.device_put(eqx.tree_at(lambda one: one.linear, evidence, linear))
    return changed


def hold_out(problem: Problem, seen: Bool[np.ndarray, " period"]) -> Evidence:
    """The same problem with the last periods unseen; every array keeps its shape, so nothing compiles again."""
    held = problem.chance._replace(seen=problem.chance.seen * seen)
    return _seen(problem.evidence, linear_block(problem.panel.outcome, held, problem.baseline))


def blind(problem: Problem) -> Problem:
    """The same problem with no outcome and no experiment seen: only what is believed before the data is left."""
    evidence = hold_out(problem, np.zeros(len(problem.panel.outcome), bool))
    none = evidence.tests._replace(found=evidence.tests.found * 0, weight=evidence.tests.weight * 0)
    changed = eqx.tree_at(lambda one: one.tests, evidence, none)
    return replace(problem, evidence=changed, hint=np.zeros_like(problem.hint))


def explain(problem: Problem, places: Float[np.ndarray, "draw coordinate"]) -> Media:
    """What the channels explain at many places, in numpy, one draw at a time to keep memory small."""
    panel = problem.panel
    evidence: Evidence = jax.tree.map(np.asarray, problem.evidence)
    parameters = place_parameters(places, evidence)
    rows, national, ceilings = [], [], []
    for draw in range(len(places)):
        added, ceiling = contributions(one_draw(parameters, draw), evidence)
        rows.append(added.sum(axis=-1))
        national.append(np.einsum("tgc,g->tc", added, panel.size) * panel.outcome_scale)
        ceilings.append(ceiling)
    return Media(np.stack(rows), np.stack(national), np.stack(ceilings), parameters)


def national(panel: Panel, rows: Float[np.ndarray, "draw row"]) -> Float[np.ndarray, "draw period"]:
    """Rows per head added up over geos [outcome/period]."""
    return rows.reshape(len(rows), -1, len(panel.size)) @ panel.size * panel.outcome_scale


def _weight(panel: Panel, columns: Design) -> Float[np.ndarray, " geo"]:
    """Root precision of the rows of each geo: noise per head falls with size by a power between 0 and 1.

    A power of 1 is the noise of independent people, 0 that of a shared cause; it is read once from how
    the residuals of the baseline alone vary over the geos.
    """
    periods, geos = panel.outcome.shape
    if geos < FEWEST_GEOS or np.ptp(np.log(panel.size)) < 1e-9:
        return np.ones(geos)
    flat = panel.outcome.reshape(-1)
    gram = columns.columns.T @ columns.columns + np.diag(columns.spread**-2.0)
    residual = flat - columns.columns @ np.linalg.solve(gram, columns.columns.T @ flat)
    variance = np.log(residual.reshape(periods, geos).var(axis=0) + 1e-12)
    power = float(np.clip(-np.polyfit(np.log(panel.size), variance, 1)[0], 0.0, 1.0))
    root = panel.size ** (0.5 * power)
    return root / root.mean()

"""The search over structures: which families, trend and season forecast best what they have not seen.

Candidates are proposed by the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011, Algorithms for
hyper-parameter optimization) and scored by rolling-origin forecasts. What each proposal rests on is the trials
before it and a seed made of their number, so a search that was stopped and taken up again proposes what one
that never stopped would have.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import optuna

from engine.calibrate.baseline import design, season_order
from engine.calibrate.holdout import rolling_holdout
from engine.calibrate.priors import HALF_LIVES
from engine.calibrate.problem import prepare
from engine.config.model import Baseline, Model
from engine.data.dataset import Dataset
from engine.errors import InputError, UntrustworthyError
from engine.periods import PER_YEAR

SATURATIONS = ("any", "hill", "exponential", "michaelis_menten", "logistic", "tanh", "power")
ADSTOCKS = ("any", "geometric", "delayed", "weibull_pdf", "two_speed")
TRENDS = ("none", "linear", "piecewise", "smooth")
MOST_WAVES = 4
FIRST_AT_RANDOM = 10  # candidates before the estimator has anything to learn from

Space = Mapping[str, tuple[str | int, ...]]


@dataclass(frozen=True)
class Candidate:
    """One structure."""

    saturation: str
    adstock: str
    trend: str
    season: int  # pairs of yearly waves


@dataclass(frozen=True)
class Trial:
    """A structure and how well it forecast: ranked probability score over the mean outcome, less is better."""

    candidate: Candidate
    score: float  # inf where it gave no finite forecast


@dataclass(frozen=True)
class Searched:
    """What a search found; the first trial is the structure that is taken where nobody searches."""

    trials: tuple[Trial, ...]

    @property
    def default(self) -> Trial:
        """What the model file and its defaults ask for."""
        return self.trials[0]

    @property
    def best(self) -> Trial:
        """The least score; of equal ones the first."""
        return min(self.trials, key=lambda trial: trial.score)


def default_of(dataset: Dataset, model: Model) -> Candidate:
    """The structure that is taken where nobody searches."""
    season = model.baseline.season
    return Candidate(
        saturation=model.curves.saturation,
        adstock=model.curves.adstock,
        trend=model.baseline.trend,
        season=season_order(dataset.period) if season is None else season,
    )


def space_of(dataset: Dataset, model: Model) -> Space:
    """What may vary: every part of the structure that the model file does not settle itself.

    Raises:
        InputError: The model file settles all of it.
    """
    waves = min(MOST_WAVES, max(0, math.ceil(PER_YEAR[dataset.period] / 2) - 1))
    settled = {
        "saturation": model.curves.saturation != "any",
        "adstock": model.curves.adstock != "any",
        "trend": "trend" in model.baseline.model_fields_set,
        "season": model.baseline.season is not None,
    }
    heard = any(channel.half_life is not None for channel in model.channels.values())
    everything: dict[str, tuple[str | int, ...]] = {
        "saturation": SATURATIONS,
        "adstock": tuple(name for name in ADSTOCKS if not heard or name in ("any", *HALF_LIVES)),
        "trend": TRENDS,
        "season": tuple(range(waves + 1)),
    }
    space = {name: choices for name, choices in everything.items() if not settled[name] and len(choices) > 1}
    if not space:
        raise InputError(
            "the model file settles saturation, adstock, trend and season, so there is nothing to search; remove "
            "what may vary from [curves] and [baseline], or use --speed fast"
        )
    return space


def with_structure(model: Model, candidate: Candidate) -> Model:
    """The model with this structure."""
    curves = model.curves.model_copy(update={"saturation": candidate.saturation, "adstock": candidate.adstock})
    baseline = model.baseline.model_copy(update={"trend": candidate.trend, "season": candidate.season})
    return model.model_copy(update={"curves": curves, "baseline": baseline})


def structure_search(
    dataset: Dataset,
    model: Model,
    seed: int,
    wanted: int,
    known: tuple[Trial, ...],
    keep: Callable[[tuple[Trial, ...]], None],
) -> Searched:
    """Try `wanted` structures, the default first.

    Args:
        dataset: The history.
        model: What it means; what it settles of the structure stays as it is.
        seed: Of the proposals and of the forecasts' draws.
        wanted: Trials in all, those that are known included.
        known: The first trials of the same search, as `keep` was given them.
        keep: Called with all trials so far after each new one.

    Raises:
        InputError: There is nothing to search, or history is too short to be forecast.
        UntrustworthyError: No structure gave a finite forecast.
    """
    space, default = space_of(dataset, model), default_of(dataset, model)
    room = _room(dataset, space, default)
    trials = known
    while len(trials) < wanted:
        candidate = propose(space, default, trials, seed)
        same = [trial.score for trial in trials if trial.candidate == candidate]
        score = same[0] if same else forecast_score(dataset, with_structure(model, candidate), seed, room)
        trials = (*trials, Trial(candidate, score))
        keep(trials)
    if not math.isfinite(min(trial.score for trial in trials)):
        raise UntrustworthyError("no structure gave a finite forecast; run `peso check` and look for extreme values")
    return Searched(trials)


def propose(space: Space, default: Candidate, trials: tuple[Trial, ...], seed: int) -> Candidate:
    """The next structure to try, given all before it."""
    if not trials:
        return default
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    choices = {name: optuna.distributions.CategoricalDistribution(values) for name, values in space.items()}
    number = int(np.random.SeedSequence([seed, len(trials)]).generate_state(1)[0])
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(n_startup_trials=FIRST_AT_RANDOM, seed=number))
    for trial in trials:
        told = asdict(trial.candidate)
        if math.isfinite(trial.score) and all(told[name] in values for name, values in space.items()):
            varied = {name: told[name] for name in space}
            study.add_trial(optuna.trial.create_trial(params=varied, distributions=choices, value=trial.score))
    return Candidate(**{**asdict(default), **study.ask(choices).params})


def forecast_score(dataset: Dataset, model: Model, seed: int, room: int = 0) -> float:
    """How far rolling forecasts of the model miss, draws and all; inf where it gave no finite forecast.

    Raises:
        InputError: History is too short to be forecast.
    """
    try:
        problem = prepare(dataset, model, room)
        random = np.random.default_rng(np.random.SeedSequence([seed, 2]))
        held = rolling_holdout(problem, dataset.period, problem.hint, random)
    except np.linalg.LinAlgError:  # a mode without a finite curvature
        return math.inf
    if held is None:
        raise InputError(
            f"{len(dataset.starts)} {dataset.period}s are too short a history to compare structures by their "
            "forecasts; use --speed fast, or add history"
        )
    return held.crps if math.isfinite(held.crps) else math.inf


def _room(dataset: Dataset, space: Space, default: Candidate) -> int:
    """Columns of the widest baseline: with the others padded to it, one compiled program serves all of a family."""
    told = asdict(default)
    varied = {name: space.get(name, (told[name],)) for name in ("trend", "season")}
    baselines = [Baseline.model_validate({"trend": t, "season": s}) for t in varied["trend"] for s in varied["season"]]
    return max(design(dataset, baseline).columns.shape[1] for baseline in baselines)

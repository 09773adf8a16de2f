"""The search over structures, kept in a file after every trial, and the winner's fit: `--speed search`."""

import math
import textwrap
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError, model_validator

from engine import __version__
from engine.calibrate.fit import Fit
from engine.calibrate.structure_search import Candidate, Searched, Trial, structure_search, with_structure
from engine.config.loading import Closed
from engine.config.model import Trend
from engine.config.wording import worded
from engine.errors import InputError, ResumableError
from engine.files import read_json, write_json
from engine.response.adstock import ADSTOCKS
from engine.response.saturation import SATURATIONS
from engine.study.learn import WIDTH, Case, fit_of, open_case

STUDY = "search.json"
SCHEMA = "peso.search/1"


class Effort(NamedTuple):
    """How a search is asked for."""

    trials: int  # in all, those of earlier runs included
    seed: int
    draws: int  # of the winner's fit


class KeptTrial(Closed):
    """One trial of a study file."""

    saturation: str
    adstock: str
    trend: Trend
    season: Annotated[int, Field(ge=0, le=12)]
    score: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None  # none where no forecast was finite

    @model_validator(mode="after")
    def _is_known(self) -> "KeptTrial":
        for name, families in ((self.saturation, SATURATIONS), (self.adstock, ADSTOCKS)):
            if name != "any" and name not in families:
                raise ValueError(f"{name!r} is no family of curves")
        return self


class Study(Closed):
    """The study file: what was tried so far, and upon what."""

    schema_: Literal["peso.search/1"] = Field(alias="schema")
    currency: str
    period: str
    made_from: dict[str, str]
    engine: str
    seed: int
    trials: Annotated[tuple[KeptTrial, ...], Field(strict=False)]


def seek(data: Path, model: Path, folder: Path, effort: Effort, tell: Callable[[str], None]) -> Fit:
    """The fit of the structure that forecasts best what it has not seen, among those tried.

    Args:
        data: The history.
        model: What its columns mean.
        folder: Where the study is kept, and taken up again.
        effort: How many trials, and the seed.
        tell: Called with what is being done.

    Raises:
        InputError: The files are wrong, or the study in the folder is one of other data.
        ResumableError: The search was interrupted.
    """
    case = open_case(data, model, folder)
    place = folder / STUDY
    known = read_study(place, case, effort.seed)

    def keep(trials: tuple[Trial, ...]) -> None:
        write_json(place, study_document(case, effort.seed, trials))
        least = min(trials, key=lambda trial: trial.score)
        tell(f"trial {len(trials)} of {effort.trials}, best so far {_named(least.candidate)} at {least.score:.4f}")

    try:
        found = structure_search(case.dataset, case.model, effort.seed, effort.trials, known, keep)
        tell(f"fitting {_named(found.best.candidate)}")
        winner = replace(case, model=with_structure(case.model, found.best.candidate))
        return fit_of(winner, "fast", effort.seed, effort.draws, settings_of(found))
    except KeyboardInterrupt:
        raise ResumableError(f"{place}: interrupted, resumable: run the same command again") from None


def settings_of(found: Searched) -> dict[str, str | int | float]:
    """Which structure won, and its score beside that of the default."""
    return {
        "speed": "search",
        "trials": len(found.trials),
        "structure": _named(found.best.candidate),
        "score": found.best.score,
        "default_structure": _named(found.default.candidate),
        **({"default_score": found.default.score} if math.isfinite(found.default.score) else {}),
    }


def search_text(fit: Fit) -> str:
    """What the search came to, for people."""
    return textwrap.fill(_sentence(fit), WIDTH, break_on_hyphens=False)


def _sentence(fit: Fit) -> str:
    told = fit.settings
    default = float(told.get("default_score", math.inf))
    opening = f"Of {told['trials']} structures tried, {told['structure']} forecast best: off by {told['score']:.2%} of "
    opening += "the mean outcome (ranked probability score)"
    if told["structure"] == told["default_structure"]:
        return f"{opening}; it is the default."
    if not math.isfinite(default):
        return f"{opening}; the default, {told['default_structure']}, gave no finite forecast."
    return (
        f"{opening}, the default ({told['default_structure']}) by {default:.2%}. One shape was chosen, so doubt about "
        "shape is gone from the bands: where a plan hangs on it, compare with --speed fast."
    )


def read_study(place: Path, case: Case, seed: int) -> tuple[Trial, ...]:
    """The trials of a study, none where there is no file.

    Raises:
        InputError: The file is no study, or one of other data, model, seed or version.
    """
    if not place.exists():
        return ()
    try:
        study = Study.model_validate(read_json(place))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{place}: {field}: {worded(first)[0]}; remove the file to search anew") from None
    before = {**study.made_from, "seed": study.seed, "version": study.engine}
    now = {**case.made_from, "seed": seed, "version": __version__}
    other = [name for name, value in now.items() if before.get(name) != value and name != "meaning"]
    if other:
        raise InputError(
            f"{place}: is a search upon other {', '.join(other)}; choose another --out, or remove it to search anew"
        )
    return tuple(
        Trial(
            Candidate(one.saturation, one.adstock, one.trend, one.season), math.inf if one.score is None else one.score
        )
        for one in study.trials
    )


def study_document(case: Case, seed: int, trials: tuple[Trial, ...]) -> dict[str, Any]:
    """The content of search.json."""
    return {
        "schema": SCHEMA,
        "currency": case.dataset.currency,
        "period": case.dataset.period,
        "made_from": dict(case.made_from),
        "engine": __version__,
        "seed": seed,
        "trials": [
            {**asdict(trial.candidate), "score": trial.score if math.isfinite(trial.score) else None}
            for trial in trials
        ],
    }


def _named(candidate: Candidate) -> str:
    waves = f"{candidate.season} wave{'' if candidate.season == 1 else 's'}"
    return f"{candidate.saturation} saturation, {candidate.adstock} carry-over, {candidate.trend} trend, {waves}"

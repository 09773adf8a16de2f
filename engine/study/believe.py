"""What a model believes before it sees an outcome: `peso calibrate --prior-only`."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.calibrate.calibrate import DRAWS
from engine.calibrate.fit import ChannelReading
from engine.calibrate.predictive import Expected, PriorPredictive, prior_predictive
from engine.data.dataset import Dataset
from engine.files import write_json
from engine.study.learn import Case, open_case, returned
from engine.words import money, number, percent, plain, table

PRIOR = "prior.json"
WIDTH = 110  # columns of running text
FAR = 0.05  # of the belief lies beyond an actual figure that the belief did not expect


@dataclass(frozen=True)
class Belief:
    """The beliefs of a model upon a history."""

    case: Case
    prior: PriorPredictive
    seed: int


def believe(data: Path, model: Path, seed: int, draws: int = DRAWS) -> Belief:
    """What the model file believes of the history in `data` before its outcome is looked at.

    Raises:
        InputError: One of the files is wrong.
    """
    case = open_case(data, model)
    return Belief(case, prior_predictive(case.dataset, case.model, seed, draws), seed)


def write_belief(folder: Path, belief: Belief) -> None:
    """Write prior.json.

    Raises:
        StorageError: The folder cannot be written.
    """
    write_json(folder / PRIOR, belief_document(belief))


def belief_document(belief: Belief) -> dict[str, Any]:
    """The content of prior.json."""
    dataset, prior = belief.case.dataset, belief.prior
    return {
        "schema": "peso.prior/1",
        "currency": dataset.currency,
        "outcome": dataset.outcome_name,
        "period": dataset.period,
        "made_from": dict(belief.case.made_from),
        "seed": belief.seed,
        "media_share": list(prior.media_share),
        "outcome_mean": _expected_document(prior.mean),
        "outcome_spread": _expected_document(prior.spread),
        "channels": [
            {
                "name": one.name,
                "share": list(one.share),
                "roas": list(one.roas),
                "half_life": list(one.half_life),
            }
            for one in prior.readings
        ],
    }


def _expected_document(one: Expected) -> dict[str, Any]:
    return {"believed": list(one.believed), "actual": one.actual, "rank": one.rank}


def belief_text(belief: Belief) -> str:
    """The beliefs for people."""
    dataset, prior = belief.case.dataset, belief.prior
    low, middle, high = prior.media_share
    opening = (
        f"Before the data: all channels together bring {percent(middle)} of {plain(dataset.outcome_name)} "
        f"(5-95 %: {percent(low)} .. {percent(high)})."
    )
    header = [
        "channel",
        "share of outcome (5-95 %)",
        f"{returned(dataset.currency, None if dataset.is_money else dataset.outcome_name)} (5-95 %)",
        f"half-life in {dataset.period}s (5-95 %)",
    ]
    said = [
        opening,
        "",
        table(header, [_row(reading) for reading in prior.readings]),
        "",
        _expected("mean", prior.mean, dataset) + " Its level is left to the data, so that range is wide.",
        _expected("spread over time", prior.spread, dataset),
        "Where a range is not what you know, say so in [channels.*]: roas or share, half_life, elasticity.",
    ]
    return "\n".join(
        line if "\n" in line else textwrap.fill(line, WIDTH, break_on_hyphens=False) if line else "" for line in said
    )


def _row(reading: ChannelReading) -> list[str]:
    low, middle, high = reading.share
    return [
        reading.name,
        f"{percent(middle)} ({percent(low)} .. {percent(high)})",
        _band(reading.roas),
        _band(reading.half_life),
    ]


def _expected(what: str, one: Expected, dataset: Dataset) -> str:
    low, _, high = one.believed
    actual = money(one.actual, dataset.currency) if dataset.is_money else f"{number(one.actual)} {dataset.outcome_name}"
    told = (
        f"The outcome's {what} a {dataset.period} is {plain(actual)}; believed between "
        f"{number(low)} and {number(high)} (5-95 %)"
    )
    if one.rank > 1 - FAR:
        return f"{told}: more than the model expects; look at units, and for events and controls that are missing."
    return f"{told}: {'less than the model allows for; nothing to do' if one.rank < FAR else 'as expected'}."


def _band(three: tuple[float, float, float]) -> str:
    low, middle, high = three
    return f"{number(middle)} ({number(low)} .. {number(high)})"

"""Finding: one thing that a history can or cannot tell, and the arrays that such judgements look at."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.periods import PER_YEAR, Period

Verdict = Literal["good", "weak", "bad"]
ADJECTIVES: dict[Period, str] = {
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "quarter": "quarterly",
    "year": "yearly",
}


@dataclass(frozen=True)
class Finding:
    """A judgement: its figure, and a sentence that says what is the case; then, after a semicolon, what to do."""

    topic: str
    verdict: Verdict
    figure: float
    sentence: str

    @property
    def claim(self) -> str:
        """The sentence without its advice."""
        return self.sentence.split(";")[0].rstrip(".")


def years(dataset: Dataset) -> float:
    """How many years the history spans."""
    return len(dataset.starts) / PER_YEAR[dataset.period]


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "week"), counted(1250, "channel")
    ('1 week', '1,250 channels')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def percent(share: float) -> str:
    """A share as a percentage of about two figures.

    >>> percent(0.391), percent(0.0374), percent(0.000089)
    ('39 %', '3.7 %', '0.0089 %')
    """
    size = abs(100 * share)
    return f"{100 * share:.0f} %" if size >= 10 else f"{100 * share:.2g} %"


def sizes(dataset: Dataset) -> Float[np.ndarray, " geo"]:
    """How large each geo is: its people, or where they are unknown its mean outcome."""
    if (dataset.population != 1).any():
        return dataset.population
    mean = np.abs(dataset.outcome).mean(axis=0)
    return np.where(mean > 0, mean, 1.0) / (mean.mean() or 1.0) if mean.size > 1 else np.ones(1)


def per_size(values: Float[np.ndarray, "period geo layer"], dataset: Dataset) -> Float[np.ndarray, "period geo layer"]:
    """Values made comparable between large and small geos."""
    return values / sizes(dataset)[None, :, None]


def movement(values: Float[np.ndarray, "period geo layer"], dataset: Dataset) -> Float[np.ndarray, "cell layer"]:
    """What each layer does around its mean in the same geo: all that a model with geo effects can learn from."""
    scaled = per_size(values, dataset)
    return (scaled - scaled.mean(axis=0, keepdims=True)).reshape(values.shape[0] * values.shape[1], values.shape[2])


def national(values: Float[np.ndarray, "period geo *rest"]) -> Float[np.ndarray, "period *rest"]:
    """The sum over all geos."""
    return values.sum(axis=1)

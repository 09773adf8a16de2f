"""A simulated market as it is shown: how people moved through its stages, and which channels they met."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageCount:
    """One stage of a journey over a simulated history, all segments together."""

    name: str
    people: float  # in the mean of all periods
    entered: float  # in all [people]
    left: float
    purchases: float


@dataclass(frozen=True)
class Route:
    """One order in which people met channels, and what came of it."""

    channels: tuple[str, ...]  # empty: they met none
    conversions: int
    value: float  # [currency]
    nulls: int  # people with it open at the end


@dataclass(frozen=True)
class WorldRun:
    """A simulated market: how people moved through its stages, and which channels they met."""

    market: str
    currency: str
    engine: str
    seed: int
    weeks: int
    stages: tuple[StageCount, ...]
    routes: tuple[Route, ...]  # none where no touches were logged
    versions: Mapping[str, str]

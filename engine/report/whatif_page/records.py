"""What a what-if page holds: how each channel's money works, what it is compared with, and the best splits."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from jaxtyping import Float

from engine.optimize.rule import Rule
from engine.optimize.tiers import Tiers
from engine.periods import Period
from engine.response.curves import Channel


@dataclass(frozen=True)
class Before:
    """What was spent on a channel before the horizon and still works in it."""

    pace: float  # of history [currency/period]
    latest: Float[np.ndarray, " period"]  # the last periods that are felt, the latest first [currency/period]
    known: int  # periods of history; what lies before went at its pace


@dataclass(frozen=True)
class Lever:
    """One channel: how its money works, within which limits, and what it spends today."""

    channel: Channel
    bought: Float[np.ndarray, " period"]  # contacts by period per money of its decision
    worth: Float[np.ndarray, " row"]  # value of a unit of outcome
    before: Before | None  # None: what is left at the end of the horizon works at its start
    margin: float  # of a unit of outcome in the objective
    cost: Float[np.ndarray, " decision"]  # of a unit of money in the objective
    tiers: Tiers
    least: Float[np.ndarray, " decision"]  # [currency]
    most: Float[np.ndarray, " decision"]  # inf: no cap [currency]
    limits: tuple[float, float]  # over the horizon; inf: no cap [currency]
    today: Float[np.ndarray, " decision"]  # [currency]
    saved: str  # what a scenario says of it beside its money, as TOML


@dataclass(frozen=True)
class Best:
    """The proven best split of a budget."""

    split: Float[np.ndarray, "channel decision"]  # [currency]
    value: Float[np.ndarray, " draw"]  # of the objective, on the draws that the page holds
    mean: float  # of the objective, on all draws of the fit
    gap: float  # no plan of this budget is better by more, relative

    @property
    def spend(self) -> float:
        """Its money [currency]."""
        return float(self.split.sum())


@dataclass(frozen=True)
class WhatIf:
    """Everything a page is made from; its draws belong together."""

    scenario: str
    currency: str
    measure: str  # what the objective counts
    unit: str  # of the objective: the currency; empty where it is not money
    outcome: str  # what a channel brings
    in_money: bool  # whether that is money
    start: date
    end: date
    period: Period
    decisions: tuple[str, ...]  # first and last day of each
    edges: tuple[int, ...]  # first period of each decision, and the number of periods
    levers: tuple[Lever, ...]
    before: Float[np.ndarray, " draw"]  # what today's split brings [objective]
    best: tuple[Best, ...]  # by rising budget
    planned: int  # which of them is the plan
    rules: tuple[Rule, ...]  # over cells
    unchecked: tuple[str, ...]  # rules that the page does not check
    saved: tuple[str, str]  # what a scenario says before and after its channels beside name and budget, as TOML
    warnings: tuple[str, ...]
    prudence: float
    risk: str  # the measure that best splits are chosen by
    dated: bool  # whether today's money lies on the plan's dates elsewhere than history spent it

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return len(self.before)

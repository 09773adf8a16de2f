"""A grid of variations of one scenario, as TOML: values to combine, or rows one by one."""

import itertools
import math
from typing import Annotated

from pydantic import Field, model_validator

from engine.config.loading import LARGEST_MONEY, Closed, Money, Name, Positive
from engine.config.relative import LARGEST_MULTIPLE, Multiple

MOST_ROWS = 100_000  # of one grid: at 100 channels some minutes, and a file of 200 MB
AS_ASKED = "as asked"  # the name of the row in which nothing varies

LIMITS = {
    "multiple": (1e-6, LARGEST_MULTIPLE),
    "total": (1e-9, LARGEST_MONEY),
    "price": (0.01, LARGEST_MULTIPLE),
    "effect": (0.0, LARGEST_MULTIPLE),
}

Price = Annotated[Multiple, Field(ge=0.01)]


class Range(Closed):
    """Evenly spaced values from one to another, both included."""

    first: Money = Field(alias="from")
    last: Money = Field(alias="to")
    steps: int = Field(ge=2, le=MOST_ROWS)  # how many values

    @property
    def values(self) -> tuple[float, ...]:
        """The values in order."""
        last = self.steps - 1
        return (*(self.first + (self.last - self.first) * at / last for at in range(last)), self.last)


Values = Annotated[tuple[Money, ...], Field(strict=False, min_length=1)] | Range


class BudgetValues(Closed):
    """Budgets to try: multiples of the scenario's own, or totals."""

    multiple: Values | None = None
    total: Values | None = None  # [currency]

    @model_validator(mode="after")
    def _exactly_one(self) -> "BudgetValues":
        if (self.multiple is None) == (self.total is None):
            raise ValueError("exactly one of multiple and total is needed")
        return self


class FactorValues(Closed):
    """Factors of all channels together."""

    price: Values | None = None
    effect: Values | None = None


class Row(Closed):
    """One variation; what is not given is as in the scenario."""

    name: Name | None = None
    multiple: Annotated[Multiple, Field(gt=0)] | None = None
    total: Positive | None = None  # [currency]
    price: dict[Name, Price] = Field(default_factory=dict)  # what a contact costs, as a multiple
    effect: dict[Name, Multiple] = Field(default_factory=dict)  # what it brings, as a multiple

    @model_validator(mode="after")
    def _at_most_one(self) -> "Row":
        if self.multiple is not None and self.total is not None:
            raise ValueError("multiple and total are both given; give one of them")
        return self


Axis = tuple[str, tuple[float, ...]]  # what varies, as a dotted name, and its values


class Grid(Closed):
    """Every combination of some values, or the rows that are listed."""

    budget: BudgetValues | None = None
    price: dict[Name, Values] = Field(default_factory=dict)  # by channel
    effect: dict[Name, Values] = Field(default_factory=dict)
    every_channel: FactorValues | None = None  # on top of a channel's own
    rows: tuple[Row, ...] = Field(strict=False, default=())

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies in a grid of combinations, in the order in which it is written down above."""
        named: list[tuple[str, tuple[float, ...] | Range | None]] = []
        if self.budget:
            named += [("budget.multiple", self.budget.multiple), ("budget.total", self.budget.total)]
        named += [(f"price.{name}", values) for name, values in self.price.items()]
        named += [(f"effect.{name}", values) for name, values in self.effect.items()]
        if self.every_channel:
            every = self.every_channel
            named += [("every_channel.price", every.price), ("every_channel.effect", every.effect)]
        return tuple(
            (name, values.values if isinstance(values, Range) else values)
            for name, values in named
            if values is not None
        )

    @model_validator(mode="after")
    def _one_way(self) -> "Grid":
        axes = self.axes
        if self.rows and axes:
            raise ValueError(f"rows and {axes[0][0]} are both given; write either rows or values to combine")
        if not self.rows and not axes:
            raise ValueError("nothing varies; write budget, price, effect, every_channel or rows")
        return self

    @model_validator(mode="after")
    def _not_too_large(self) -> "Grid":
        axes = self.axes
        count = len(self.rows) or math.prod(len(values) for _, values in axes)
        if count > MOST_ROWS:
            told = " x ".join(f"{name} {len(values)}" for name, values in axes) or "listed"
            raise ValueError(f"{count} rows ({told}) are above the limit of {MOST_ROWS}; write shorter lists")
        return self

    @model_validator(mode="after")
    def _within_limits(self) -> "Grid":
        for name, values in self.axes:
            parts = name.split(".")
            kind = parts[1] if parts[0] in ("budget", "every_channel") else parts[0]
            low, high = LIMITS[kind]
            for value in values:
                if not low <= value <= high:
                    remedy = f"{value / 100:g} for {value:g} %" if low < value / 100 <= high == LARGEST_MULTIPLE else ""
                    told = f"{name} holds {value:g}, not from {low:g} to {high:g}"
                    raise ValueError(f"{told}; write {remedy or 'a value within'}")
        return self

    @property
    def combined(self) -> tuple[tuple[float, ...], ...]:
        """The values of every row by axis, the last axis fastest."""
        return tuple(itertools.product(*(values for _, values in self.axes)))

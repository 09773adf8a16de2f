"""Experiments as people write them down: what was changed, where and when, and what it brought."""

import datetime
from collections import Counter
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from engine.config.loading import Closed, Finite, Name, Positive
from engine.config.quantities import PositiveShare


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, (int, float)) else value


class Experiment(Closed):
    """A test that changed the money of one or several channels at once, and the outcome that this brought.

    Money and outcome are totals over the time and all places of the test. A holdout is a negative change.
    """

    name: Name
    channels: tuple[Name, ...] = Field(strict=False, min_length=1)
    start: datetime.date  # first day of the changed money
    end: datetime.date  # last day of it
    until: datetime.date | None = None  # last day whose outcome was counted; `end` if absent
    spend_change: Annotated[tuple[Finite, ...], BeforeValidator(_listed), Field(strict=False)]  # one for each channel
    outcome_change: Finite  # in the outcome's own money or units, from start to `until`
    standard_error: Positive  # of outcome_change
    geos: tuple[Name, ...] = Field(strict=False, default=())  # where; everywhere if absent
    share: PositiveShare = 1.0  # of the people there whose money was changed
    in_history: bool = False  # whether the table's spend and outcome hold the changed money and what it brought

    @model_validator(mode="after")
    def _days_in_order(self) -> "Experiment":
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        if self.until is not None and self.until < self.end:
            raise ValueError(f"until {self.until} lies before end {self.end}")
        return self

    @model_validator(mode="after")
    def _change_for_each_channel(self) -> "Experiment":
        changes, channels = len(self.spend_change), len(self.channels)
        if changes != channels:
            raise ValueError(f"spend_change has {changes} numbers and channels {channels} names")
        if 0 in self.spend_change:
            channel = self.channels[self.spend_change.index(0)]
            raise ValueError(f"spend_change of {channel!r} is 0, so nothing was tested")
        return self

    @model_validator(mode="after")
    def _names_once(self) -> "Experiment":
        for what, names in (("channel", self.channels), ("geo", self.geos)):
            name, count = Counter(names).most_common(1)[0] if names else ("", 0)
            if count > 1:
                raise ValueError(f"{what} {name!r} is named twice")
        return self


class Experiments(Closed):
    """All experiments that the model should believe."""

    file: Name | None = None  # a table with one test a row, beside the model file
    test: tuple[Experiment, ...] = Field(strict=False, default=())
    half_life: Positive | None = None  # age at which evidence counts half [periods]; absent: it does not age

    @model_validator(mode="after")
    def _holds_some(self) -> "Experiments":
        if self.file is None and not self.test:
            raise ValueError("a file or at least one [[experiments.test]] is needed")
        return self

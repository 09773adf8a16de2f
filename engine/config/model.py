"""`model.toml`: what the columns of a data set mean, and how its baseline is modelled."""

import datetime
import re
import string
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from engine.config.experiments import Experiments
from engine.config.loading import Closed, Name, Positive
from engine.config.lookalike import look

Kind = Literal["paid", "earned", "shared", "owned"]


class Data(Closed):
    """The columns of the table, and every repair that the reader may make (none is made unasked).

    `where` keeps only the rows with these texts in these columns; `aggregate` adds days up to weeks (from
    Monday), months or quarters, and months up to quarters. `blank = "zero"` speaks for spend, exposure,
    controls and event flags: an unknown outcome or population is never zero.
    """

    date: Name
    outcome: Name | None = None
    kpi: Name | None = None
    value_per_kpi: Name | Positive | None = None  # a column, or one number [currency/unit]
    geo: Name | None = None
    population: Name | None = None
    currency: Name = "USD"
    period: Literal["day", "week", "month", "quarter", "year"] | None = None  # of the rows; found if absent
    aggregate: Literal["week", "month", "quarter"] | None = None  # add the rows up to this period
    delimiter: Literal[",", ";", "\t", "|"] | None = None  # found if absent
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None
    currency_sign: Name | None = None  # a text before or after amounts, as in "$12", that means nothing more
    date_format: Name | None = None  # strptime codes, where dates are not YYYY-MM-DD; "excel" for day numbers
    date_marks: Literal["start", "end"] | None = None  # what a date names: its period's first or last day
    latest: datetime.date | None = None  # no date may lie after this one; today if absent
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    blank: Literal["refuse", "zero"] = "refuse"  # what an empty cell of a number column means
    missing: tuple[str, ...] = Field(strict=False, default=())  # texts that say the same as an empty cell
    unnamed: Literal["refuse", "drop"] = "refuse"  # what to do with columns without a name
    ignore: tuple[Name, ...] = Field(strict=False, default=())  # columns, or channels of a long table, to leave out
    sheet: Name | None = None  # of an xlsx workbook
    where: dict[str, str] = Field(default_factory=dict)  # keep only rows with these texts in these columns
    long: "Long | None" = None

    @model_validator(mode="after")
    def _one_outcome(self) -> "Data":
        if (self.outcome is None) == (self.kpi is None):
            raise ValueError("either outcome or kpi is needed, and not both")
        if self.value_per_kpi is not None and self.kpi is None:
            raise ValueError("value_per_kpi goes with kpi, not with outcome")
        return self

    @model_validator(mode="after")
    def _marks_differ(self) -> "Data":
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; they must differ")
        return self

    @model_validator(mode="after")
    def _format_names_a_year(self) -> "Data":
        codes = self.date_format
        if codes and codes != "excel" and not any(code in codes for code in ("%Y", "%y", "%G", "%x", "%c", "%D")):
            raise ValueError(f"date_format {codes!r} names no year; write codes such as %d/%m/%Y, or excel")
        try:
            datetime.datetime.strptime("", codes or "")
        except (ValueError, re.error) as fault:
            if "does not match" not in str(fault):
                raise ValueError(
                    f"date_format {codes!r} has an unknown code ({fault}); write such as %d/%m/%Y"
                ) from None
        return self


class Long(Closed):
    """A table with one row per period and channel instead of one column per channel."""

    channel: Name  # the column that names the channel
    spend: Name  # the column with its spend
    exposure: Name | None = None


class ChannelColumns(Closed):
    """Where one channel's activity stands in the table."""

    kind: Kind
    spend: Name | None = None  # a column; in a long table, the text that names the channel
    exposure: Name | None = None  # the curve runs on exposure, money through its average cost
    cost_per_exposure: Positive | None = None  # effort cost of exposure that has no spend column

    @model_validator(mode="after")
    def _has_money(self) -> "ChannelColumns":
        if self.spend is None and (self.exposure is None or self.cost_per_exposure is None):
            raise ValueError("either spend, or exposure with cost_per_exposure, is needed")
        if self.spend is not None and self.cost_per_exposure is not None:
            raise ValueError("cost_per_exposure is for channels without a spend column")
        return self


class Controls(Closed):
    """Numeric columns that move the outcome and are not ours to decide."""

    columns: tuple[Name, ...] = Field(strict=False, default=())


class Events(Closed):
    """Columns of event names (texts) or of flags between 0 and 1.

    In a column of names `na`, `none`, `0` or a blank means no event; where none of these occurs, the most
    frequent name does.
    """

    column: Name | None = None
    columns: tuple[Name, ...] = Field(strict=False, default=())


class Baseline(Closed):
    """What the outcome does without marketing."""

    trend: Literal["none", "linear", "piecewise"] = "piecewise"
    season: int | None = Field(default=None, ge=0, le=12)  # pairs of yearly waves; chosen by length if absent


class Model(Closed):
    """One `model.toml`."""

    data: Data
    channels: dict[Name, ChannelColumns] = Field(min_length=1)
    controls: Controls = Controls()
    events: Events = Events()
    baseline: Baseline = Baseline()
    experiments: Experiments | None = None

    @model_validator(mode="after")
    def _names_differ(self) -> "Model":
        seen: dict[str, str] = {}
        for name in self.channels:
            twin = seen.setdefault(look(name), name)
            if twin != name:
                raise ValueError(f"channels {twin!r} and {name!r} look alike; rename one of them")
        return self

    @model_validator(mode="after")
    def _one_role_each(self) -> "Model":
        taken: dict[str, str] = {}
        for role, column in self.roles():
            if column in taken:
                raise ValueError(f"column {column!r} serves as {taken[column]} and as {role}; give it one role")
            taken[column] = role
        return self

    def roles(self) -> Iterator[tuple[str, str]]:
        """Each column that the table must have, after the field that names it, as (field, column)."""
        data = self.data
        single = {
            "data.date": data.date,
            "data.geo": data.geo,
            "data.population": data.population,
            "data.outcome": data.outcome,
            "data.kpi": data.kpi,
            "data.value_per_kpi": data.value_per_kpi,
            "events.column": self.events.column,
        }
        yield from ((role, column) for role, column in single.items() if isinstance(column, str))
        yield from self._channel_roles()
        yield from (("controls.columns", column) for column in self.controls.columns)
        yield from (("events.columns", column) for column in self.events.columns)

    def _channel_roles(self) -> Iterator[tuple[str, str]]:
        long = self.data.long
        if long:
            named = {"channel": long.channel, "spend": long.spend, "exposure": long.exposure}
            yield from ((f"data.long.{role}", column) for role, column in named.items() if column)
            return
        for name, channel in self.channels.items():
            if channel.spend:
                yield f"channels.{quoted(name)}.spend", channel.spend
            if channel.exposure:
                yield f"channels.{quoted(name)}.exposure", channel.exposure


_BARE = set(string.ascii_letters + string.digits + "_-")


def quoted(key: str) -> str:
    """A TOML key, in quotes where it needs them.

    >>> print(quoted("tv"), quoted('a "b"'))
    tv "a \\"b\\""
    """
    return key if key and set(key) <= _BARE else text_literal(key)


def text_literal(text: str) -> str:
    """A TOML string that reads back as exactly this text, on one line."""
    escapes = {"\\": "\\\\", '"': '\\"'}
    letters = (escapes.get(letter) or (letter if letter.isprintable() else f"\\U{ord(letter):08X}") for letter in text)
    return '"' + "".join(letters) + '"'

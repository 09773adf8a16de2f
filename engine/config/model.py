"""`model.toml`: what the columns of a data set mean, and how its baseline is modelled."""

import datetime
import re
import string
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.config.beliefs import Beliefs
from engine.config.experiments import Experiments
from engine.config.loading import Closed, Name, Positive
from engine.config.lookalike import look

Kind = Literal["paid", "earned", "shared", "owned"]
Trend = Literal["none", "linear", "piecewise", "smooth"]


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


class ChannelColumns(Beliefs):
    """Where one channel's activity stands in the table, and what is known of it beforehand.

    Activity is spend, exposure, or reach with frequency. A curve that runs on exposure takes money at the
    price of the latest year, so that plans count in the money of today.
    """

    kind: Kind
    spend: Name | None = None  # a column; in a long table, the text that names the channel
    exposure: Name | None = None  # impressions, mails, visits: the curve runs on them instead of on spend
    reach: Name | None = None  # people who met the channel in the period, instead of exposure
    frequency: Name | None = None  # mean contacts of each of these people
    cost_per_exposure: Positive | None = None  # effort cost of exposure (of a contact) that has no spend column

    @model_validator(mode="after")
    def _has_money(self) -> "ChannelColumns":
        active = self.exposure or self.reach
        if self.spend is None and (active is None or self.cost_per_exposure is None):
            raise ValueError("either spend, or exposure with cost_per_exposure, is needed")
        if self.spend is not None and self.cost_per_exposure is not None:
            raise ValueError("cost_per_exposure is for channels without a spend column")
        return self

    @model_validator(mode="after")
    def _one_activity(self) -> "ChannelColumns":
        if (self.reach is None) != (self.frequency is None):
            raise ValueError("reach and frequency go together")
        if self.reach is not None and self.exposure is not None:
            raise ValueError("exposure and reach both tell how often people met it; keep one")
        return self


class Controls(Closed):
    """Numeric columns that move the outcome and are not decided here.

    A price enters as the log of itself over its mean in the same geo, so that its effect is an elasticity;
    promotions enter as they are.
    """

    columns: tuple[Name, ...] = Field(strict=False, default=())
    price: Name | None = None  # what customers pay
    promotion: Name | None = None  # depth of discounts, or a flag

    def roles(self) -> Iterator[tuple[str, str]]:
        """Each column after the field that names it, in the order of the arrays, as (field, column)."""
        yield from (("columns", column) for column in self.columns)
        yield from (("price", self.price),) if self.price else ()
        yield from (("promotion", self.promotion),) if self.promotion else ()


class Events(Closed):
    """Columns of event names (texts) or of flags between 0 and 1.

    In a column of names `na`, `none`, `0` or a blank means no event; where none of these occurs, the most
    frequent name does.
    """

    column: Name | None = None
    columns: tuple[Name, ...] = Field(strict=False, default=())


class Baseline(Closed):
    """What the outcome does without marketing."""

    trend: Trend = "piecewise"
    season: int | None = Field(default=None, ge=0, le=12)  # pairs of yearly waves; at most three if absent


class CurveFamilies(Closed):
    """Which families of curves are taken into account; calibration knows their names."""

    saturation: Name = "any"
    adstock: Name = "any"
    drift: bool = False  # whether the effect of each channel may move slowly over the years


class Previous(Closed):
    """An earlier fit whose answer is what is believed before these data."""

    fit: Name  # its folder, beside the model file
    discount: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5  # of its rows, for each year of new ones


class Model(Closed):
    """One `model.toml`."""

    data: Data
    channels: dict[Name, ChannelColumns] = Field(min_length=1)
    controls: Controls = Controls()
    events: Events = Events()
    baseline: Baseline = Baseline()
    experiments: Experiments | None = None
    curves: CurveFamilies = CurveFamilies()
    previous: Previous | None = None

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

    @model_validator(mode="after")
    def _beliefs_can_be(self) -> "Model":
        in_units = self.data.kpi is not None and self.data.value_per_kpi is None
        for name, channel in self.channels.items():
            if channel.roas is not None and in_units:
                raise ValueError(f"roas of {name!r} is money for money and the outcome has none: add value_per_kpi")
            if channel.reach is not None and self.data.long is not None:
                raise ValueError(f"reach of {name!r} needs columns of its own, and a long table has none")
        least = sum(channel.share.low for channel in self.channels.values() if channel.share is not None)
        if least > 1:
            raise ValueError(f"share.low of all channels adds up to {least:g}, above the whole outcome")
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
        yield from ((f"controls.{field}", column) for field, column in self.controls.roles())
        yield from (("events.columns", column) for column in self.events.columns)

    def _channel_roles(self) -> Iterator[tuple[str, str]]:
        long = self.data.long
        if long:
            named = {"channel": long.channel, "spend": long.spend, "exposure": long.exposure}
            yield from ((f"data.long.{role}", column) for role, column in named.items() if column)
            return
        for name, channel in self.channels.items():
            for field in ("spend", "exposure", "reach", "frequency"):
                if column := getattr(channel, field):
                    yield f"channels.{quoted(name)}.{field}", column


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

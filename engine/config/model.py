"""`model.toml`: what the columns of a data set mean, and how its baseline is modelled."""

from typing import Literal

from pydantic import Field, model_validator

from engine.config.loading import Closed, Name, Positive

Kind = Literal["paid", "earned", "shared", "owned"]


class Data(Closed):
    """The columns of the table, and every repair that the reader may make (none is made unasked)."""

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
    date_format: Name | None = None  # strptime codes, where dates are not YYYY-MM-DD
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    blank: Literal["refuse", "zero"] = "refuse"  # what an empty cell of a number column means
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
    """Columns of event names (texts; the most frequent one, `na` or blank means none) or of 0/1 flags."""

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

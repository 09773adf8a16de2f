"""What the length, the rhythm and the outcome of a history allow."""

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.data.finding import ADJECTIVES, Finding, counted, national, per_size, percent, years
from engine.periods import PER_YEAR, Period

YEARS_FOR_SEASON = 2.0  # a wave seen less than twice cannot be told from a trend or from one odd year
YEARS_AT_LEAST = 1.0  # below one year any season is confounded with the spend of that season
NEARLY = 0.02  # of a year: 52 weeks are one, and 104 are two
UNKNOWNS_PER_CHANNEL = 4  # ceiling, halfway spend, slope, carry-over
PERIODS_PER_UNKNOWN = 5.0  # half of the ten of regression's rule of thumb: priors carry the rest
FEWEST_PERIODS_PER_UNKNOWN = 2.0  # below two the priors decide alone
SLIP = 500.0  # times the usual value: a slip of three decimal places on a value half as large as usual
ALONE = 50.0  # times the values before and after it: a burst of a campaign rises and falls, a slip does not
SHIFT = 200.0  # times between the two halves of a history: a change of unit, no growth
FEWEST_FOR_USUAL = 6  # values above zero before "usual" means anything
HIGH_SPEND, LOW_SPEND = 1.0, 0.0005  # share of the outcome that is spent; outside, one of the two has another unit
LAST_DROP = 0.5  # of the lowest of the eight periods before: a last period that is not complete


def rhythm(dataset: Dataset) -> list[Finding]:
    """Whether the length of one period suits carry-over and response."""
    period, count = dataset.period, len(dataset.starts)
    span = f"{counted(count, period)} from {dataset.starts[0]} to {dataset.starts[-1]}, none missing"
    span += f", in {len(dataset.geos)} geos" if len(dataset.geos) > 1 else ""
    per_year = PER_YEAR[period]
    if period == "day":
        advice = 'the days of the week will look like noise; declare aggregate = "week" under [data]'
        return [Finding("rhythm", "weak", per_year, f"The rows are days ({span}); {advice}.")]
    if period == "month":
        advice = "carry-over shorter than a month cannot be seen; give weekly rows if there are any"
        return [Finding("rhythm", "weak", per_year, f"The rows are months ({span}); {advice}.")]
    if period in ("quarter", "year"):
        advice = "carry-over and the response to single bursts cannot be seen; give weekly or monthly rows"
        return [Finding("rhythm", "bad", per_year, f"The rows are {period}s ({span}); {advice}.")]
    return [Finding("rhythm", "good", per_year, f"The rows are {period}s ({span}).")]


def length(dataset: Dataset) -> list[Finding]:
    """Whether a yearly season can be told from trend and marketing."""
    span, count = years(dataset), counted(len(dataset.starts), dataset.period)
    if span < YEARS_AT_LEAST - NEARLY:
        claim = f"The history spans {count}, less than a year"
        return [Finding("length", "bad", span, f"{claim}; season and marketing look the same: add earlier rows.")]
    if span < YEARS_FOR_SEASON - NEARLY:
        claim = f"The history spans {count}, less than two years"
        advice = "a yearly season cannot be told from the trend: add earlier rows, or read effects with care"
        return [Finding("length", "weak", span, f"{claim}; {advice}.")]
    return [
        Finding("length", "good", span, f"The history spans {span:.1f} years, enough to see a yearly season twice.")
    ]


def unknown_count(dataset: Dataset) -> int:
    """About how many numbers a model of this history has to find."""
    waves = 4 if years(dataset) >= YEARS_FOR_SEASON - NEARLY and dataset.period != "year" else 0
    nuisance = len(dataset.control_names) + len(dataset.event_names) + len(dataset.geos) - 1
    return UNKNOWNS_PER_CHANNEL * len(dataset.channels) + nuisance + 2 + waves


def unknowns(dataset: Dataset) -> list[Finding]:
    """Whether there are enough observations for what has to be found."""
    count, cells = unknown_count(dataset), dataset.outcome.size
    ratio = cells / count
    what = dataset.period if len(dataset.geos) == 1 else f"{dataset.period} and geo"
    claim = f"{cells:,} observations (one per {what}) for about {count} unknowns, {ratio:.1f} for each"
    advice = "use fewer channels, controls and events, or a longer history"
    if ratio < FEWEST_PERIODS_PER_UNKNOWN:
        return [Finding("unknowns", "bad", ratio, f"There are only {claim}; {advice}.")]
    if ratio < PERIODS_PER_UNKNOWN:
        return [Finding("unknowns", "weak", ratio, f"There are {claim}; bands will lean on priors: {advice}.")]
    return [Finding("unknowns", "good", ratio, f"There are {claim}.")]


def outcome(dataset: Dataset) -> list[Finding]:
    """Whether the outcome moves, is not mostly nothing, and ends with a whole period."""
    series, name = national(dataset.outcome), dataset.outcome_name
    found = []
    if np.ptp(series) <= 1e-9 * np.abs(series).max():
        return [
            Finding("outcome", "bad", 0.0, f"The outcome {name} never changes; name a column that marketing moves.")
        ]
    zeros = float((dataset.outcome == 0).mean())
    if zeros > 0.5:
        advice = "a longer period, or a stage nearer to the start of the funnel, tells more"
        found.append(
            Finding("outcome", "weak", zeros, f"The outcome {name} is zero in {percent(zeros)} of its rows; {advice}.")
        )
    found += _silent(dataset)
    negative = float((dataset.outcome < 0).mean())
    if negative > 0:
        claim = f"The outcome {name} is negative in {percent(negative)} of its rows"
        found.append(Finding("outcome", "weak", negative, f"{claim}; book returns in the period of their sale."))
    before = series[-9:-1]
    if len(before) == 8 and 0 <= series[-1] < LAST_DROP * before.min():
        drop = float(series[-1] / before.min())
        claim = (
            f"The last {dataset.period} ({dataset.starts[-1]}) has {percent(drop)} of the lowest of the eight before it"
        )
        found.append(Finding("outcome", "weak", drop, f"{claim}; if it was not over when exported, delete its rows."))
    variation = float(series.std() / abs(series.mean())) if series.mean() else 0.0
    said = f"The outcome {name} varies by {percent(variation)} around its mean."
    return found or [Finding("outcome", "good", variation, said)]


def _silent(dataset: Dataset) -> list[Finding]:
    """Geos without any outcome, whose spend would count against every channel's effect."""
    silent = [geo for geo, rows in zip(dataset.geos, dataset.outcome.T, strict=True) if not rows.any()]
    if not silent:
        return []
    where = silent[0] if len(silent) == 1 else f"{silent[0]} and {counted(len(silent) - 1, 'other geo')}"
    claim = f"The outcome {dataset.outcome_name} is zero in every row of {where}"
    advice = "if it is not recorded there, leave the geo out with its spend"
    return [Finding("outcome", "weak", len(silent) / len(dataset.geos), f"{claim}; {advice}.")]


def scale(dataset: Dataset) -> list[Finding]:
    """Whether spend and outcome can be in the same unit."""
    total, made = float(dataset.spend.sum()), float(dataset.outcome.sum())
    if not dataset.is_money or made <= 0:
        return []
    share = total / made
    if share > HIGH_SPEND:
        claim = f"Spend is {share:.1f} times the outcome"
        advice = "if the outcome is in thousands or is no money, say so (kpi and value_per_kpi)"
        return [Finding("scale", "bad" if share > 10 else "weak", share, f"{claim}; {advice}.")]
    if share < LOW_SPEND:
        claim = f"Spend is only {percent(share)} of the outcome"
        return [
            Finding(
                "scale",
                "weak",
                share,
                f"{claim}; if spend is in thousands or millions, write it in {dataset.currency}.",
            )
        ]
    return [Finding("scale", "good", share, f"Spend is {percent(share)} of the outcome.")]


def slips(dataset: Dataset) -> list[Finding]:
    """Values hundreds of times larger than usual, and columns that change their unit half-way."""
    layers = [(name, dataset.spend[:, :, at]) for at, name in enumerate(dataset.channels)]
    layers += [
        (f"the exposure of {name}", dataset.driver[:, :, at])
        for at, name in enumerate(dataset.channels)
        if not np.array_equal(dataset.driver[:, :, at], dataset.spend[:, :, at])
    ]
    layers += [(f"the outcome {dataset.outcome_name}", dataset.outcome)]
    found = [finding for name, values in layers for finding in _slip(dataset, name, values)]
    return found or [Finding("slips", "good", 0.0, "No value is hundreds of times larger than usual.")]


def _slip(dataset: Dataset, name: str, values: Float[np.ndarray, "period geo"]) -> list[Finding]:
    scaled = per_size(values[:, :, None], dataset)[:, :, 0]
    active = scaled[scaled > 0]
    if active.size < FEWEST_FOR_USUAL:
        return []
    ratio = float(active.max() / np.median(active))
    halves = [part[part > 0] for part in np.array_split(scaled, 2)]
    at, geo = np.unravel_index(int(np.argmax(scaled)), scaled.shape)
    beside = scaled[[near for near in (int(at) - 1, int(at) + 1) if 0 <= near < len(scaled)], geo]
    if ratio >= SLIP and beside.size and beside.max() * ALONE <= scaled[at, geo]:
        where = f" in {dataset.geos[int(geo)]}" if len(dataset.geos) > 1 else ""
        claim = f"{name} on {dataset.starts[int(at)]}{where} is {ratio:,.0f} times its usual value"
        return [Finding("slips", "bad", ratio, f"{_upper(claim)}; check its unit or its decimal point.")]
    if min(half.size for half in halves) >= FEWEST_FOR_USUAL:
        early, late = (float(np.median(half)) for half in halves)
        shift = max(early / late, late / early)
        if shift >= SHIFT:
            claim = f"{name} is {shift:,.0f} times {'larger' if late > early else 'smaller'} in the second half"
            return [Finding("slips", "bad", shift, f"{_upper(claim)}; bring both halves to one unit.")]
    return []


def _upper(text: str) -> str:
    """A name of a channel stays as it is; a sentence that begins with an article gets its capital."""
    return "The" + text[3:] if text.startswith("the ") else text


def repairs(dataset: Dataset) -> list[Finding]:
    """What the reader changed because it was told to."""
    return [Finding("declared", "good", 1.0, f"{note[:1].upper()}{note[1:]}.") for note in dataset.notes]


def adjective(period: Period) -> str:
    """The period as it stands before a noun: a weekly model."""
    return ADJECTIVES[period]

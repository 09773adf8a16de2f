"""Chart of shares: what each channel took of all spend beside what it brought of all that channels brought."""

from typing import NamedTuple

from engine.calibrate.fit import Fit
from engine.report.charts.look import (
    INK,
    SEVERAL,
    WIDE,
    Spec,
    amount,
    framed,
    heading,
    kind_scale,
    labels,
    listed,
    rows,
    short,
    span,
)
from engine.response.curves import Kind
from engine.words import percent

SHOWN = 20  # channels one by one; the rest together
STEP = 24  # height of one channel's row [pixels]


class Share(NamedTuple):
    """One channel's part of all spend and of all that channels brought; shares of 1."""

    label: str
    kind: Kind | None  # None: several channels taken together
    spend: float
    brought: float
    low: float  # 5 % of what it brought, over the mean of what all brought
    high: float


def shares_of(fit: Fit) -> list[Share]:
    """Shares of spend and of contribution, the largest spend first; each column adds up to 1, or is 0 throughout."""
    brought = {part.component: float(part.mean.sum()) for part in fit.contributions if part.is_channel}
    outcome = float(sum(part.mean.sum() for part in fit.contributions))
    spent = sum(reading.spend for reading in fit.readings) or 1.0
    gained = sum(brought.values()) or 1.0
    found = [
        Share(
            label,
            channel.kind,
            reading.spend / spent,
            brought[reading.name] / gained,
            reading.share[0] * outcome / gained,
            reading.share[2] * outcome / gained,
        )
        for label, channel, reading in zip(labels(fit.curves.names), fit.curves.channels, fit.readings, strict=True)
    ]
    return sorted(found, key=lambda share: -share.spend)


def shares_chart(fit: Fit) -> Spec:
    """The share of each channel in spend beside its share in what channels brought."""
    every = shares_of(fit)
    single = every[:SHOWN]
    told = [f"{short(one.label)} {percent(one.spend)} of spend, {percent(one.brought)} of effect" for one in every]
    channel = {"field": "channel", "type": "nominal", "sort": None, "title": None, "axis": {"labelColor": INK}}
    return framed(
        heading(_shares_title(single), _shares_subtitle(len(every) - len(single)), WIDE),
        f"Share of spend and share of contribution of {len(every)} channels over all of history. {listed(told)}.",
        {
            "width": 480,
            "height": {"step": STEP},
            "encoding": {"y": channel},
            "layer": _layers(_gathered(every), single),
        },
    )


def _layers(shares: list[Share], single: list[Share]) -> list[Spec]:
    """Bars of what was brought, bands of single channels, ticks of spend; bands far out are cut."""
    top = max(max(share.spend, share.brought) for share in shares)
    reach = 104 * max(top, min(max(share.high for share in single), 2 * top))
    share: Spec = {"scale": {"domain": span(0.0, float(f"{reach:.4g}")), "nice": False}}
    share["title"] = "Share of all channels (%)"
    colours = kind_scale(one.kind for one in shares if one.kind)
    if len(shares) > len(single):
        colours = {"domain": [*colours["domain"], "several"], "range": [*colours["range"], SEVERAL]}
    names, kinds = [one.label for one in shares], [one.kind or "several" for one in shares]
    cut = [[min(100 * edge, reach) for edge in (one.low, one.high)] for one in single]
    return [
        {
            "data": rows(channel=names, kind=kinds, share=[100 * one.brought for one in shares]),
            "mark": {"type": "bar", "height": {"band": 0.62}},
            "encoding": {
                "x": amount("share", **share),
                "color": {"field": "kind", "type": "nominal", "scale": colours, "legend": {"title": "Kind"}},
            },
        },
        {
            "data": rows(
                channel=[one.label for one in single], low=[low for low, _ in cut], high=[high for _, high in cut]
            ),
            "mark": {"type": "rule", "color": INK, "opacity": 0.55},
            "encoding": {"x": amount("low", **share), "x2": {"field": "high"}},
        },
        {
            "data": rows(channel=names, spend=[100 * one.spend for one in shares]),
            "mark": {"type": "tick", "color": INK, "thickness": 3, "size": STEP - 4, "opacity": 1},
            "encoding": {"x": amount("spend", **share)},
        },
    ]


def _gathered(shares: list[Share]) -> list[Share]:
    """The channels with most spend, and all others as one."""
    rest = shares[SHOWN:]
    if not rest:
        return shares
    spend, brought = (sum(getattr(one, name) for one in rest) for name in ("spend", "brought"))
    return [*shares[:SHOWN], Share(f"{len(rest)} other channels", None, spend, brought, brought, brought)]


def _shares_title(shares: list[Share]) -> str:
    if not sum(one.brought for one in shares):
        return "No channel brought anything that the data show"
    if len(shares) == 1:
        return f"All spend and all of the effect are {short(shares[0].label)}'s"
    best = max(shares, key=lambda one: one.brought - one.spend)
    worst = min(shares, key=lambda one: one.brought - one.spend)
    return (
        f"{short(best.label)} brings {percent(best.brought)} of the effect for {percent(best.spend)} of the spend, "
        f"{short(worst.label)} {percent(worst.brought)} for {percent(worst.spend)}"
    )


def _shares_subtitle(rest: int) -> str:
    told = f" The {rest} channels with least spend are taken together." if rest else ""
    return (
        "Bar: share of all that the channels brought, over all of history; thin line: 5-95 %, over the mean of "
        f"all; thick tick: share of their spend. A bar that ends left of its tick brought less than its part.{told}"
    )

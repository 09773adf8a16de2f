"""Sections of a fit: shares of money and effect, response curves, returns, and how far the fit can be trusted."""

from dataclasses import replace

import numpy as np

from engine.calibrate.fit import Check, Fit, Verdict
from engine.optimize.plan import Line, Plan
from engine.report.charts.course import brought_share, contributions_chart, outcome_chart
from engine.report.charts.curves import Planned, response_chart, seen_up_to
from engine.report.charts.look import SLIM, Spec, opening
from engine.report.charts.returns import returns_chart
from engine.report.charts.shares import shares_chart, shares_of
from engine.report.page.cells import EMPTY, NOTHING, amounts, ratio, share, shares, single, text
from engine.report.page.given import Given
from engine.report.page.records import Absent, Cell, Fact, Facts, Figure, Listed, Section, Table, Words
from engine.report.rounding import scale_of
from engine.response.curves import Channel, Curves, pace, respond
from engine.words import money, percent, plain

NO_FIT = "Give the folder of the fit: peso calibrate DATA --model MODEL --out FIT."
NOT_CURVES = "Give the folder of the fit instead of its curves alone: they do not tell what was spent and brought."
TRUST: dict[Verdict, str] = {
    "good": "Good enough to plan with",
    "weak": "Plan with care, in small steps",
    "bad": "Not to be planned with",
}
ASKED = {
    "convergence": "did the search settle on one answer?",
    "fit": "does it follow history?",
    "residuals": "is anything left over that looks like a pattern?",
    "holdout": "does it forecast what it has not seen?",
    "sensitivity": "does one stretch of history decide it?",
    "baseline": "what would have come without these channels?",
    "demand": "could hidden demand look like spend?",
    "known money": "how much of the money do the data tell of?",
    "tested money": "how much of the money was tested?",
    "collinear": "do channels move apart, so that they can be told apart?",
    "reach": "how far do the data reach?",
    "steady": "did channels run often enough to be told?",
    "geos": "do regions agree?",
}
"""Names of checks in plain words."""
PANELS = 24  # channels whose curves are drawn
SEVERITY: tuple[Verdict, ...] = ("bad", "weak", "good")
VERDICTS: dict[Verdict, str] = {"good": "Good", "weak": "With care", "bad": "Bad"}


def _fit(given: Given) -> Fit | None:
    return given.fit.fit if given.fit else None


def _remedy(given: Given) -> str:
    return NOT_CURVES if given.fit else NO_FIT


def shares_section(given: Given) -> Section | Absent:
    """What each channel took of all money beside what it brought."""
    fit = _fit(given)
    if fit is None:
        return Absent("shares of money and of effect", _remedy(given))
    return Section(
        "shares",
        "Share of money against share of effect",
        (Figure("shares", shares_chart(fit), shares_table(fit)),),
    )


def shares_table(fit: Fit) -> Table:
    """Money and effect over all of history, by channel."""
    brought = {part.component: float(part.mean.sum()) for part in fit.contributions if part.is_channel}
    order = [fit.readings[at] for at in np.argsort([-one.spend for one in fit.readings], kind="stable").tolist()]
    parts = shares_of(fit)
    spent, gained = [one.spend for one in order], [brought[one.name] for one in order]
    spend, effect = scale_of(sum(spent)), scale_of(sum(gained))
    columns = [
        [text(one.name) for one in order],
        amounts(spent, spend, sum(spent)),
        shares([one.spend for one in parts]),
        amounts(gained, effect, sum(gained)),
        shares([one.brought for one in parts]),
        [share(one.low) for one in parts],
        [share(one.high) for one in parts],
    ]
    unit = fit.curves.currency if fit.curves.is_money else ""
    header = ["Channel", spend.head("Spent", fit.curves.currency), "Share of money"]
    header += [effect.head(f"Brought: {plain(fit.curves.measure)}", unit), "Share of effect", "5 %", "95 %"]
    total = (
        Cell("Total"),
        single(sum(spent), spend),
        share(sum(one.spend for one in parts)),
        single(sum(gained), effect),
        share(sum(one.brought for one in parts)),
        EMPTY,
        EMPTY,
    )
    caption = f"Money and effect by channel, {fit.starts[0]} to the {fit.curves.period} of {fit.starts[-1]}"
    note = "5 % and 95 %: of the share of effect, over the mean of what all channels brought; they do not add up."
    return Table("shares", caption, tuple(header), tuple(zip(*columns, strict=True)), total, note)


def contributions_figure(fit: Fit) -> Figure:
    """What every part added over time."""
    return Figure("contributions", contributions_chart(fit), contributions_table(fit))


def contributions_table(fit: Fit) -> Table:
    """What each part added over all of history, with its share."""
    sums = [float(part.mean.sum()) for part in fit.contributions]
    whole = sum(sums)
    scale = scale_of(whole)
    columns = [
        [text(part.component) for part in fit.contributions],
        [Cell("channel" if part.is_channel else "baseline") for part in fit.contributions],
        amounts(sums, scale, whole),
        shares([one / whole for one in sums]) if whole else [NOTHING for _ in sums],
    ]
    head = scale.head(opening(plain(fit.curves.outcome)), fit.curves.currency if fit.curves.is_money else "")
    total = (Cell("Total"), EMPTY, single(whole, scale), share(1.0) if whole else NOTHING)
    rows = tuple(zip(*columns, strict=True))
    return Table(
        "contributions", "What each part added, over all of history", ("Part", "Of", head, "Share"), rows, total
    )


def curves_section(given: Given) -> Section | Absent:
    """What each channel brings at any spend."""
    run = given.fit
    if run is None:
        return Absent("response curves", NO_FIT)
    curves = run.curves
    return Section(
        "curves",
        "What each channel brings at any spend",
        (*_left_out(curves), Figure("response", _curves(curves, given.plan), curves_table(curves, given.plan))),
    )


def _curves(curves: Curves, plan: Plan | None) -> Spec:
    """The curves of the channels with most money, with what the plan spends on them."""
    planned = {line.name: _planned(line, plan.periods) for line in plan.lines} if plan else {}
    taken = {
        one.name: max(pace(one, curves.period), planned[one.name].spend if one.name in planned else 0.0)
        for one in curves.channels
    }
    most = sorted(taken, key=lambda name: -taken[name])[:PANELS]
    shown = tuple(channel for channel in curves.channels if channel.name in most)
    return response_chart(replace(curves, channels=shown), planned)


def _planned(line: Line, periods: int) -> Planned:
    """What a plan spends on a channel, and what its rules allow, a period."""
    if line.least is None and line.most is None:
        return Planned(line.spend / periods)
    return Planned(
        line.spend / periods, ((line.least or 0.0) / periods, (np.inf if line.most is None else line.most) / periods)
    )


def _left_out(curves: Curves) -> tuple[Words, ...]:
    """That not all channels are drawn."""
    told = f"Drawn are the {PANELS} of {len(curves.channels)} channels with most money; the table has all of them."
    return (Words((told,)),) if len(curves.channels) > PANELS else ()


def curves_table(curves: Curves, plan: Plan | None) -> Table:
    """Spend a period today, in the plan and as far as data speak, and what it brings there."""
    planned = {} if plan is None else {line.name: line.spend / plan.periods for line in plan.lines}
    scale = scale_of(max([*(pace(one, curves.period) for one in curves.channels), *planned.values(), 1.0]))
    brought = [_brings(one, pace(one, curves.period), curves) for one in curves.channels]
    effect = scale_of(max(abs(three[1]) for three in brought))
    rows = []
    for channel, three in zip(curves.channels, brought, strict=True):
        today, seen = pace(channel, curves.period), seen_up_to(channel)
        after = planned.get(channel.name)
        rows.append(
            (
                text(channel.name),
                single(today, scale),
                *([] if plan is None else [single(after, scale) if after is not None else NOTHING]),
                single(seen, scale),
                *(single(one, effect) for one in (three[1], three[0], three[2])),
            )
        )
    unit = curves.currency if curves.is_money else ""
    header = ["Channel", scale.head("Today", curves.currency)]
    header += [scale.head("Plan", curves.currency)] * (plan is not None)
    header += [scale.head("Data seen up to", curves.currency)]
    header += [effect.head(f"{opening(plain(curves.measure))} today", unit), "5 %", "95 %"]
    note = f"All a {curves.period}. Plan: in the mean over its {curves.period}s."
    return Table("response", "Spend and effect on the response curves", tuple(header), tuple(rows), note=note)


def _brings(channel: Channel, spend: float, curves: Curves) -> tuple[float, float, float]:
    """5 % point, mean and 95 % point of what a constant spend brings [outcome/period]."""
    brought = respond(channel, np.full(curves.draws, spend)) * curves.value
    low, high = np.percentile(brought, (5.0, 95.0)).tolist()
    return low, float(brought.mean()), high


def returns_section(given: Given) -> Section | Absent:
    """Return on money so far against that on the next money."""
    fit = _fit(given)
    if fit is None:
        return Absent("returns so far and of the next money", _remedy(given))
    if not fit.curves.is_money:
        what = plain(fit.curves.outcome)
        told = f"Calibrate with outcome_value: returns need to know what one of {what} is worth."
        return Absent("returns so far and of the next money", told)
    return Section(
        "returns",
        "Return so far and of the next money",
        (Figure("returns", returns_chart(fit), returns_table(fit), returns_chart(fit, SLIM)),),
    )


def returns_table(fit: Fit) -> Table:
    """Both returns by channel, with their bands."""
    one = money(1.0, fit.curves.currency)
    rows = tuple(
        (
            text(reading.name),
            *(ratio(reading.roas[at]) for at in (1, 0, 2)),
            *(
                [ratio(reading.marginal_roas[at]) for at in (1, 0, 2)]
                if reading.marginal_roas
                else [Cell("not running"), NOTHING, NOTHING]
            ),
        )
        for reading in fit.readings
    )
    header = ("Channel", f"Per {one} so far", "5 %", "95 %", f"Per next {one}", "5 %", "95 %")
    note = (
        f"In {plain(fit.curves.currency)} of {plain(fit.curves.measure)}; medians over the draws. Break-even is at 1."
    )
    return Table("returns", "Return so far and of the next money", header, rows, note=note)


def health_section(given: Given) -> Section | Absent:
    """How far the fit can be trusted, and what was looked at."""
    fit = _fit(given)
    if fit is None:
        return Absent("the health of the fit", _remedy(given))
    checks = sorted(fit.health.checks, key=lambda check: SEVERITY.index(check.verdict))
    counts = {verdict: sum(one.verdict == verdict for one in checks) for verdict in SEVERITY}
    told = ", ".join(f"{counts[one]} {VERDICTS[one].lower()}" for one in SEVERITY if counts[one])
    said = f"{TRUST[fit.health.trust]}: the channels brought {brought_share(fit)} of {plain(fit.curves.outcome)}."
    facts = (
        Fact("Verdict", TRUST[fit.health.trust], f"{len(checks)} checks: {told}"),
        *_explained(fit),
    )
    return Section(
        "health",
        "How far the fit can be trusted",
        (Words((said,), "finding"), Facts(facts), Listed(tuple(map(_check, checks)), "checks"), *_past(fit)),
    )


def _past(fit: Fit) -> tuple[Figure, ...]:
    """How the fit follows history, and what it says of each part of it."""
    return Figure("outcome", outcome_chart(fit)), contributions_figure(fit)


def _explained(fit: Fit) -> list[Fact]:
    """What share of money goes to channels that are known, and that were tested."""
    named = {
        "known money": "Money in channels that the data tell",
        "tested money": "Money in channels that were tested",
    }
    figures = {check.name: check.figure for check in fit.health.checks}
    return [
        Fact(named[name], percent(figure), "", figure) for name in named if (figure := figures.get(name)) is not None
    ]


def _check(check: Check) -> tuple[str, str]:
    """A check with its verdict, as a sentence."""
    asked = ASKED.get(check.name, plain(check.name))
    return f"{VERDICTS[check.verdict]}: {asked}", f"{opening(plain(check.sentence).rstrip('.'))}."

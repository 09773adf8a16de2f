"""A simulated world for people, and what a run adds to its document."""

from typing import Any

import numpy as np
from jaxtyping import Float

from engine.simulate.lift import LiftResult, lift_truth
from engine.simulate.noise import Noise, bands
from engine.simulate.stages import CALLED
from engine.study.engines import Instead
from engine.study.imagine import Imagined
from engine.study.replay import replay_document, replay_text
from engine.words import money, number, percent, plain, table


def world_text(imagined: Imagined) -> str:
    """The decision first, then luck, the stage funnel, what each channel truly did, and all that was asked beside."""
    parts = [
        _first(imagined),
        *([replay_text(imagined.replayed, imagined.world.currency)] if imagined.replayed else []),
        _luck(imagined),
        table(*_stages(imagined)),
        f"{table(*_channels(imagined))}\n{_channels_mean(imagined)}",
        _customers(imagined),
        *([table(*_instead(imagined))] if imagined.instead else []),
        *(_lift(test, imagined.world.currency) for test in imagined.lifts),
        _undone(imagined),
        *([_log(imagined)] if imagined.touches else []),
    ]
    return "\n".join(plain(line) for line in "\n\n".join(part for part in parts if part).split("\n"))


def run_document(imagined: Imagined) -> dict[str, Any]:
    """What a run adds to the truth: its seed and engine, luck, other money, a plan and lift tests."""
    played, world = imagined.played, imagined.world
    return {
        "seed": imagined.seed,
        "engine": played.engine,
        "people": played.people,
        "realised_revenue": float(np.asarray(imagined.trajectory.revenue).sum()),
        **({"luck": _luck_document(played.noise)} if played.noise else {}),
        **({"counterfactuals": [change._asdict() for change in imagined.instead]} if imagined.instead else {}),
        **({"plan": replay_document(imagined.replayed)} if imagined.replayed else {}),
        **({"lift_tests": lift_truth(list(imagined.lifts))} if imagined.lifts else {}),
        **({"lift_tests_not_done": late_tests(imagined)} if late_tests(imagined) else {}),
        "stages": [
            dict(zip(("stage", "called", "start", "end", "entered"), (name, CALLED[name], *figures), strict=True))
            for name, figures in zip(world.ladder.stages, _stage_figures(imagined).tolist(), strict=True)
        ],
    }


def _first(imagined: Imagined) -> str:
    known, world = imagined.truth, imagined.world
    lead = f"{world.name}, {len(imagined.spend)} weeks (seed {imagined.seed})"
    if known.revenue == 0:
        return f"{lead}: no revenue at all, with {money(float(known.spent.sum()), world.currency)} of marketing."
    return (
        f"{lead}: {percent(1 - known.baseline / known.revenue)} of "
        f"{money(known.revenue, world.currency)} revenue would not have come without "
        f"{money(float(known.spent.sum()), world.currency)} of marketing; {_next(imagined)}."
    )


def _next(imagined: Imagined) -> str:
    """Where one more unit of money brings most, with what it brings late."""
    horizon, world = imagined.truth.with_tail, imagined.world
    slopes = horizon.marginal.roas
    if np.isnan(slopes).all():
        return "no channel spent"
    best = int(np.nanargmax(slopes))
    late = horizon.weeks - imagined.truth.in_window.weeks
    return (
        f"{world.currency} 1 more brings most in {world.channels[best]}: "
        f"{world.currency} {slopes[best]:.2f} of revenue, counting the {late} weeks after"
    )


def _luck(imagined: Imagined) -> str:
    """What this engine says of luck; nothing for the mean field, which has none."""
    played, currency = imagined.played, imagined.world.currency
    if played.people is None:
        return ""
    got, meant = float(np.asarray(imagined.trajectory.revenue).sum()), imagined.truth.revenue
    off = got / meant - 1 if meant else 0.0
    if played.noise is None:
        return (
            f"{number(float(played.people))} people, one by one ({played.engine}): revenue {money(got, currency)}, "
            f"{percent(off, signed=True)} from the {money(meant, currency)} of the mean field. "
            "Stages below are theirs; channels and customers are the truth of the mean field."
        )
    low, high = np.asarray(bands(played.noise).total.revenue).tolist()
    return (
        f"Luck of {number(float(played.people))} people alone moves that revenue within {money(low, currency)} .. "
        f"{money(high, currency)} (5-95 %)."
    )


def _luck_document(noise: Noise) -> dict[str, Any]:
    low, high = np.asarray(bands(noise).total.revenue).tolist()
    return {
        "people": noise.persons,
        "revenue": {"deviation": float(noise.total.revenue), "p05": low, "p95": high},
        "new_customers": {"deviation": float(noise.total.customers)},
        "weekly_revenue_deviation": np.asarray(noise.weekly.revenue).tolist(),
    }


def _stage_figures(imagined: Imagined) -> Float[np.ndarray, "stage figure"]:
    """People at the start and the end, and who entered in a mean week, by stage."""
    world = imagined.world
    population, ladder = float(world.population), world.ladder
    before = np.asarray(world.start.people).sum(axis=0) * population
    after = np.asarray(imagined.trajectory.people)[-1].sum(axis=0)
    moves = np.asarray(imagined.trajectory.flows).sum(axis=1)[:, :-1]
    return np.stack([before, after, (moves @ np.maximum(ladder.change, 0)).mean(axis=0)], axis=1)


def _stages(imagined: Imagined) -> tuple[list[str], list[list[str]]]:
    rows = [
        [stage, CALLED[stage]["funnel"], *(number(figure) for figure in figures)]
        for stage, figures in zip(imagined.world.ladder.stages, _stage_figures(imagined).tolist(), strict=True)
        if any(figures)  # a market without rivals has nobody there
    ]
    return ["stage", "also called", "people at start", "at end", "entered a week"], rows


def _channels(imagined: Imagined) -> tuple[list[str], list[list[str]]]:
    known, world = imagined.truth, imagined.world
    lasting = known.with_tail
    rows = [
        [
            name,
            world.kinds[index],
            number(float(known.spent[index])),
            number(float(known.incremental[index])),
            *(_ratio(returns[index]) for returns in (known.roas, lasting.leave_one_out.roas, lasting.marginal.roas)),
        ]
        for index, name in enumerate(world.channels)
    ]
    return ["channel", "kind", "spend", "brought", "ROAS", "late ROAS", "late next 1"], rows


def _ratio(returned: float) -> str:
    """Money back for each unit spent, as `peso optimize` tells it."""
    return f"{returned:.2f}" if np.isfinite(returned) else "unknown"


def _channels_mean(imagined: Imagined) -> str:
    """What the columns of the channels are."""
    known, currency = imagined.truth, imagined.world.currency
    late = known.with_tail.weeks - known.in_window.weeks
    return (
        f"{currency} over {known.in_window.weeks} weeks; brought: revenue lost without the channel; ROAS: that per "
        f"{currency} 1 really spent; late: with the {late} weeks after; next 1: revenue of the next {currency} 1."
    )


def _customers(imagined: Imagined) -> str:
    held, currency = imagined.truth.customers, imagined.world.currency
    share = f" Market share at the end: {percent(held.share)}." if np.isfinite(held.share) else ""
    return (
        f"A new customer costs {money(held.cost, currency)} of marketing (CAC), brings "
        f"{money(held.mean_value, currency)} discounted margin over three years (CLV) and is "
        f"{_paid_back(held.payback)}.{share}"
    )


def _paid_back(weeks: float) -> str:
    """When margin has paid what a customer costs."""
    if not np.isfinite(weeks):
        return "not paid back within them"
    return "paid back by the first purchase" if weeks <= 1 else f"paid back after {number(weeks)} weeks"


def _instead(imagined: Imagined) -> tuple[list[str], list[list[str]]]:
    currency = imagined.world.currency
    return ["instead", "spend", "revenue", "new customers"], [_instead_row(each, currency) for each in imagined.instead]


def _instead_row(each: Instead, currency: str) -> list[str]:
    return [
        f"{each.channel} x {each.factor:g}",
        money(each.spent, currency, signed=True),
        money(each.revenue, currency, signed=True),
        f"{'+' if each.customers > 0 else ''}{number(each.customers)}",
    ]


def _lift(test: LiftResult, currency: str) -> str:
    """What a lift test read, beside the truth."""
    return (
        f"Lift test {test.name} ({test.channel}, {test.weeks} weeks from {test.start}): "
        f"{money(test.spend_change, currency, signed=True)} of spend read as "
        f"{money(test.lift_read, currency, signed=True)} revenue, +- {money(1.96 * test.standard_error, currency)} "
        f"(95 %); in truth {money(test.lift_true, currency, signed=True)}."
    )


def _undone(imagined: Imagined) -> str:
    """The lift tests that this history is too short for."""
    late = late_tests(imagined)
    return f"Lift tests not done, because the history ends before they do: {', '.join(late)}." if late else ""


def late_tests(imagined: Imagined) -> list[str]:
    """Names of the market's lift tests that were not done."""
    return sorted(set(imagined.market.lift_tests) - {test.name for test in imagined.lifts})


def _log(imagined: Imagined) -> str:
    log = imagined.touches
    if log is None:
        return ""
    moves, people, bought = map(float, (len(log.person), len(np.unique(log.person)), log.converted.sum()))
    return f"{number(moves)} touches and moves of {number(people)} people logged; {number(bought)} purchases."

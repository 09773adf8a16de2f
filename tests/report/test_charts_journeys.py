"""Charts of journeys: everybody is counted once, at most thirty streams, and the moves are those that were made."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from engine.report.charts.funnel import exits_of, funnel_chart
from engine.report.charts.journeys import (
    BREAK,
    MOST,
    NODE,
    OPEN,
    PHONE,
    REST,
    UNMET,
    USUAL,
    blocks_of,
    journeys_chart,
    streams_of,
)
from engine.report.world import Route, StageCount, WorldRun
from engine.simulate.stages import LADDERS
from tests.report.charted import HOSTILE, require_sound
from tests.report.test_charts import drawn

NAMES = ("tv", "social", "search", "press", "club", "letter", "radio")

every_sheet = pytest.mark.parametrize("sheet", [USUAL, PHONE], ids=["usual", "phone"])


def routes_of(names, count=200, seed=1):
    """Orders in which channels were met, by chance; some met none."""
    random = np.random.default_rng(seed)
    found = [Route((), 7, 100.0, 3)]
    for _ in range(count):
        some = random.choice(len(names), size=random.integers(1, 5))
        route = tuple(names[at] for at in some)
        found.append(Route(route, int(random.integers(0, 9)), 50.0, int(random.integers(0, 4))))
    return tuple(found)


def stages_of(ladder, moved):
    """Counts of the stages of a ladder after so many of each move."""
    found = []
    for name in ladder.stages:
        moves = list(zip(ladder.moves, moved, strict=True))
        entered = sum(count for move, count in moves if move.target == name)
        left = sum(count for move, count in moves if move.source == name)
        found.append(StageCount(name, 100.0, float(entered), float(left), 0.0))
    return tuple(found)


def world_of(routes=(), stages=(), **more):
    told = {"market": "Market", "currency": "EUR", "engine": "mean", "seed": 1, "weeks": 52, "versions": {}}
    return WorldRun(stages=stages, routes=routes, **{**told, **more})


ROUTES = {
    "usual": routes_of(NAMES[:4]),
    "two channels": routes_of(NAMES[:2]),
    "seven channels": routes_of(NAMES),
    "many channels": routes_of(tuple(f"channel {number}" for number in range(60)), 2_000),
    "one route": (Route(("tv",), 1, 1.0, 0),),
    "nobody met any": (Route((), 5, 1.0, 5),),
    "nobody bought": (Route(("tv", "press"), 0, 0.0, 9),),
    "hostile": routes_of((*HOSTILE, UNMET, REST, OPEN)),
}
every_route = pytest.mark.parametrize("kind", ROUTES)


@every_route
def test_there_are_thirty_streams_at_most_and_each_journey_is_in_one_of_each_side(kind):
    streams = streams_of(ROUTES[kind])
    every = sum(route.conversions + route.nulls for route in ROUTES[kind])
    assert 0 < len(streams) <= MOST and len({one[:3] for one in streams}) == len(streams)
    assert [sum(one.journeys for one in streams if one.column == column) for column in (0, 1)] == [every, every]


@every_route
def test_what_comes_into_a_block_leaves_it(kind):
    streams = streams_of(ROUTES[kind])
    for name in {one.source for one in streams if one.column == 1}:
        into = sum(one.journeys for one in streams if one.column == 0 and one.target == name)
        assert into == sum(one.journeys for one in streams if one.column == 1 and one.source == name)


def test_channels_stand_for_themselves_where_few_enough_do():
    told = streams_of(ROUTES["two channels"])
    counted = {(first, last): 0 for first in NAMES[:2] for last in NAMES[:2]} | {(UNMET, UNMET): 0}
    for route in ROUTES["two channels"]:
        first, last = (route.channels[0], route.channels[-1]) if route.channels else (UNMET, UNMET)
        counted[first, last] += route.conversions + route.nulls
    assert {(one.source, one.target): one.journeys for one in told if one.column == 0} == counted


def test_the_channels_that_fewest_met_are_taken_together():
    told = {one.source for one in streams_of(ROUTES["many channels"])}
    assert REST in told and UNMET in told and 3 <= len(told) <= 6


def test_a_channel_named_like_a_block_of_ours_is_no_such_block():
    told = {one.source for one in streams_of((Route((UNMET,), 1, 1.0, 0), Route((REST,), 1, 1.0, 0)))}
    assert told == {f"{UNMET} (2)", f"{REST} (2)"}


@every_route
@every_sheet
def test_blocks_lie_on_the_chart_apart_from_each_other(kind, sheet):
    blocks = blocks_of(streams_of(ROUTES[kind]), sheet)
    for column in range(3):
        mine = [block for block in blocks if block.column == column]
        assert mine[0].top > -1e-6 and mine[-1].top + mine[-1].height < sheet.tall + 1e-6
        assert all(one.top + one.height + sheet.gap == pytest.approx(two.top) for one, two in itertools.pairwise(mine))
    sizes = [block.height / block.journeys for block in blocks]
    assert sizes == pytest.approx([sizes[0]] * len(sizes))


@every_route
@every_sheet
def test_streams_fill_the_sides_of_their_blocks(kind, sheet):
    spec = journeys_chart(world_of(ROUTES[kind]), sheet=sheet)
    blocks = blocks_of(streams_of(ROUTES[kind]), sheet)
    (edges,) = drawn(spec, "stream", "colour", "across", "top", "bottom")
    for block in blocks:
        for side, present in ((block.left + NODE, block.column < 2), (block.left, block.column > 0)):
            here = [row for row in edges if row["across"] == pytest.approx(side, abs=0.1)]
            mine = [row for row in here if block.top - 0.2 <= row["top"] < block.top + block.height - 1e-3]
            if present:
                told = sum(row["bottom"] - row["top"] for row in mine)
                assert told == pytest.approx(block.height, abs=0.2 * len(mine) + 0.2)
    assert all(NODE - 0.1 <= row["across"] <= sheet.across for row in edges)


@every_route
@every_sheet
def test_shares_of_a_column_add_up_to_a_hundred(kind, sheet):
    spec = journeys_chart(world_of(ROUTES[kind]), sheet=sheet)
    names = [told for told in drawn(spec, "across", "middle", "told") if " %" in told[0]["told"]]
    assert len(names) == 6  # each once as a rim and once as the name
    for told in names:
        assert sum(float(row["told"].replace(BREAK, " ").split()[-2]) for row in told) == pytest.approx(100.0)


@every_route
def test_journeys_are_sound_for_any_names(kind):
    spec = journeys_chart(world_of(ROUTES[kind], market=HOSTILE[0]), {"tv": "paid", HOSTILE[1]: "owned"})
    require_sound(spec)


def test_the_title_tells_after_which_channel_most_purchases_come():
    world = world_of((Route(("tv", "press"), 3, 1.0, 9), Route(("press", "tv"), 1, 1.0, 0)))
    assert journeys_chart(world)["title"]["text"] == ["Of 4 purchases 75.0 % come after last meeting press"]


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS)
def test_moves_are_found_from_those_who_entered_and_left(ladder):
    moved = np.random.default_rng(5).integers(10, 1_000, len(ladder.moves)).astype(float).tolist()
    told = {(one.stage, one.target): one for one in exits_of(stages_of(ladder, moved))}
    for move, count in zip(ladder.moves, moved, strict=True):
        if (move.source, move.target) in told:
            one = told.pop((move.source, move.target))
            left = sum(n for other, n in zip(ladder.moves, moved, strict=True) if other.source == move.source)
            assert (one.on, one.on + one.back) == pytest.approx((count, left), rel=1e-6)
    assert not told


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS)
def test_the_funnel_leads_step_by_step_to_customers_and_to_those_who_praise(ladder):
    exits = exits_of(stages_of(ladder, [10.0] * len(ladder.moves)))
    assert all(one.target == other.stage for one, other in itertools.pairwise(exits))
    assert (exits[0].stage, exits[-1].target) == ("unaware", "advocate")


def test_bars_of_the_funnel_hold_all_who_leave_and_say_their_share():
    ladder = LADDERS["consumer"]
    stages = stages_of(ladder, [52.0 * (at + 1) for at in range(len(ladder.moves))])
    spec = funnel_chart(world_of(stages=stages))
    require_sound(spec)
    (bars,) = drawn(spec, "stage", "begin", "end", "part")
    (notes,) = drawn(spec, "stage", "at", "told")
    for on, back, note in zip(bars[::2], bars[1::2], notes, strict=True):
        left = next(one.left for one in stages if one.name == note["stage"].split(" · ")[0]) / 52
        assert (on["begin"], on["end"]) == (0, back["begin"]) and back["end"] == note["at"] == pytest.approx(left)
        assert note["told"].startswith(f"{100 * on['end'] / left:.1f} % go on to ")


def test_stages_of_no_known_journey_are_not_guessed_at():
    stages = tuple(replace(one, name=HOSTILE[0]) for one in stages_of(LADDERS["consumer"], [1.0] * 11))
    spec = funnel_chart(world_of(stages=stages, market=HOSTILE[1]))
    assert exits_of(stages) == [] and "not known" in spec["title"]["text"][0]

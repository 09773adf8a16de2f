"""Chart of journeys: which channel people met first, which last, and what came of it, as streams between columns."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from engine.report.charts.look import (
    BASELINE,
    EDGE,
    INK,
    PAPER,
    QUIET,
    SEVERAL,
    WIDE,
    Spec,
    framed,
    heading,
    labels,
    listed,
    rows,
    shade,
    short,
)
from engine.report.rounding import TENTHS, adding
from engine.report.world import Route, WorldRun
from engine.response.curves import KINDS, Kind
from engine.words import number, percent, plain

MOST = 30  # streams
UNMET, REST = "no channel", "other channels"
BOUGHT, OPEN = "a purchase", "no purchase yet"
NODE = 12  # width of a block [pixels]
POINTS = 11  # of the edge of a stream
BREAK = "¦"  # where a name goes on in the next line; what is printable may stand in a chart
EDGES = ("stream", "colour", "across", "top", "bottom")  # what the rows of streams hold
HEADS = ("Met first", "Met last", "What came of it")


class Sheet(NamedTuple):
    """What streams are drawn on."""

    across: int  # width between the outer edges of the outer columns [pixels]
    tall: int  # height [pixels]
    gap: int  # between two blocks of a column [pixels]
    named: int  # letters of a name
    broken: bool  # whether names stand right of their blocks and shares below them, where there is little room


USUAL, PHONE = Sheet(420, 320, 16, 20, broken=False), Sheet(250, 420, 32, 15, broken=True)


class Stream(NamedTuple):
    """Journeys that go from one block to another one of the next column."""

    column: int  # where it begins
    source: str
    target: str
    journeys: float


class Block(NamedTuple):
    """One block of a column, from its left top corner."""

    column: int
    name: str
    journeys: float
    left: float  # [pixels]
    top: float
    height: float


def journeys_chart(world: WorldRun, kinds: Mapping[str, Kind] | None = None, sheet: Sheet = USUAL) -> Spec:
    """Streams from the channel met first over the one met last to a purchase, or to none so far.

    Args:
        world: With the channels that people met.
        kinds: Of the channels, for their colours; those of others are grey.
        sheet: What the streams are drawn on.
    """
    streams = streams_of(world.routes)
    blocks = blocks_of(streams, sheet)
    colours = _colours([block.name for block in blocks if block.column < 2], kinds or {})
    bought = [one for one in streams if one.column == 1 and one.target == BOUGHT]
    every = sum(one.journeys for one in bought)
    best = max(bought, key=lambda one: one.journeys, default=None)
    finding = "Nobody whose touches were logged bought anything"
    if best and every:
        last = "meeting no channel" if best.source == UNMET else f"last meeting {short(best.source)}"
        finding = f"Of {number(every)} purchases {percent(best.journeys / every)} come after {last}"
    told = [f"{block.name} {number(block.journeys)} {HEADS[block.column].lower()}" for block in blocks]
    return framed(
        heading(
            finding,
            "Width of a stream: journeys, up to a purchase or to the end of the history, with their share of all. On "
            f"the left the channel met first, in the middle the one met last. Simulated, {world.weeks} weeks.",
            WIDE,
        ),
        f"Journeys of customers of {plain(world.market)}, from the first channel on. {listed(told, 'blocks')}.",
        {"width": sheet.across, "height": sheet.tall, "layer": _layers(streams, blocks, colours, sheet)},
    )


def streams_of(routes: Sequence[Route]) -> list[Stream]:
    """At most thirty streams; they hold every journey once between the first two columns and once between the last.

    The channels that fewest journeys met are taken together until there are so few.
    """
    met: defaultdict[str, float] = defaultdict(float)
    for route in routes:
        for end in route.channels[:1] + route.channels[-1:]:
            met[end] += route.conversions + route.nulls
    order = sorted(met, key=lambda name: (-met[name], name))
    for single in range(len(order), -1, -1):
        streams = _streams(routes, _names(order, single))
        if len(streams) <= MOST:
            break
    return streams


def _names(order: Sequence[str], single: int) -> dict[str, str]:
    """What each channel is called where so many stand for themselves; one that is alone with its like does, too."""
    kept = len(order) if len(order) == single + 1 else single
    shown = labels([UNMET, REST, *order[:kept]])[2:]
    return {name: shown[at] if at < kept else REST for at, name in enumerate(order)}


def _streams(routes: Sequence[Route], names: Mapping[str, str]) -> list[Stream]:
    counted: defaultdict[tuple[int, str, str], float] = defaultdict(float)
    for route in routes:
        first, last = (names[route.channels[at]] if route.channels else UNMET for at in (0, -1))
        counted[0, first, last] += route.conversions + route.nulls
        counted[1, last, BOUGHT] += route.conversions
        counted[1, last, OPEN] += route.nulls
    return [Stream(*ends, journeys) for ends, journeys in counted.items() if journeys > 0]


def blocks_of(streams: Sequence[Stream], sheet: Sheet = USUAL) -> list[Block]:
    """The blocks of all columns, the largest on top, channels taken together and none at all below them."""
    found = []
    last = {REST: 1, UNMET: 2, OPEN: 1}
    sums = [_sums(streams, column) for column in range(3)]
    most = max(map(len, sums))
    whole = sum(sums[0].values()) or 1.0
    scale = (sheet.tall - sheet.gap * (most - 1)) / whole
    for column, sizes in enumerate(sums):
        order = sorted(sizes, key=lambda name: (last.get(name, 0), -sizes[name], name))
        heights = [sizes[name] * scale for name in order]
        top = (sheet.tall - sum(heights) - sheet.gap * (len(order) - 1)) / 2
        tops = accumulate((height + sheet.gap for height in heights), initial=top)
        left = (sheet.across - NODE) * column / 2
        told = zip(order, tops, heights, strict=False)
        found += [Block(column, name, sizes[name], left, begin, height) for name, begin, height in told]
    return found


def _sums(streams: Sequence[Stream], column: int) -> dict[str, float]:
    """Journeys by block of a column."""
    found: defaultdict[str, float] = defaultdict(float)
    for stream in streams:
        if stream.column == min(column, 1):
            found[stream.source if column < 2 else stream.target] += stream.journeys
    return found


def _colours(names: Sequence[str], kinds: Mapping[str, Kind]) -> dict[str, str]:
    """The colour of each block of the first two columns: its kind's, in shades where there are several."""
    found = {UNMET: BASELINE, REST: SEVERAL}
    known = {labels([UNMET, REST, name])[2]: kind for name, kind in kinds.items()}
    for kind in KINDS:
        mine = [name for name in dict.fromkeys(names) if known.get(name) == kind and name not in found]
        found |= {name: shade(kind, at, len(mine)) for at, name in enumerate(mine)}
    return {name: found.get(name, SEVERAL) for name in names}


def _layers(streams: Sequence[Stream], blocks: Sequence[Block], colours: Mapping[str, str], sheet: Sheet) -> list[Spec]:
    """Streams, blocks upon them, and their names."""
    across = _place("across", sheet.across)
    painted = {"field": "colour", "type": "nominal", "scale": None}
    ends = {"y": _down("top", sheet), "y2": {"field": "bottom"}, "color": painted}
    found: list[Spec] = [
        {
            "data": ribbons(streams, blocks, colours),
            "mark": {"type": "area", "fillOpacity": 0.45, "opacity": 1, **EDGE},
            "encoding": {"x": across, **ends, "detail": {"field": "stream", "type": "nominal"}},
        },
        {
            "data": rows(
                across=[block.left for block in blocks],
                end=[block.left + NODE for block in blocks],
                top=[block.top for block in blocks],
                bottom=[block.top + block.height for block in blocks],
                colour=[colours.get(block.name, SEVERAL) if block.column < 2 else QUIET for block in blocks],
            ),
            "mark": {"type": "rect", **EDGE},
            "encoding": {"x": across, "x2": {"field": "end"}, **ends},
        },
    ]
    for column, head in enumerate(HEADS):
        found += _texts([block for block in blocks if block.column == column], head, sheet)
    return found


def _place(field: str, length: int) -> Spec:
    """A place on the chart in pixels, from its left edge."""
    scale = {"domain": [0, length], "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": None, "stack": None}


def _down(field: str, sheet: Sheet) -> Spec:
    """A place on the chart in pixels, from its upper edge."""
    place = _place(field, sheet.tall)
    return {**place, "scale": {**place["scale"], "reverse": True}}


def _texts(blocks: Sequence[Block], head: str, sheet: Sheet) -> list[Spec]:
    """Names with shares that add up to 100 %, on a rim of paper, and what the column shows."""
    outside = blocks and not blocks[0].column and not sheet.broken
    side: Spec = {"align": "right", "dx": -5} if outside else {"align": "left", "dx": NODE + 5}
    between = BREAK if sheet.broken else " "
    every = sum(block.journeys for block in blocks)
    shares = adding([block.journeys / every for block in blocks], 1.0, TENTHS) if every else []
    text: Spec = {"type": "text", "baseline": "middle", "fontSize": 11, "lineBreak": BREAK, **side}
    encoding = {
        "x": _place("across", sheet.across),
        "y": _down("middle", sheet),
        "text": {"field": "told", "type": "nominal"},
    }
    names = rows(
        across=[block.left for block in blocks],
        middle=[block.top + block.height / 2 for block in blocks],
        told=[
            f"{short(block.name, sheet.named)}{between}{share:.1f} %"
            for block, share in zip(blocks, shares, strict=True)
        ],
    )
    headed = rows(
        across=[block.left for block in blocks[:1]], middle=[0 for _ in blocks[:1]], told=[head] * bool(blocks)
    )
    return [
        {"data": names, "mark": {**text, "stroke": PAPER, "strokeWidth": 3, "opacity": 0.8}, "encoding": encoding},
        {"data": names, "mark": {**text, "color": INK}, "encoding": encoding},
        {"data": headed, "mark": {**text, "color": QUIET, "dy": -18}, "encoding": encoding},
    ]


def ribbons(streams: Sequence[Stream], blocks: Sequence[Block], colours: Mapping[str, str]) -> Spec:
    """The edges of every stream: it leaves and enters blocks level, beside its neighbours, in the order of theirs."""
    places = {(block.column, block.name): at for at, block in enumerate(blocks)}
    scale = max((block.height / block.journeys for block in blocks), default=0.0)
    order = sorted(streams, key=lambda s: (s.column, places[s.column, s.source], places[s.column + 1, s.target]))
    entered = sorted(streams, key=lambda s: (s.column, places[s.column + 1, s.target], places[s.column, s.source]))
    left = _stacked([(places[one.column, one.source], one) for one in order], blocks, scale)
    right = _stacked([(places[one.column + 1, one.target], one) for one in entered], blocks, scale)
    way = np.linspace(0.0, 1.0, POINTS)
    bend = way * way * (3 - 2 * way)
    told: list[tuple[str, str, float, float, float]] = []
    for count, one in enumerate(order):
        begin = blocks[places[one.column, one.source]].left + NODE
        end = blocks[places[one.column + 1, one.target]].left
        tops = left[one] + (right[one] - left[one]) * bend
        told += [
            (f"stream {count}", colours[one.source], begin + (end - begin) * step, top, top + scale * one.journeys)
            for step, top in zip(way.tolist(), tops.tolist(), strict=True)
        ]
    return rows(**{name: [row[at] for row in told] for at, name in enumerate(EDGES)})


def _stacked(placed: Sequence[tuple[int, Stream]], blocks: Sequence[Block], scale: float) -> dict[Stream, float]:
    """Where each stream begins on the side of its block, one below the other [pixels]."""
    tops = [block.top for block in blocks]
    found = {}
    for at, stream in placed:
        found[stream] = tops[at]
        tops[at] += scale * stream.journeys
    return found

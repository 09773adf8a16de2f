"""Chart of a journey's stages: of those who leave each of them, how many go on and how many fall back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    SEVERAL,
    WIDE,
    Spec,
    amount,
    framed,
    heading,
    labels,
    listed,
    rows,
    short,
    unit_of,
    units,
)
from engine.report.world import StageCount, WorldRun
from engine.simulate.stages import CALLED, LADDERS, Ladder
from engine.words import percent, plain

STEP, ACROSS = 34, 440  # height of a row, width of the chart [pixels]
ROOM, LITTLE = 1.6, 1.35  # times the longest bar, for notes; where they are short
ON, BACK = "go on", "fall back or leave"
BUYER = "customer"  # the stage of those who bought
BLUE = KIND_COLOURS["paid"]


class Exit(NamedTuple):
    """Those who leave a stage, by where they go."""

    stage: str
    target: str  # where those who go on come to
    on: float  # [people]
    back: float

    @property
    def rate(self) -> float:
        """The share of those who leave that goes on."""
        whole = self.on + self.back
        return self.on / whole if whole > 0 else 0.0


def funnel_chart(world: WorldRun, width: int = ACROSS) -> Spec:
    """Stages on the way to a purchase and to praise, and what share of those who leave goes on; so wide [pixels]."""
    exits = exits_of(world.stages)
    unit = unit_of(max([(one.on + one.back) / world.weeks for one in exits], default=0.0))
    titles = labels(_named(one.stage) for one in exits)
    told = [f"{short(one.stage)} to {short(one.target)} {percent(one.rate)}" for one in exits]
    return framed(
        heading(
            _narrowest(exits),
            "Bar: people who leave a stage in a week, in the mean; coloured: those who go on to the next one, with "
            f"their share; grey: those who fall back or leave. Simulated, {world.weeks} weeks.",
            WIDE,
        ),
        f"Stages of {plain(world.market)} and the share of those who leave that goes on. {listed(told, 'stages')}.",
        _funnel(exits, titles, (unit.size * world.weeks, width), f"People {units(unit.name, 'a week')}"),
    )


def _narrowest(exits: Sequence[Exit]) -> str:
    """The step before a purchase on which the fewest go on."""
    before = exits[: 1 + next((at for at, one in enumerate(exits) if one.target == BUYER), -1)]
    if not before:
        return "How people move between these stages is not known"
    least = min(before, key=lambda one: one.rate)
    return (
        f"The narrowest step to a purchase: {percent(least.rate)} of those who leave {short(least.stage)} go on to "
        f"{short(least.target)}"
    )


def exits_of(stages: Sequence[StageCount]) -> list[Exit]:
    """Those who leave each stage of the way to a purchase; none where the stages are those of no known journey.

    How many entered and left each stage says how often each move was made, since no two moves of a journey change the
    stages alike.
    """
    ladder = next((one for one in LADDERS.values() if one.stages == tuple(stage.name for stage in stages)), None)
    if ladder is None:
        return []
    moved = _moves(ladder, stages)
    found = []
    for move, count in zip(ladder.moves, moved, strict=True):
        forward = ladder.stage(move.target) > ladder.stage(move.source)
        if move.advances and forward:
            left = stages[ladder.stage(move.source)].left
            found.append(Exit(move.source, move.target, count, max(left - count, 0.0)))
    return found


def _moves(ladder: Ladder, stages: Sequence[StageCount]) -> list[float]:
    """How often each move was made [people]."""
    leaves, enters = ladder.leaves.T, (ladder.change + ladder.leaves).T
    seen = np.array([*(stage.left for stage in stages), *(stage.entered for stage in stages)])
    found = np.linalg.lstsq(np.concatenate([leaves, enters]), seen, rcond=None)[0]
    return np.maximum(found, 0.0).tolist()


def _named(stage: str) -> str:
    """A stage, with what a funnel calls it."""
    called = CALLED.get(stage, {}).get("funnel", "")
    return f"{stage} · {called}" if called else stage


def _funnel(exits: Sequence[Exit], titles: Sequence[str], scale_of: tuple[float, int], title: str) -> Spec:
    size, width = scale_of
    is_slim = width < ACROSS
    top = max([(one.on + one.back) / size for one in exits], default=0.0) or 1.0
    scale = {"domain": [0, float(f"{(LITTLE if is_slim else ROOM) * top:.4g}")], "nice": False}
    across: Spec = {"title": title, "scale": scale, "axis": {"tickCount": 5}}
    colour = {"domain": [ON, BACK], "range": [BLUE, SEVERAL]}
    stage: Spec = {"field": "stage", "type": "nominal", "scale": {"domain": list(titles)}, "title": None}
    note: Spec = {"type": "text", "align": "left", "dx": 7, "color": INK, "fontSize": 11}
    return {
        "width": width,
        "height": {"step": STEP},
        "encoding": {"y": {**stage, "axis": {"labelColor": INK, "ticks": False}}},
        "layer": [
            {
                "data": rows(
                    stage=[name for name in titles for _ in range(2)],
                    begin=[edge / size for one in exits for edge in (0.0, one.on)],
                    end=[edge / size for one in exits for edge in (one.on, one.on + one.back)],
                    part=[part for _ in exits for part in (ON, BACK)],
                ),
                "mark": {"type": "bar", "height": {"band": 0.62}},
                "encoding": {
                    "x": amount("begin", **across),
                    "x2": {"field": "end"},
                    "color": {"field": "part", "type": "nominal", "scale": colour, "legend": {"orient": "bottom"}},
                },
            },
            {
                "data": rows(
                    stage=titles,
                    at=[(one.on + one.back) / size for one in exits],
                    told=[percent(one.rate) + f" go on to {plain(one.target)}" * (not is_slim) for one in exits],
                ),
                "mark": note,
                "encoding": {"x": amount("at", **across), "text": {"field": "told", "type": "nominal"}},
            },
        ],
    }

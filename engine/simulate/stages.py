"""The stages of a journey, the moves between them, and what other vocabularies call them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Move(NamedTuple):
    """One kind of event in a journey."""

    name: str
    source: str
    target: str
    advances: bool  # whether it leads towards purchase and praise
    in_market: bool = False  # whether only people in the market make it, so that it follows demand


@dataclass(frozen=True, eq=False)
class Ladder:
    """A journey's stages and moves, with the arrays that every engine reads.

    Moves that leave one stage stand with those that advance first. An event is a move or, as the last
    one, a further purchase of a customer or an advocate.
    """

    name: str
    stages: tuple[str, ...]
    moves: tuple[Move, ...]
    events: tuple[str, ...]
    source: Int[np.ndarray, " move"]  # the stage that each move leaves
    target: Int[np.ndarray, " move"]  # the stage that each move leads to
    leaves: Float[np.ndarray, "move stage"]  # 1 where a move leaves a stage
    change: Float[np.ndarray, "move stage"]  # what one person's move adds to each stage; rows sum to zero
    follows_market: Float[np.ndarray, " event"]  # 1 for events of people in the market only
    follows_demand: Float[np.ndarray, " event"]  # 1 for events that follow demand
    always_in_market: Float[np.ndarray, " stage"]  # 1 for stages whose people search whatever the week

    def stage(self, name: str) -> int:
        """The place of a stage."""
        return self.stages.index(name)

    def event(self, name: str) -> int:
        """The place of an event."""
        return self.events.index(name)


def build_ladder(name: str, stages: tuple[str, ...], moves: tuple[Move, ...], searching: tuple[str, ...]) -> Ladder:
    """A ladder from its words; people of the stages `searching` are in the market whatever the week."""
    in_market = [float(move.in_market) for move in moves]
    leaves = np.array([[float(stage == move.source) for stage in stages] for move in moves])
    enters = np.array([[float(stage == move.target) for stage in stages] for move in moves])
    return Ladder(
        name=name,
        stages=stages,
        moves=moves,
        events=(*(move.name for move in moves), "repeat"),
        source=leaves.argmax(axis=1),
        target=enters.argmax(axis=1),
        leaves=leaves,
        change=enters - leaves,
        follows_market=np.array([*in_market, 0.0]),
        follows_demand=np.array([*in_market, 1.0]),
        always_in_market=np.array([float(stage in searching) for stage in stages]),
    )


_AFTER = (
    Move("praise", "customer", "advocate", True),
    Move("leave", "customer", "lapsed", False),
    Move("quiet", "advocate", "customer", False),
    Move("forget", "aware", "unaware", False),
    Move("cool", "considering", "aware", False),
)
_BACK = Move("reconsider", "lapsed", "considering", True, in_market=True)
_WON = Move("win", "rival", "considering", True, in_market=True)

CONSUMER = build_ladder(
    "consumer",
    ("unaware", "aware", "considering", "customer", "advocate", "lapsed", "rival"),
    (
        Move("notice", "unaware", "aware", True),
        Move("consider", "aware", "considering", True, in_market=True),
        Move("buy", "considering", "customer", True, in_market=True),
        _BACK,
        *_AFTER,
        Move("lose", "considering", "rival", False, in_market=True),
        _WON,
    ),
    ("customer", "advocate"),
)
"""People who buy for themselves."""

BUSINESS = build_ladder(
    "business",
    (
        *("unaware", "aware", "considering", "qualified", "accepted", "opportunity"),
        *("customer", "advocate", "lapsed", "rival"),
    ),
    (
        Move("notice", "unaware", "aware", True),
        Move("consider", "aware", "considering", True, in_market=True),
        Move("qualify", "considering", "qualified", True),
        Move("accept", "qualified", "accepted", True),
        Move("propose", "accepted", "opportunity", True),
        Move("buy", "opportunity", "customer", True),
        _BACK,
        *_AFTER,
        Move("reject", "qualified", "considering", False),
        Move("stall", "accepted", "considering", False),
        Move("lose", "opportunity", "rival", False),
        _WON,
    ),
    ("considering", "qualified", "accepted", "opportunity", "customer", "advocate"),
)
"""Firms that a sales team sells to: leads qualify by marketing, are accepted by sales, and are made an offer."""

LADDERS = {ladder.name: ladder for ladder in (CONSUMER, BUSINESS)}

CALLED = {
    "unaware": {"aida": "before attention", "funnel": "before the funnel", "advocacy": "before awareness"},
    "aware": {"aida": "attention", "funnel": "TOFU", "advocacy": "awareness"},
    "considering": {"aida": "interest", "funnel": "MOFU (lead)", "advocacy": "consideration"},
    "qualified": {"aida": "interest", "funnel": "MOFU (MQL)", "advocacy": "consideration"},
    "accepted": {"aida": "desire", "funnel": "BOFU (SQL)", "advocacy": "consideration"},
    "opportunity": {"aida": "desire", "funnel": "BOFU (opportunity)", "advocacy": "consideration"},
    "customer": {"aida": "action", "funnel": "BOFU (won)", "advocacy": "purchase and retention"},
    "advocate": {"aida": "after action", "funnel": "after the funnel", "advocacy": "advocacy"},
    "lapsed": {"aida": "after action", "funnel": "after the funnel", "advocacy": "retention lost"},
    "rival": {"aida": "action elsewhere", "funnel": "lost", "advocacy": "a competitor's customer"},
}
"""Each stage in the words of AIDA, of top, middle and bottom of the funnel, and of awareness to advocacy."""

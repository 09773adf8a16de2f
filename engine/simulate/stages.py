"""The stages of a journey, the moves between them, and what other vocabularies call them."""

from typing import NamedTuple

import numpy as np

STAGES = ("unaware", "aware", "considering", "customer", "advocate", "lapsed")

CALLED = {
    "unaware": {"aida": "before attention", "funnel": "before the funnel", "advocacy": "before awareness"},
    "aware": {"aida": "attention", "funnel": "TOFU", "advocacy": "awareness"},
    "considering": {"aida": "interest and desire", "funnel": "MOFU", "advocacy": "consideration"},
    "customer": {"aida": "action", "funnel": "BOFU", "advocacy": "purchase"},
    "advocate": {"aida": "after action", "funnel": "after the funnel", "advocacy": "advocacy"},
    "lapsed": {"aida": "after action", "funnel": "after the funnel", "advocacy": "retention lost"},
}
"""Each stage in the words of AIDA, of top, middle and bottom of the funnel, and of awareness to advocacy."""


class Move(NamedTuple):
    """One kind of event in a journey."""

    name: str
    source: str
    target: str
    in_market: bool  # whether only people in the market make it, so that it follows demand


MOVES = (
    Move("notice", "unaware", "aware", False),
    Move("consider", "aware", "considering", True),
    Move("buy", "considering", "customer", True),
    Move("reconsider", "lapsed", "considering", True),
    Move("praise", "customer", "advocate", False),
    Move("leave", "customer", "lapsed", False),
    Move("quiet", "advocate", "customer", False),
    Move("forget", "aware", "unaware", False),
    Move("cool", "considering", "aware", False),
)

EVENTS = (*(move.name for move in MOVES), "repeat")
"""All that can happen to a person in a week: every move, and the further purchases of those who stay."""

BUY, REPEAT = EVENTS.index("buy"), EVENTS.index("repeat")
CUSTOMER, ADVOCATE = STAGES.index("customer"), STAGES.index("advocate")

SOURCE = np.array([STAGES.index(move.source) for move in MOVES])
"""The stage that each move leaves."""

LEAVES = np.array([[float(stage == move.source) for stage in STAGES] for move in MOVES])
"""One where a move leaves a stage [move, stage]."""

CHANGE = np.array([[float(stage == move.target) - float(stage == move.source) for stage in STAGES] for move in MOVES])
"""What one person's move adds to each stage [move, stage]; every row sums to zero."""

"""Together: all channels at one spend each, valued at once.

A plan is revalued over all draws many times while it is polished. Channel by channel that is a hundred small calls;
here the draws of all channels of one family stand in one row and are computed as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.sheets import CHUNK
from engine.optimize.tables import Payoff, outcomes, steepness
from engine.response.curves import Channel, Family, respond_with_rate


@dataclass(frozen=True)
class Lane:
    """Draws of channels of one family, as one long row."""

    curve: Channel  # one parameter for each cell
    owner: Int[np.ndarray, " cell"]  # channel
    place: Int[np.ndarray, " cell"]  # in an array of channel x draw
    gain: Float[np.ndarray, " cell"]
    weight: Float[np.ndarray, " cell"]


@dataclass(frozen=True)
class Together:
    """What money on all channels earns, ready to be asked for many plans."""

    payoffs: tuple[Payoff, ...]
    lanes: tuple[Lane, ...]
    alone: tuple[int, ...]  # channels whose periods differ: each is large enough to be asked alone
    draws: int

    def earned(
        self, spend: Float[np.ndarray, " channel"]
    ) -> tuple[Float[np.ndarray, "channel draw"], Float[np.ndarray, "channel draw"]]:
        """Outcome over the horizon and its derivative by the spend, by channel and draw."""
        outcome, slope = np.empty((2, len(spend), self.draws))
        tiers = [payoff.tiers for payoff in self.payoffs]
        bought, rise = spend, np.ones(len(spend))
        for channel in (at for at, one in enumerate(tiers) if one.steps):
            own = slice(channel, channel + 1)
            bought = np.concatenate([bought[:channel], tiers[channel].bought(spend[own]), bought[channel + 1 :]])
            rise[own] = tiers[channel].rate(spend[own])
        for lane in self.lanes:
            value, rate = respond_with_rate(lane.curve, bought[lane.owner] * lane.gain)
            outcome.ravel()[lane.place] = value * lane.weight
            slope.ravel()[lane.place] = rate * (lane.gain * lane.weight) * rise[lane.owner]
        for channel in self.alone:
            at = spend[channel : channel + 1]
            outcome[channel] = outcomes(self.payoffs[channel], at)[0]
            slope[channel] = steepness(self.payoffs[channel], at)[0]
        return outcome, slope

    def leaning(
        self, spend: Float[np.ndarray, " channel"]
    ) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
        """The slope of the last and of the next unit of money, as multiples of the slope between: 1 but at a tier."""
        last, following = np.ones((2, len(spend)))
        for channel, payoff in enumerate(self.payoffs):
            if payoff.tiers.steps:
                own = slice(channel, channel + 1)
                middle = payoff.tiers.rate(spend[own])
                last[own], following[own] = (side / middle for side in payoff.tiers.sides(spend[own]))
        return last, following

    def means(
        self, spend: Float[np.ndarray, " channel"]
    ) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
        """Mean outcome and its derivative by channel, times the margin, before all charges."""
        odds = self.payoffs[0].odds
        margin = np.array([payoff.margin for payoff in self.payoffs])
        found = self.earned(spend)
        if all(payoff.odds is odds for payoff in self.payoffs):
            value, slope = (self.payoffs[0].average(part) for part in found)
        else:
            rows = [[p.average(row[None])[0] for p, row in zip(self.payoffs, part, strict=True)] for part in found]
            value, slope = np.array(rows)
        return margin * value, margin * slope


def together(payoffs: Sequence[Payoff]) -> Together:
    """The channels of some payoffs, brought together."""
    shared = [at for at, payoff in enumerate(payoffs) if payoff.timing.gain.shape[0] == 1]
    alone = tuple(sorted(set(range(len(payoffs))) - set(shared)))
    pieces: dict[str, list[tuple[int, int, Family]]] = {}
    for channel in shared:
        first = 0
        for part in payoffs[channel].channel.saturation.parts:
            pieces.setdefault(part.name, []).append((channel, first, part))
            first += part.draws
    lanes = [_lane(payoffs, some) for found in pieces.values() for some in _few(found)]
    return Together(tuple(payoffs), tuple(lanes), alone, payoffs[0].timing.gain.shape[1])


def _few(pieces: list[tuple[int, int, Family]]) -> list[list[tuple[int, int, Family]]]:
    """Pieces in lots that stay in a core's cache."""
    lots: list[list[tuple[int, int, Family]]] = [[]]
    held = 0
    for piece in pieces:
        if lots[-1] and held + piece[2].draws > CHUNK:
            lots.append([])
            held = 0
        lots[-1].append(piece)
        held += piece[2].draws
    return lots


def _lane(payoffs: Sequence[Payoff], pieces: list[tuple[int, int, Family]]) -> Lane:
    draws = payoffs[0].timing.gain.shape[1]
    owner = np.concatenate([np.full(part.draws, channel) for channel, _, part in pieces])
    draw = np.concatenate([np.arange(first, first + part.draws) for _, first, part in pieces])
    names = pieces[0][2].parameters
    joint = {name: np.concatenate([part.parameters[name] for *_, part in pieces]) for name in names}
    timings = [payoff.timing for payoff in payoffs]
    return Lane(
        replace(payoffs[pieces[0][0]].channel, saturation=Family(pieces[0][2].name, joint)),
        owner,
        owner * draws + draw,
        np.concatenate([timings[c].gain[0, first : first + part.draws] for c, first, part in pieces]),
        np.concatenate([np.full(part.draws, timings[c].weight[0]) for c, _, part in pieces]),
    )

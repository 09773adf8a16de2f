"""Moved: where the money goes under a policy, by channel and quarter, beside the plan."""

from dataclasses import dataclass

import numpy as np

from engine.stress.account import Account
from engine.stress.setting import Setting


@dataclass(frozen=True)
class Moved:
    """Money of one channel in one quarter, in the mean of all paths [currency]."""

    channel: str
    quarter: str
    planned: float
    spend: float

    @property
    def change(self) -> float:
        """What is more than planned, or less."""
        return self.spend - self.planned


def moved(setting: Setting, found: Account, quarters: list[tuple[str, list[int]]]) -> tuple[Moved, ...]:
    """Where a policy spends, channel by channel, quarter by quarter (`readout.quarters_of`)."""
    planned = np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0)
    spend = found.spend.mean(axis=0)
    told = []
    for at, channel in enumerate(setting.names):
        for name, spans in quarters:
            inside = [span for span in spans if span < setting.grid.count]
            if inside:
                told.append(Moved(channel, name, float(planned[inside, at].sum()), float(spend[inside, at].sum())))
    return tuple(told)

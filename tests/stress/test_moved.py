"""Moved: money by channel and quarter adds up to what a policy spends and to the plan."""

from datetime import date

import numpy as np
import pytest

from engine.stress.moved import moved
from engine.stress.readout import quarters_of
from tests.stress.trials import accounts, shock, some, trial


@pytest.mark.parametrize("decide", ["quarter", "month"])
def test_money_by_channel_and_quarter_adds_up(decide):
    told = trial(decide=decide)
    cut = shock("budget", factor=0.6, begins=date(2027, 7, 5))
    found = accounts(told, (cut,), some(told, 8))["trim"]
    rows = moved(told.setting, found, quarters_of(told.setting))
    assert len(rows) == 4 * len(told.setting.names)
    for at, name in enumerate(told.setting.names):
        own = [one for one in rows if one.channel == name]
        assert sum(one.spend for one in own) == pytest.approx(found.spend[:, :, at].sum(axis=1).mean())
        assert sum(one.planned for one in own) == pytest.approx(told.setting.money[:, at].sum())
        assert [one.change for one in own[:2]] == pytest.approx([0.0, 0.0], abs=1e-6)
        assert all(one.change < 0 for one in own[2:])
        assert [one.spend / one.planned for one in own[2:]] == pytest.approx([0.6, 0.6])


def test_a_plan_that_is_held_moves_nothing():
    told = trial()
    found = accounts(told)["hold"]
    assert np.abs([one.change for one in moved(told.setting, found, quarters_of(told.setting))]).max() < 1e-6

"""What "history" stands for in a question: the last year, where the curves give one."""

import numpy as np
import pytest

from engine.response.curves import Channel, Family, History, pace


def channel(mean: float, last: tuple[float, ...]) -> Channel:
    return Channel(
        "tv",
        "paid",
        Family("geometric", {"retain": np.zeros(1)}),
        Family("michaelis_menten", {"ceiling": np.ones(1), "halfway": np.ones(1)}),
        History(mean, 9.0, last),
    )


def test_the_last_year_counts_where_it_is_whole():
    assert pace(channel(4.0, (99.0, *[2.0] * 52)), "week") == 2.0


@pytest.mark.parametrize("last", [(), (0.0,), (2.0,) * 51])
def test_the_mean_of_all_history_counts_where_it_is_not(last):
    assert pace(channel(4.0, last), "week") == 4.0


def test_one_year_of_yearly_data_is_too_little_to_speak_for_today():
    assert pace(channel(4.0, (7.0,)), "year") == 4.0

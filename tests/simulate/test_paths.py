"""Path tables: nothing is lost, nothing is counted twice, and a slow twin agrees."""

import csv
from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.files import write_csv
from engine.simulate.paths import path_rows, path_table
from engine.simulate.touchlog import TouchLog

CHANNELS = ("tv", "search", "mail", "organic", "word_of_mouth")
ROW = st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans(), st.integers(1, 5))


def written(rows, channels=CHANNELS):
    """A log of (person, place of the channel, whether it converted, value)."""
    person, channel, converted, value = (np.array(column) for column in zip(*rows, strict=True)) if rows else [[]] * 4
    size, converted = len(rows), np.array(converted, bool)
    return TouchLog(
        person=np.array(person, np.int64),
        time=np.arange(size).astype("datetime64[us]"),
        week=np.zeros(size, np.int32),
        channel=np.array(channel, np.int16),
        cost=np.zeros(size),
        stage_before=np.zeros(size, np.int8),
        stage_after=np.zeros(size, np.int8),
        converted=converted,
        value=np.array(value, float) * converted,
        true_cause=np.where(converted, np.array(channel, np.int16), np.int16(-1)),
        channels=channels,
        kinds=("paid", "paid", "owned", None, None),
        causes=(*channels[:3], "nobody", "word_of_mouth"),
        stages=("unaware",),
        currency="EUR",
        start=date(2024, 1, 1),
    )


def test_a_path_ends_with_a_purchase_and_the_next_begins_after_it():
    log = written(
        [
            *((1, 0, False, 0), (1, 1, True, 30), (1, 2, False, 0), (1, 3, True, 20), (1, 0, False, 0)),
            *((2, 0, False, 0), (2, 1, False, 0)),
            *((3, 4, True, 5), (3, 3, True, 6)),
            *((4, 4, False, 0), (4, 3, False, 0)),
            *((5, 0, False, 0), (5, 1, True, 12)),
        ]
    )
    assert path_table(log) == [
        ("tv > search", 2, 42.0, 1),
        ("organic", 2, 11.0, 0),
        ("mail", 1, 20.0, 0),
        ("tv", 0, 0.0, 1),
    ]


@given(st.lists(ROW, max_size=40))
def test_the_table_is_that_of_a_slow_twin_and_adds_up_to_the_log(rows):
    rows = sorted(rows, key=lambda row: row[0])
    log = written(rows)
    conversions, value, nulls = Counter(), Counter(), Counter()
    for person in range(4):
        met = []
        for _, channel, converted, money in [row for row in rows if row[0] == person]:
            met += [CHANNELS[channel]] if channel < 3 else []
            if converted:
                name = " > ".join(met) or "organic"
                conversions[name] += 1
                value[name] += money
                met = []
        nulls[" > ".join(met)] += bool(met)
    table = path_table(log)
    assert {route.path: route.conversions for route in table if route.conversions} == conversions
    assert {route.path: route.nulls for route in table if route.nulls} == +nulls
    assert {route.path: route.value for route in table if route.conversions} == value
    assert len({route.path for route in table}) == len(table)
    assert sum(route.conversions for route in table) == log.converted.sum()
    assert sum(route.value for route in table) == log.value.sum()


def test_the_file_holds_the_table_and_no_formula(tmp_path):
    log = written([(1, 0, False, 0), (1, 1, True, 30), (2, 1, True, 9)], ("=tv", "a,b", "mail", *CHANNELS[3:]))
    write_csv(tmp_path / "paths.csv", *path_rows(path_table(log)))
    with (tmp_path / "paths.csv").open(newline="") as text:
        assert list(csv.reader(text)) == [
            ["path", "conversions", "value", "nulls"],
            ["'=tv > a,b", "1", "30.0", "0"],
            ["a,b", "1", "9.0", "0"],
        ]


def test_a_channel_whose_name_holds_the_arrow_is_refused():
    log = written([(1, 0, True, 1)], ("tv > radio", "search", "mail", *CHANNELS[3:]))
    with pytest.raises(InputError, match="channel 'tv > radio' holds ' > ', which stands between channels; rename it"):
        path_table(log)

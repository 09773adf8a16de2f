"""Envelopes and the split of a budget over them, against brute force and a linear program."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from engine.optimize.envelope import Envelope, Group, envelope, hull, split
from engine.optimize.tables import tabulate

POINTS = st.lists(st.floats(-100, 100), min_size=2, max_size=25)


def highest_chord(x, y, at):
    """The most that any chord between two points has over one of them."""
    over = [
        y[a] + (y[b] - y[a]) * (x[at] - x[a]) / (x[b] - x[a]) for a in range(at + 1) for b in range(at, len(x)) if a < b
    ]
    return max([y[at], *over])


@given(POINTS, st.integers(0, 2**32 - 1))
def test_the_hull_is_the_highest_chord_everywhere(values, seed):
    x = np.cumsum(np.random.default_rng(seed).uniform(0.1, 1.0, len(values)))
    y = np.array(values)
    corners = hull(x, y, 0, len(x) - 1)
    assert (corners[0], corners[-1]) == (0, len(x) - 1)
    brute = [highest_chord(x, y, at) for at in range(len(x))]
    assert np.interp(x, x[corners], y[corners]) == pytest.approx(brute, abs=1e-9)
    assert (np.diff(np.diff(y[corners]) / np.diff(x[corners])) <= 1e-9).all()


def test_an_envelope_is_its_hull_in_segments(make):
    asked = make.problem(make.curves(make.channel(slope=3.0)), "budget = { total = 300 }\n").payoffs[0]
    table = tabulate(asked, 0.0, 300.0, 0.0, 1e-2)
    part = envelope(table, 3, len(table.spend) - 2)
    assert part.start == table.spend[3]
    assert part.start + part.length.sum() == pytest.approx(table.spend[-2])
    assert part.base + part.length @ part.slope == pytest.approx(table.upper[-2])
    assert (np.diff(part.slope) < 0).all()


def random_envelopes(rng, count, negative):
    parts = []
    for _ in range(count):
        size = int(rng.integers(0, 5))
        slope = np.sort(rng.uniform(-2 if negative else 0.1, 5, size))[::-1]
        parts.append(
            Envelope(
                np.arange(size + 1),
                float(rng.uniform(0, 3)),
                float(rng.uniform(0, 3)),
                rng.uniform(0.1, 4, size),
                slope,
            )
        )
    return parts


def by_linear_program(parts, least, most, groups):
    """The value of the best split, or None, from a linear program over all segments."""
    slope = np.concatenate([part.slope for part in parts])
    owner = np.repeat(np.arange(len(parts)), [len(part.slope) for part in parts])
    start = np.array([part.start for part in parts])
    rows, limits = [np.ones(len(slope)), -np.ones(len(slope))], [most - start.sum(), start.sum() - least]
    for group in groups:
        inside = group.members[owner].astype(float)
        rows += [inside, -inside]
        limits += [group.high - start[group.members].sum(), start[group.members].sum() - group.low]
    if not len(slope):
        fine = all(limit >= 0 for limit in limits)
        return sum(part.base for part in parts) if fine else None
    bounds = [(0, length) for part in parts for length in part.length]
    found = linprog(-slope, np.array(rows), np.array(limits), bounds=bounds, method="highs")
    return sum(part.base for part in parts) - found.fun if found.status == 0 else None


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans(), st.integers(0, 3), st.booleans())
def test_a_split_is_the_optimum_of_its_linear_program(seed, negative, fixed, count, nested):
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 6))
    parts = random_envelopes(rng, channels, negative)
    member, outer = rng.integers(0, 4, channels), rng.uniform(0, 5, 2)
    groups = tuple(
        Group(member == at, float(rng.uniform(0, 4)), float(rng.uniform(4, 12)))
        for at in range(count)
        if (member == at).any()
    )
    around = {2: member < 2, 3: np.ones(channels, bool)}  # groups of groups
    groups += tuple(
        Group(around[at], float(low), float(low + rng.uniform(3, 15)))
        for at, low in zip(around, outer, strict=True)
        if nested and around[at].any()
    )
    most = float(rng.uniform(1, 25))
    least = most if fixed else 0.0
    wanted, found = by_linear_program(parts, least, most, groups), split(parts, least, most, groups)
    assert (found is None) == (wanted is None)
    if found is not None:
        assert found.bound == pytest.approx(wanted, abs=1e-9)
        assert least - 1e-6 <= found.spend.sum() <= most + 1e-6
        for group in groups:
            assert group.low - 1e-6 <= found.spend[group.members].sum() <= group.high + 1e-6
        assert len(found.inside) <= 1 + 2 * len(groups)


def test_a_group_of_fixed_channels_above_its_limit_has_no_split():
    """A group without a segment was once not checked at all."""
    fixed = [Envelope(np.arange(1), 5.0, 1.0, np.zeros(0), np.zeros(0)) for _ in range(2)]
    free = Envelope(np.arange(2), 0.0, 0.0, np.array([10.0]), np.array([1.0]))
    members = np.array([True, True, False])
    assert split([*fixed, free], 15.0, 15.0, (Group(members, 0.0, 9.0),)) is None
    assert split([*fixed, free], 15.0, 15.0, (Group(members, 11.0, 12.0),)) is None
    assert split([*fixed, free], 15.0, 15.0, (Group(members, 0.0, 10.0),)).spend.tolist() == [5.0, 5.0, 5.0]


def test_what_does_not_pay_stays_unspent_where_it_may():
    part = Envelope(np.arange(3), 0.0, 0.0, np.array([4.0, 4.0]), np.array([1.0, -1.0]))
    assert split([part], 0.0, 10.0).spend.tolist() == [4.0]
    assert split([part], 6.0, 10.0).spend.tolist() == [6.0]
    assert split([part], 9.0, 10.0) is None

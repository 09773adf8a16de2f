"""Words are those of JAX's generator, and one event's word is nobody else's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.extend.random import threefry_2x32

from engine.simulate.chance import Stream, normal, uniform, words

WORD = st.integers(0, 2**32 - 1)
PUBLISHED = {  # Random123 1.14, examples/kat_vectors, threefry2x32 of 20 rounds
    (0, 0, 0, 0): (0x6B200159, 0x99BA4EFE),
    (2**32 - 1,) * 4: (0x1CB996FC, 0xBB002BE7),
    (0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3): (0xC4923A9C, 0x483DF7A0),
}
draw = jax.jit(words, static_argnums=1)


@given(seed=WORD, week=WORD, who=st.lists(WORD, min_size=5, max_size=5))
@settings(max_examples=50, deadline=None)
def test_words_are_those_of_jax(seed, week, who):
    people = np.array(who, np.uint32)
    first, second = draw(np.uint32(seed), Stream.LIFE, people, np.uint32(week))
    key = jnp.array([seed, int(Stream.LIFE)], jnp.uint32)
    expected = threefry_2x32(key, jnp.concatenate([people, np.full(5, week, np.uint32)]))
    assert np.concatenate([first, second]).tolist() == expected.tolist()


@pytest.mark.parametrize("asked", PUBLISHED)
def test_the_generator_behind_gives_the_published_words(asked):
    told = threefry_2x32(jnp.array(asked[:2], jnp.uint32), jnp.array(asked[2:], jnp.uint32))
    assert tuple(told.tolist()) == PUBLISHED[asked]


def test_a_person_has_the_same_words_in_any_company():
    crowd = np.arange(1000, dtype=np.uint32)
    everybody = draw(np.uint32(7), Stream.LIFE, crowd, np.uint32(3))
    some = draw(np.uint32(7), Stream.LIFE, crowd[137:139], np.uint32(3))
    assert [part[137:139].tolist() for part in everybody] == [part.tolist() for part in some]


def test_seed_stream_person_and_week_each_change_the_words():
    asked = [(1, Stream.LIFE, 5, 9), (2, Stream.LIFE, 5, 9), (1, Stream.SEAT, 5, 9)]
    asked += [(1, Stream.LIFE, 6, 9), (1, Stream.LIFE, 5, 10)]
    told = [draw(np.uint32(a), b, np.array([c], np.uint32), np.uint32(d)) for a, b, c, d in asked]
    assert len({int(word[0]) for pair in told for word in pair}) == 2 * len(asked)


def test_neighbouring_seeds_people_and_weeks_are_not_correlated():
    people = np.arange(2**16, dtype=np.uint32)
    told = [
        np.asarray(part, float) for week in (0, 1) for part in draw(np.uint32(1), Stream.LIFE, people, np.uint32(week))
    ]
    told += [np.asarray(part, float) for part in draw(np.uint32(2), Stream.LIFE, people, np.uint32(0))]
    together = np.corrcoef(np.array([*told, *(np.roll(part, 1) for part in told)]))
    assert np.abs(together - np.eye(len(together))).max() < 5 / np.sqrt(people.size)


def test_words_are_evenly_spread():
    word = np.asarray(draw(np.uint32(3), Stream.LIFE, np.arange(2**18, dtype=np.uint32), np.uint32(5))[0])
    for cells in (np.bincount(word >> 24, minlength=256), np.bincount(word & 255, minlength=256)):
        expected = 2**18 / 256
        statistic = ((cells - expected) ** 2 / expected).sum()
        assert 255 - 5 * np.sqrt(510) < statistic < 255 + 5 * np.sqrt(510)


def test_named_events_keep_their_luck_whatever_is_asked_beside_them():
    weeks = np.arange(5000)
    assert (uniform(4, Stream.CONTROL, "x", weeks)[100:110] == uniform(4, Stream.CONTROL, "x", weeks[100:110])).all()
    drawn = normal(4, Stream.CONTROL, "x", weeks)
    assert abs(drawn.mean()) < 5 / np.sqrt(5000) and abs(drawn.std() - 1) < 0.05

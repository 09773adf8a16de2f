"""Compiled programs are shared: another seed, another history or another plan compiles nothing new."""

import jax
import numpy as np
import pytest

from engine.config.loading import build
from engine.config.market import Market
from engine.judge import judge
from engine.study.imagine import imagine

COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture(scope="module")
def compiled():
    """Names of all programs compiled so far."""
    seen = []

    def listen(event, _seconds, **_labels):
        if event == COMPILED:
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seen


def test_a_second_seed_and_a_second_verdict_compile_nothing(small, compiled):
    market = build(small(), Market, "small")
    before = len(compiled)
    first = imagine(market, 104, 1)
    judge(first.world, first.spend, np.full(7, 50_000.0), 26)
    after_first = len(compiled)
    assert after_first > before
    second = imagine(market, 104, 2)
    judge(second.world, second.spend, np.full(7, 90_000.0), 26)
    assert len(compiled) == after_first

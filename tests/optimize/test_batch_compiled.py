"""The same rows through JAX: the same answers, from one compiled program."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.optimize.batch import rows as batch_rows
from engine.optimize.batch.batch import batch
from engine.optimize.batch.variations import Variations
from engine.study.accelerate import accelerated

RULES = """[channels.c0]
floor = 30
[channels.c1]
minimum_flight = 60
[groups.g]
kinds = ["earned", "shared"]
share = { min = 0.3 }
"""


@pytest.fixture
def small():
    """Sixteen rows at once: enough for a test."""
    with jax.enable_x64(True):
        yield replace(accelerated(), rows=16)


def drawn(rng, rows):
    return Variations(
        multiple=rng.uniform(0.8, 1.5, rows),
        price=np.exp(0.2 * rng.standard_normal((rows, 4))),
        effect=np.exp(0.2 * rng.standard_normal((rows, 4))),
    )


@pytest.mark.parametrize("goal", ["", 'goal = { maximise = "profit", margin = 0.9, prudence = 0.3 }\n'])
def test_compiled_rows_are_those_of_numpy(make, small, goal):
    held = make.random_curves(np.random.default_rng(1), 4)
    asked = make.scenario(f"budget = {{ total = 260.0 }}\n{goal}{RULES}")
    variations = drawn(np.random.default_rng(2), 20)
    one, other = batch(held, asked, variations), batch(held, asked, variations, small)
    assert other.spend == pytest.approx(one.spend, abs=1e-6)
    assert other.value == pytest.approx(one.value, rel=1e-9)
    assert other.bound == pytest.approx(one.bound, rel=1e-9)


def test_any_number_of_rows_and_other_curves_share_one_program(make, small, monkeypatch):
    traced = []

    def counted(setting, backend, pieces, rows):
        traced.append(setting)
        return relax(setting, backend, pieces, rows)

    relax = batch_rows.relax
    monkeypatch.setattr(batch_rows, "relax", counted)
    monkeypatch.setattr("engine.optimize.batch.pieces.FULL", 1024)
    asked = make.scenario("budget = { total = 260.0 }\n")
    for seed, rows in ((3, 5), (4, 40), (5, 17)):
        held = make.random_curves(np.random.default_rng(seed), 4, slope=(2.0, 4.0))
        batch(held, asked, drawn(np.random.default_rng(seed), rows), small)
    assert len(traced) == 1


def test_the_place_of_a_row_among_those_worked_on_at_once_changes_nothing(make, small):
    held = make.random_curves(np.random.default_rng(6), 4)
    asked = make.scenario(f"budget = {{ total = 260.0 }}\n{RULES}")
    variations = drawn(np.random.default_rng(7), 37)
    order = np.random.default_rng(8).permutation(37)
    shuffled = Variations(
        multiple=variations.multiple[order], price=variations.price[order], effect=variations.effect[order]
    )
    one, other = batch(held, asked, variations, small), batch(held, asked, shuffled, small)
    assert np.array_equal(one.spend[order], other.spend)
    assert np.array_equal(one.bound[order], other.bound)

"""A stress test on JAX's device comes to what numpy comes to, whatever the curves."""

from dataclasses import fields, replace

import numpy as np
import pytest

from engine.response.curves import Family, Mixture
from engine.response.saturation import SATURATIONS
from engine.stress.account import Account
from engine.stress.run import Hands, Work, facts, run
from engine.stress.sets import Case
from engine.stress.trial import played, shocked
from engine.study.stress_device import Placed, works_on_device
from tests.stress.scenes import curves
from tests.stress.trials import accounts, shock, some, trial

STORM = (
    shock("price", channels=["c0"], factor={"p05": 0.8, "p95": 1.4}),
    shock("demand", factor=0.9, chance=0.5),
)


def with_family(parts):
    """Curves whose first channel has a saturation of its own."""
    held = curves()
    first = held.channels[0]
    known = first.saturation.parameters
    made = [
        Family(name, {"ceiling": known["ceiling"][rows], "halfway": known["halfway"][rows]} | shape_of(name, rows))
        for name, rows in parts
    ]
    own = made[0] if len(made) == 1 else Mixture(tuple(made))
    return replace(held, channels=(replace(first, saturation=own), *held.channels[1:]))


def shape_of(name, rows):
    """Parameters inside what each family allows."""
    usual = {"slope": 0.8 if name == "power" else 1.5, "tail": 2.0}
    return {key: np.full(4, usual[key])[rows] for key in SATURATIONS[name].shape}


@pytest.mark.parametrize(
    "parts",
    [*[((name, slice(None)),) for name in SATURATIONS], (("hill", slice(2)), ("exponential", slice(2, None)))],
    ids=[*SATURATIONS, "a mixture"],
)
def test_every_family_brings_on_a_device_what_it_brings_on_the_processor(parts):
    told = trial(held=with_family(parts))
    paths = some(told, 8)
    placed = works_on_device(told.setting, paths)
    assert all(isinstance(one, Placed) for one in placed)
    here, there = accounts(told, STORM, paths), played(told, shocked(told, STORM, paths), paths, placed)
    for policy, account in here.items():
        for field in fields(Account):
            one, other = getattr(account, field.name), getattr(there[policy], field.name)
            assert other == pytest.approx(one, rel=1e-9, abs=1e-9, nan_ok=True), (policy, field.name)


def test_parts_of_one_arithmetic_are_not_taken_for_those_of_another(tmp_path):
    told = trial()
    work = Work(replace(told, policies=("hold",)), (Case("storm", "montecarlo", STORM),), 8)
    placed = replace(work, works=works_on_device)
    assert facts(work) != facts(placed)
    (one,), _ = run(work, tmp_path / "numpy", Hands())
    (other,), _ = run(placed, tmp_path / "jax", Hands())
    assert other.accounts["hold"].outcome == pytest.approx(one.accounts["hold"].outcome, rel=1e-12)
    assert np.array_equal(other.factors, one.factors, equal_nan=True)

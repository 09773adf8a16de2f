"""Options of the compiler change how long it takes, not whether it works or what comes out."""

import jax.numpy as jnp
import pytest

from engine.compiling import QUICK, known, quickly


def test_options_that_the_compiler_does_not_know_are_left_out():
    assert known({"xla_cpu_no_such_option": True}) is None
    assert known(QUICK) in (QUICK, None)


def test_a_function_compiled_quickly_is_the_same_function():
    def area(sides, scale):
        return jnp.exp(-sides[0] * sides[1]) * scale

    assert quickly(area)((jnp.array(2.0), jnp.array(0.5)), 3.0) == pytest.approx(3 / jnp.e, rel=1e-14)
    assert quickly(area).__name__ == "area"

"""Programs that are compiled once and run for seconds at most: compiled quickly rather than thoroughly."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

QUICK: dict[str, bool | int | str] = {"xla_cpu_use_fusion_emitters": False}
"""On the CPU a week's many small steps compile in half the time without XLA's newer emitters, and run as fast."""


def quickly(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled at its first call with `QUICK` where this version of XLA knows it."""

    @functools.cache
    def compiled() -> Callable[..., Any]:
        return eqx.filter_jit(function, compiler_options=known(QUICK))

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return compiled()(*arguments)

    return call


def known(options: dict[str, bool | int | str]) -> dict[str, bool | int | str] | None:
    """The options, or none if the compiler refuses them: they are XLA's own and may be gone in its next version."""
    try:
        jax.jit(lambda number: number + 1, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return None
    return options

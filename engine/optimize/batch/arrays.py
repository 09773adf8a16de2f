"""Where arrays are worked on: numpy here, or another library of the array API that is handed in.

Planning never loads JAX. Whoever wants a compiled program, or a GPU, hands in a `Backend` made with it; the formulas
are the same, written once against what numpy and JAX share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.axes import Array

State = Any
"""Arrays that a loop hands from one round to the next."""


@dataclass(frozen=True)
class Backend:
    """How one array library searches, repeats and compiles; all else is the array API."""

    name: str
    search: Callable[[Array, Array], Array]  # rising rows, wanted by row: how many of a row are below each wanted
    repeat: Callable[[Callable[[State], State], State, int], State]  # a step, a state, how often
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]]  # the first two arguments are fixed
    rows: int = 0  # worked on at once, where each other number costs a compilation; 0: as many as suit


def count_below(
    rising: Float[np.ndarray, "row knot"], wanted: Float[np.ndarray, "row point"]
) -> Int[np.ndarray, "..."]:
    """How many numbers of each rising row are below each wanted one.

    >>> count_below(np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 2.0, 9.0]])).tolist()
    [[0, 1, 3]]
    """
    found = np.empty(wanted.shape, dtype=np.int64)
    for row, numbers in enumerate(rising):
        found[row] = numbers.searchsorted(wanted[row])
    return found


def repeated(step: Callable[[State], State], state: State, times: int) -> State:
    """The state after so many steps."""
    for _ in range(times):
        state = step(state)
    return state


NUMPY = Backend("numpy", count_below, repeated, lambda function: function)

"""The paths of a stress test as they were written beside its answer."""

import io
import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.errors import InputError
from engine.files import read_bytes
from engine.report.stress_choice import choice, told_case
from engine.stress.readout import Answer

ARRAYS = "paths.npz"
SAME = 1e-9  # of the mean outcome: closer than this the paths are those of the answer


def outcomes_of(answer: Path, found: Answer) -> Float[np.ndarray, " path"] | None:
    """The outcome of every path of the case that is told, under the policy chosen there; None without such a file.

    Args:
        answer: The file stress.json.
        found: What it says.

    Raises:
        InputError: The paths are damaged, or of another run.
    """
    place = answer.parent / ARRAYS
    if not place.exists():
        return None
    case, again = told_case(found), "ask for the stress test again, or give its stress.json without them"
    best = choice(case)
    try:
        with np.load(io.BytesIO(read_bytes(place)), allow_pickle=False) as arrays:
            told = np.asarray(arrays[f"{found.cases.index(case)}/{best.policy}/outcome"], float).sum(axis=1)
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{place}: does not hold the paths of {answer.name} beside it; {again}") from None
    if len(told) != case.paths or not abs(float(told.mean()) - best.outcome.mean) <= SAME * abs(best.outcome.mean):
        raise InputError(f"{place}: holds the paths of another run than {answer.name} beside it; {again}")
    return told

"""How the libraries below should use this machine; settled before any of them is loaded.

Everything here is a default: who sets one of these variables means it.
"""

import contextlib
import os
import sys
import time
from collections.abc import MutableMapping
from pathlib import Path

CACHE_BYTES = 512 * 1024**2
UNFINISHED = 60.0  # seconds after which a program without its time of use was cut off


def settle(variables: MutableMapping[str, str]) -> None:
    """Set what speaks for small matrices and for compiling once.

    The matrices of a calibration have tens of rows. Two threads of a linear algebra library wait for each other longer
    than they work on them: on two busy cores an eigenproblem of 37 rows took 47 ms with both and 0.7 ms with one.
    Compiled programs are kept in the user's own cache, so that the second calibration of a kind need not compile.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        variables.setdefault(name, "1")
    folder = cache_folder(variables)
    if folder is not None and "JAX_COMPILATION_CACHE_DIR" not in variables:
        variables["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        variables.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(CACHE_BYTES))
        variables.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
        mend(folder, time.time())


def cache_folder(variables: MutableMapping[str, str]) -> Path | None:
    """Where this user's compiled programs are kept; None where no home is known or it cannot be written."""
    home = variables.get("XDG_CACHE_HOME") or variables.get("LOCALAPPDATA")
    try:
        base = Path(home) if home else Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
        folder = base / "peso-engine" / "compiled"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def mend(folder: Path, now: float) -> None:
    """Remove programs whose writing was cut off, because one of them keeps all later ones from being kept.

    A program that lacks the time of its last use beside it is one, unless it is being written this minute [s].
    """
    with contextlib.suppress(OSError):
        for program in folder.glob("*-cache"):
            used = program.with_name(program.name.removesuffix("-cache") + "-atime")
            if not used.exists() and now - program.stat().st_mtime > UNFINISHED:
                program.unlink()

"""The files of a stress test: stress.json for tools, stress.xlsx for finance, paths.csv and paths.npz by path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import StorageError
from engine.files import require_free, require_not_among, to_json, write_bytes, write_csv, write_text
from engine.report.stress_workbook import stress_workbook
from engine.stress.account import Account
from engine.stress.parts import INDEX, Parts, is_begun, packed, removed
from engine.stress.readout import Answer
from engine.stress.run import Gathered
from engine.stress.sets import told_apart
from engine.words import plain

ANSWER, BOOK, TABLE, ARRAYS = "stress.json", "stress.xlsx", "paths.csv", "paths.npz"
MOST_ROWS = 100_000  # of paths.csv: more are slow to open in any spreadsheet
FIGURES = ("outcome", "spend", "profit", "present value")


def require_place(out: Path, force: bool, *inputs: Path) -> None:
    """Refuse a folder that is in use by anything but a stress test that was not finished.

    Raises:
        InputError: With what is there.
        StorageError: Nothing can be written there.
    """
    require_free(out, force or is_begun(out), *inputs, form="folder")
    require_not_among(out, (ANSWER, BOOK, TABLE, ARRAYS, INDEX), *inputs)


def write_answer(place: Path, found: tuple[Gathered, ...], told: tuple[Answer, dict[str, Any]], parts: Parts) -> None:
    """Write all files, then remove the parts; stress.json stands there only beside files of its own run.

    `told` is the answer, for the workbook, and as a document.

    Raises:
        StorageError: The folder cannot be written or the disk is full; the parts stay.
    """
    text = to_json(told[1]) + "\n"  # first: what is no JSON leaves an older answer as it was
    try:
        (place / ANSWER).unlink(missing_ok=True)
        for cut_off in (one for name in (ANSWER, BOOK, TABLE, ARRAYS) for one in place.glob(f".{name}.*.part")):
            cut_off.unlink(missing_ok=True)
    except OSError as fault:
        raise StorageError(f"{place}: could not be written ({fault.strerror}); choose another --out") from None
    write_bytes(place / ARRAYS, packed(_arrays(found)))
    write_csv(place / TABLE, _header(found), _rows(found))
    stress_workbook(place / BOOK, told[0])
    write_text(place / ANSWER, text)
    removed(parts)


def rows_told(found: tuple[Gathered, ...]) -> tuple[int, int]:
    """Rows that paths.csv has, and those that it would have with every path."""
    every = sum(len(one.number) for one in found)
    return min(every, MOST_ROWS), every


def _arrays(found: tuple[Gathered, ...]) -> dict[str, np.ndarray]:
    """Every number, by number of the case, policy and name; cases and shocks are named beside them."""
    arrays = {"cases": np.array([one.case.name for one in found])}
    for number, one in enumerate(found):
        arrays |= {
            f"{number}/shocks": np.array([shock.name for shock in one.case.shocks], dtype=np.str_),
            f"{number}/path": one.number,
            f"{number}/draw": one.draw,
            f"{number}/factor": one.factors,
        }
        for policy, account in one.accounts.items():
            arrays |= {f"{number}/{policy}/{name}": values for name, values in vars(account).items()}
    return arrays


def _shocks(found: tuple[Gathered, ...]) -> tuple[str, ...]:
    """The shocks that have a column: those of cases with several, for the name of another case says its own."""
    return tuple(dict.fromkeys(name for one in found for name in _labels(one)))


def _labels(one: Gathered) -> tuple[str, ...]:
    """Names of the shocks of a case, each once; none where it has no columns."""
    if one.case.family == "shock":
        return (one.case.name,)
    if one.case.family not in ("montecarlo", "together"):
        return ()
    return told_apart(shock.name for shock in one.case.shocks)


def _header(found: tuple[Gathered, ...]) -> list[str]:
    told = [f"{policy} {figure}" for policy in found[0].accounts for figure in FIGURES]
    return ["case", "path", "draw", *[f"factor of {plain(name)}" for name in _shocks(found)], *told]


def _rows(found: tuple[Gathered, ...]) -> Iterator[list[Any]]:
    """One row for each path of each case; no figure where there is none."""
    shocks, left = _shocks(found), MOST_ROWS
    for one in found:
        some = slice(0, left)
        left -= len(one.number[some])
        factors = _by_name(one, shocks)[some]
        figures = np.stack([part for account in one.accounts.values() for part in _figures(account)], axis=1)[some]
        for number, draw, factor, told in zip(
            one.number[some].tolist(), one.draw[some].tolist(), factors.tolist(), figures.tolist(), strict=True
        ):
            yield [plain(one.case.name), number, draw, *map(_cell, factor), *map(_cell, told)]


def _by_name(one: Gathered, shocks: tuple[str, ...]) -> np.ndarray:
    """Factors of the named shocks; NaN where a case does not have one."""
    factors = np.full((len(one.number), len(shocks)), np.nan)
    for at, name in enumerate(_labels(one)):
        factors[:, shocks.index(name)] = one.factors[:, at]
    return factors


def _figures(account: Account) -> list[np.ndarray]:
    return [account.outcome.sum(axis=1), account.spend.sum(axis=(1, 2)), account.profit.sum(axis=1), account.present]


def _cell(value: float) -> float | str:
    return value if np.isfinite(value) else ""

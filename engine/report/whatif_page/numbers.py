"""Numbers as letters: columns of figures written so that they are short, safe inside a page, and near to the last cent.

A number is its place between the least and the highest of its column, counted in equal steps; of columns above 0 the
logarithms are counted. Each place is written in so many letters of an alphabet of 88, which needs no escapes in JSON or
HTML: five letters tell five billion places apart, 300 times as many as numbers of 32 bits tell within a factor of two;
three still keep a mean over hundreds of draws to a millionth, which no mean over fewer draws does.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

ALPHABET = "".join(letter for letter in map(chr, range(33, 127)) if letter not in "\"&'<>\\")
BASE = len(ALPHABET)
FULL = 8  # letters: as near as a sum of hundreds of figures can be told
FINE = 5  # letters: an outcome of ten millions stays right to the cent
LEAST = 3  # letters

Written = tuple[float, float, int, str]  # least, highest, whether they are logarithms, and the letters


def written(values: Float[np.ndarray, " number"], letters: int) -> Written:
    """A column in so many letters a number; a column that is all the same has no letters.

    >>> written(np.array([0.0, 0.5, 1.0]), 1)
    (0.0, 1.0, 0, '!R~')
    >>> written(np.array([2.0, 2.0]), 5)
    (2.0, 2.0, 0, '')
    """
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if not low < high:
        return (low, low, 0, "") if len(values) else (0.0, 0.0, 0, "")
    is_log = low > 0
    told = np.log(values) if is_log else values
    low, high = float(told.min()), float(told.max())
    place = np.rint((told - low) / (high - low) * (BASE**letters - 1)).astype(np.int64)
    powers = BASE ** np.arange(letters - 1, -1, -1)
    digits = (place[:, None] // powers) % BASE
    text = np.frombuffer(ALPHABET.encode(), np.uint8)[digits].tobytes().decode()
    return low, high, int(is_log), text


def read(column: Written, count: int) -> Float[np.ndarray, " number"]:
    """The numbers of a column: what the page makes of it.

    >>> read(written(np.array([0.0, 0.25, 1.0]), 5), 3).round(9).tolist()
    [0.0, 0.25, 1.0]
    """
    low, high, is_log, text = column
    if not text:
        return np.full(count, low)
    digits = np.array([ALPHABET.index(letter) for letter in text]).reshape(count, -1)
    letters = digits.shape[1]
    place = digits @ (BASE ** np.arange(letters - 1, -1, -1))
    told = low + (high - low) * (place / (BASE**letters - 1))
    return np.exp(told) if is_log else told


@dataclass
class Columns:
    """Columns that a page holds, each once."""

    letters: int  # of a number that differs from draw to draw
    held: dict[Written, int] = field(default_factory=dict)

    def add(self, values: Float[np.ndarray, " number"], letters: int | None = None) -> int:
        """The number under which a column is found."""
        return self.held.setdefault(written(values, letters or self.letters), len(self.held))

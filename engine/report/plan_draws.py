"""The draws of the curves in a workbook, and the formula of what money brings by them.

Carry-over of geometric kernels, alone, two at once or one after the other, is a sum of two that fade by a constant
share, k(l) = A a^l + B b^l, so that four numbers of each draw say all of it; other kernels stand there lag by lag.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.optimize.over_time.decisions import FADED
from engine.optimize.timing import LONGEST
from engine.report.brought import Lasting
from engine.report.workbook import block
from engine.response.bending import ATANH_HALF, LN2, LN3
from engine.response.curves import Channel, Curves, Family, kernel, pace

NEAR = 3e-6  # of each other: two rates of fading are moved apart to this, which leaves their kernel as it is to 1e-9
TINY = 1e-300  # in place of 0, whose power 0 spreadsheets do not agree on
GONE = 1e-14  # of a unit of money: lags in which less works are left out
FADING = ("A", "a", "B", "b")
NAMES = {
    "top": "ceiling / draws",
    "half": "halfway",
    "s": "slope",
    "t": "tail",
    "k": "odds at halfway",
    "A": "first weight",
    "a": "first kept",
    "B": "second weight",
    "b": "second kept",
    "P": "first from before",
    "Q": "second from before",
}
"""What stands in the columns of a channel."""
DRAWS, WEEKS = "Draws", "Weeks"
WEEK_ROW, FIRST_WEEK = 3, 2  # of the numbers of all periods, in the sheet of weeks


@dataclass(frozen=True)
class Time:
    """The periods that a workbook tells of."""

    periods: int  # of the horizon
    tail: int | None  # periods after it that count; None: the end of the horizon runs on into its start

    @property
    def rows(self) -> int:
        """Periods in all."""
        return self.periods + (self.tail or 0)


@dataclass(frozen=True)
class Piece:
    """Draws of one channel that follow each other and have the same families."""

    first: int  # its first draw, from 0
    saturation: Family
    columns: dict[str, Float[np.ndarray, " draw"]]
    lags: Float[np.ndarray, "draw lag"] | None  # of kernels that do not fade by constant shares
    before: Float[np.ndarray, "draw row"] | None  # stock that is there whatever is spent, of the same

    @property
    def draws(self) -> int:
        """How many draws it has."""
        return self.saturation.draws


def pieces(works: Lasting, curves: Curves, time: Time) -> tuple[Piece, ...]:
    """A channel's draws as they stand in a workbook."""
    return tuple(_piece(works, curves, time, *one) for one in _alike(works.channel))


def _alike(channel: Channel) -> Iterator[tuple[int, Family, Family]]:
    """Runs of draws with one adstock family and one saturation family: their first draw, and both."""
    cuts = sorted({0, *_ends(channel.adstock.parts), *_ends(channel.saturation.parts)})
    for first, last in itertools.pairwise(cuts):
        yield first, _cut(channel.adstock.parts, first, last), _cut(channel.saturation.parts, first, last)


def _ends(parts: tuple[Family, ...]) -> list[int]:
    return np.cumsum([part.draws for part in parts]).tolist()


def _cut(parts: tuple[Family, ...], first: int, last: int) -> Family:
    """Some draws of the part that holds them."""
    begin = 0
    for part in parts:
        if first < begin + part.draws:
            some = slice(first - begin, last - begin)
            return Family(part.name, {name: values[some] for name, values in part.parameters.items()})
        begin += part.draws
    raise AssertionError(first)


def _piece(works: Lasting, curves: Curves, time: Time, first: int, adstock: Family, saturation: Family) -> Piece:
    columns = {
        "top": saturation.parameters["ceiling"] / curves.draws,
        "half": saturation.parameters["halfway"],
        **_shape(saturation),
    }
    fading, some = _fading(adstock), slice(first, first + saturation.draws)
    if fading is None:
        before = None if works.before is None else _left(works.before, works, curves, time)[some]
        felt = int(np.flatnonzero(works.weights[some].max(axis=0) > GONE)[-1]) + 1
        return Piece(first, saturation, columns, works.weights[some, :felt], before)
    one, a, two, b = fading
    if time.tail is None:
        one, two = _turned(fading, time.periods)
    else:
        columns |= {"P": _before(works.channel, curves, one, a), "Q": _before(works.channel, curves, two, b)}
    return Piece(first, saturation, columns | dict(zip(FADING, (one, a, two, b), strict=True)), None, None)


def _turned(fading: "Fading", periods: int) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """The weights of a kernel all whose turns of so many periods are added up, as far as planners look."""
    one, a, two, b = fading
    far = periods * max(1, -(-LONGEST // periods))
    whole = one * (1 - a**far) / (1 - a) + two * (1 - b**far) / (1 - b)
    return tuple(weight * (1 - kept**far) / (1 - kept**periods) / whole for weight, kept in ((one, a), (two, b)))


def _left(
    before: Float[np.ndarray, "row draw"], works: Lasting, curves: Curves, time: Time
) -> Float[np.ndarray, "draw row"]:
    """Stock of the money before the horizon alone: that of the time after it stands among the money by period."""
    left = before.T.copy()
    after = pace(works.channel, curves.period) * np.cumsum(works.weights, axis=1)
    left[:, time.periods :] -= after[:, : time.rows - time.periods]
    return left


Fading = tuple[
    Float[np.ndarray, " draw"], Float[np.ndarray, " draw"], Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]
]


def _fading(adstock: Family) -> Fading | None:
    """A kernel as A a^l + B b^l; None where it is no such sum."""
    known = adstock.parameters
    retain = np.maximum(known.get("retain", np.zeros(0)), TINY)
    if adstock.name == "geometric":
        return 1 - retain, retain, np.zeros_like(retain), np.full_like(retain, TINY)
    if adstock.name == "two_speed":
        slow, share = np.maximum(known["retain_slow"], TINY), known["slow"]
        return (1 - share) * (1 - retain), retain, share * (1 - slow), slow
    if adstock.name == "buildup":
        a, b = _apart(retain, np.maximum(known["onset"], TINY))
        weight = (1 - a) * (1 - b) / (a - b)
        return weight * a, a, -weight * b, b
    return None


def _apart(
    one: Float[np.ndarray, " draw"], two: Float[np.ndarray, " draw"]
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """Two rates, those that are next to each other moved apart: their kernel is even in the distance."""
    middle, half = (one + two) / 2, (one - two) / 2
    least = NEAR * np.minimum(middle, 1 - middle)
    wide = np.where(np.abs(half) < least, least, half)
    return middle + wide, middle - wide


def _before(
    channel: Channel, curves: Curves, weight: Float[np.ndarray, " draw"], kept: Float[np.ndarray, " draw"]
) -> Float[np.ndarray, " draw"]:
    """What is left of the money before the horizon in its first period, of a part that fades by a constant share."""
    last = np.array(channel.history.last[-LONGEST:])
    coming = (1 - np.cumsum(kernel(channel, len(last) + 1), axis=1)).max(axis=0)
    felt = int(np.argmax(coming <= FADED)) or len(last)
    ages = np.arange(1, felt + 1)
    stock = weight * (kept[:, None] ** ages @ last[::-1][:felt])
    return stock + pace(channel, curves.period) * weight * kept ** (len(last) + 1) / (1 - kept)


def _shape(saturation: Family) -> dict[str, Float[np.ndarray, " draw"]]:
    """What a saturation takes beside ceiling and halfway, as its formula uses it."""
    known = saturation.parameters
    match saturation.name:
        case "hill" | "power":
            return {"s": known["slope"]}
        case "burr":
            return {"s": known["slope"], "t": known["tail"], "k": np.expm1(np.log(2) / known["tail"])}
        case "logistic":
            return {"s": LN3 * known["slope"], "t": np.expm1(LN3 * known["slope"]) - 1}
    return {}


SHARES = {
    "hill": "1-1/(1+{dose}^{s})",
    "michaelis_menten": "1-1/(1+{dose})",
    "exponential": f"1-EXP(0-{LN2!r}*{{dose}})",
    "tanh": f"TANH({ATANH_HALF!r}*{{dose}})",
    "logistic": "(1-EXP(0-{s}*{dose}))/(1+{t}*EXP(0-{s}*{dose}))",
    "power": "0.5*{dose}^{s}",
    "burr": "1-(1+{k}*{dose}^{s})^(0-{t})",
}
"""What spend brings as a share of the ceiling, in the language of spreadsheets."""


@dataclass(frozen=True)
class Written:
    """A piece as it stands in the sheet of draws."""

    piece: Piece
    rows: tuple[int, int]  # its first and last row
    columns: Mapping[str, int]  # of what stands in one
    lags: int  # first column of its kernel by lag; 0: it has none
    before: int  # first column of the stock that is there before; 0: it has none

    def brings(self, spent: str, every: str, looked: tuple[int, int], time: Time) -> str:
        """The formula of the mean outcome in some periods.

        Args:
            spent: What formulas call the money of all periods [currency].
            every: The same for the numbers of all periods, of one row with it.
            looked: The first and the last period that are looked at.
            time: The periods.
        """
        cells = {name: block((self.rows[0], at), (self.rows[1], at), DRAWS) for name, at in self.columns.items()}
        weeks = block((WEEK_ROW, FIRST_WEEK + looked[0]), (WEEK_ROW, FIRST_WEEK + looked[1]), WEEKS)
        count = time.rows if self.piece.lags is None else self.piece.lags.shape[1]
        lags = block((WEEK_ROW, FIRST_WEEK), (WEEK_ROW, FIRST_WEEK + count - 1), WEEKS)
        gone = f"{weeks}-TRANSPOSE({lags})"
        gone = gone if time.tail is not None else f"MOD({gone},{time.periods})"
        weights = self._all(self.lags, (0, count - 1)) if self.lags else f"{{A}}*{{a}}^{every}+{{B}}*{{b}}^{every}"
        stock = f"MMULT({weights},SUMIF({every},{gone},{spent}))"
        if self.before:
            stock += f"+{self._all(self.before, looked)}"
        elif time.tail is not None:
            stock += f"+{{P}}*{{a}}^{weeks}+{{Q}}*{{b}}^{weeks}"
        share = SHARES[self.piece.saturation.name].replace("{dose}", f"(({stock})/{{half}})")
        return f"SUMPRODUCT({{top}}*({share}))".format_map(cells)

    def _all(self, first: int, some: tuple[int, int]) -> str:
        """What formulas call some columns of all draws."""
        (top, bottom), (left, right) = self.rows, some
        return block((top, first + left), (bottom, first + right), DRAWS)

"""Where the names of dots go, so that they do not run into each other or over other dots."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

LETTER, LINE, GAP = 6.0, 13.0, 7.0  # width and height of a letter, distance of a name from its dot [pixels]
LEVELS = (0.0, -12.0, 12.0, -26.0, 26.0, -40.0, 40.0, -54.0, 54.0, -68.0, 68.0)  # of a name, from its dot [pixels]
OUT = (0.0, 30.0, 70.0)  # how much further aside [pixels]
FAR = 3.0  # covered pixels that one pixel of distance is worth


class Box(NamedTuple):
    """A rectangle on the chart, from its left top corner [pixels]."""

    left: float
    top: float
    width: float
    height: float

    def shared(self, other: "Box") -> float:
        """The area that both cover."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(across, 0.0) * max(down, 0.0)


def placed(dots: list[tuple[float, float]], names: list[str], drawn: list[Box], side: float) -> list[Box]:
    """The box of each name near its dot, where it covers least of what is there already.

    Names are placed one after the other, each where it costs least: earlier names, dots and what lies outside the
    chart count tenfold by the area that is covered, what else is drawn once, and being far from its dot a little.

    Args:
        dots: Across from the left and down from the top [pixels].
        names: As they are shown.
        drawn: What else stands on the chart.
        side: Of the square chart [pixels].

    >>> placed([(10.0, 50.0)], ["tv"], [], 100.0)
    [Box(left=17.0, top=43.5, width=12.0, height=13.0)]
    """
    far = 1e4
    solid = [
        Box(-far, -far, far, 2 * far),
        Box(side, -far, far, 2 * far),
        Box(0.0, -far, side, far),
        Box(0.0, side, side, far),
        *(Box(across - 5, down - 5, 10.0, 10.0) for across, down in dots),
    ]
    taken: list[Box] = []
    for (across, down), name in zip(dots, names, strict=True):
        taken.append(_freest(_around(across, down, LETTER * len(name)), solid + taken, drawn))
    return taken


def _freest(places: Iterable[tuple[float, Box]], solid: list[Box], drawn: list[Box]) -> Box:
    """The place that costs least: what it covers, and how far out it is."""
    least, best = float("inf"), Box(0.0, 0.0, 0.0, 0.0)
    for far, place in places:
        if far * FAR >= least:
            continue
        covered = 10 * sum(place.shared(other) for other in solid) + sum(place.shared(other) for other in drawn)
        if covered + far * FAR < least:
            least, best = covered + far * FAR, place
    return best


def _around(across: float, down: float, width: float) -> Iterator[tuple[float, Box]]:
    """Boxes around a dot with their distance: right and left of it, above and below, ever further out."""
    for out in OUT:
        for level in LEVELS:
            far = out + abs(level)
            yield far, Box(across + GAP + out, down + level - LINE / 2, width, LINE)
            yield far, Box(across - GAP - out - width, down + level - LINE / 2, width, LINE)

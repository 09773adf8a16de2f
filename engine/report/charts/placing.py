"""Where the names of dots go, so that they do not run into each other or over other dots."""

from typing import NamedTuple

LETTER, LINE, GAP = 6.0, 13.0, 7.0  # width and height of a letter, distance of a name from its dot [pixels]


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
    """The box of each name beside its dot, where it covers least of what is there already.

    Names are placed one after the other, each at the first of twelve places around its dot that covers least: earlier
    names, dots, what else is drawn, and what lies outside the chart.

    Args:
        dots: Across from the left and down from the top [pixels].
        names: As they are shown.
        drawn: What else stands on the chart.
        side: Of the square chart [pixels].

    >>> placed([(10.0, 50.0)], ["tv"], [], 100.0)
    [Box(left=17.0, top=43.5, width=12.0, height=13.0)]
    """
    far = 1e4
    outside = [
        Box(-far, -far, far, 2 * far),
        Box(side, -far, far, 2 * far),
        Box(0.0, -far, side, far),
        Box(0.0, side, side, far),
    ]
    obstacles = outside + drawn + [Box(across - 5, down - 5, 10.0, 10.0) for across, down in dots]
    taken: list[Box] = []
    for (across, down), name in zip(dots, names, strict=True):
        places = _around(across, down, LETTER * len(name))
        taken.append(min(places, key=lambda box: sum(box.shared(other) for other in obstacles + taken)))
    return taken


def _around(across: float, down: float, width: float) -> list[Box]:
    """Twelve boxes around a dot, the best to read first; `min` takes the first of equals."""
    sides = (across + GAP, across - GAP - width, across - width / 2)
    levels = (down - LINE / 2, down - LINE - 5, down + 5, down - 2 * LINE - 4, down + LINE + 4)
    right = [Box(sides[0], level, width, LINE) for level in levels]
    left = [Box(sides[1], level, width, LINE) for level in levels]
    return [*right, *left, Box(sides[2], levels[1] - 4, width, LINE), Box(sides[2], levels[2] + 4, width, LINE)]

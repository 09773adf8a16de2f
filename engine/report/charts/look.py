"""One look for every chart: colours, type, numbers with their units, and the frame of a Vega-Lite spec.

A spec is a plain dict of the Vega-Lite grammar, version 5, that holds its data and asks for nothing from
elsewhere. Text from data (names of channels, of the outcome) stands only where the grammar takes text as it is:
in rows, titles and lists of a scale. Fields have names of ours, rows come in the order in which they are shown,
and marks have no spoken labels, since Vega-Lite would compile names of fields, sort orders and labels into expressions.
"""

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.periods import Period
from engine.response.curves import KINDS, Curves, Kind
from engine.words import plain

Spec = dict[str, Any]
Title = str | list[str]  # in one line or several

GRAMMAR = "https://vega.github.io/schema/vega-lite/v5.json"  # names the version; nothing is loaded from there
KIND_COLOURS: dict[Kind, str] = {"paid": "#0072B2", "earned": "#009E73", "shared": "#C4679C", "owned": "#D55E00"}
"""Blue, green, purple, vermilion of Okabe and Ito (2008), Color universal design, for people with any colour vision;
the purple is a little darker than theirs, so that each stands out by 3:1 on white."""
KIND_SHAPES: dict[Kind, str] = {"paid": "circle", "earned": "square", "shared": "diamond", "owned": "triangle-up"}
INK, QUIET, FAINT, PAPER = "#1b1b1b", "#5f6368", "#d5d8dc", "#ffffff"
BASELINE, SEVERAL = "#c9ccd1", "#80868b"  # what no channel brought; channels of several kinds taken together
EDGE: Spec = {"stroke": QUIET, "strokeWidth": 0.75}
"""Of layers in shades: what tells the lightest and the darkest from paper."""
LEGEND_EDGE: Spec = {"symbolStrokeColor": QUIET, "symbolStrokeWidth": 0.75}
BOLD, LIGHT = 7.9, 6.0  # pixels of a letter of a title and of what stands below it, a tenth more than common fonts take
WIDE = 660  # pixels of a chart over time
SLIM = 225  # pixels that a chart is wide on a phone, without its axes
TITLED = 24  # letters of one line of an axis title
LISTED = 12  # channels that a description lists, before it counts the rest
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # all of one width, which labels are measured by
CONFIG: Spec = {
    "background": PAPER,
    "font": FONT,
    "padding": {"left": 14, "right": 14, "top": 8, "bottom": 8},  # at the sides more, for fonts wider than usual
    "mark": {"aria": False},
    "title": {"anchor": "start", "fontSize": 15, "color": INK, "subtitleColor": QUIET, "subtitleFontSize": 12},
    "axis": {
        "domainColor": QUIET,
        "gridColor": FAINT,
        "gridOpacity": 0.6,
        "labelColor": QUIET,
        "labelFlush": False,
        "labelFontSize": 11,
        "labelLimit": 200,
        "labelSeparation": 6,
        "tickColor": FAINT,
        "titleColor": INK,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titleLimit": 360,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 11,
        "labelLimit": 200,
        "columnPadding": 16,
        "symbolOpacity": 1,
        "title": None,
    },
    "view": {"stroke": None},
}


class Unit(NamedTuple):
    """What numbers are divided by, so that an axis counts in ones, tens or hundreds, and its name."""

    size: float
    name: str  # empty for 1


def unit_of(largest: float) -> Unit:
    """The unit in which numbers up to `largest` are read best; named as in every text of ours.

    >>> unit_of(0.002), unit_of(9_999.0), unit_of(65_000.0), unit_of(2.5e9)
    (Unit(size=1.0, name=''), Unit(size=1.0, name=''), Unit(size=1000.0, name='k'), Unit(size=1000000000.0, name='bn'))
    """
    for limit, size, name in ((1e12, 1e12, "tn"), (1e9, 1e9, "bn"), (1e6, 1e6, "m"), (1e4, 1e3, "k")):
        if largest >= limit:
            return Unit(size, name)
    return Unit(1.0, "")


def shown(amount: float, digits: int = 4) -> float | int | None:
    """A number as a chart shows it, no longer than it need be; None, a gap, where it is not finite.

    >>> shown(1234.5678), shown(0.000123456), shown(2.0), shown(float("nan"))
    (1235, 0.0001235, 2, None)
    """
    if not math.isfinite(amount):
        return None
    rounded = float(f"{amount:.{digits}g}")
    return int(rounded) if rounded == int(rounded) else rounded


def units(*words: str) -> str:
    """The units of an axis, in brackets, without those that are empty.

    >>> units("EUR", "k", "a week"), units("", "", "a week")
    ('(EUR k a week)', '(a week)')
    """
    return f"({' '.join(word for word in words if word)})"


def money_title(what: str, currency: str, unit: Unit, period: Period) -> Title:
    """The title of an axis of money, or of plain counts where the currency is empty; on two lines if it is long.

    >>> money_title("Spend", "EUR", unit_of(2e6), "week"), money_title("orders", "", unit_of(10.0), "day")
    ('Spend (EUR m a week)', 'Orders (a day)')
    """
    name, told = opening(short(what, TITLED)), units(plain(currency), unit.name, f"a {period}")
    return f"{name} {told}" if len(name) + len(told) < TITLED else [name, told]


def total_title(what: str, currency: str, unit: Unit) -> str:
    """The title of an axis of sums, of money or of plain counts where the currency is empty.

    >>> total_title("Money", "EUR", unit_of(2e6)), total_title("Orders", "", unit_of(10.0))
    ('Money (EUR m)', 'Orders (in all)')
    """
    return f"{what} {units(plain(currency), unit.name, '' if currency or unit.name else 'in all')}"


def outcome_currency(curves: Curves) -> str:
    """The currency that the outcome is counted in, empty where it is not money."""
    return curves.currency if curves.is_money else ""


def opening(text: str) -> str:
    """A text that opens with a capital."""
    return text[:1].upper() + text[1:]


def short(name: str, most: int = 32) -> str:
    """A name from data that fits into a title, with everything in it made visible.

    >>> short("tv"), short("x" * 40, 5)
    ('tv', 'xxxx…')
    """
    visible = plain(name)
    return visible if len(visible) <= most else visible[: most - 1] + "…"


def labels(names: Iterable[str]) -> list[str]:
    """Each name made visible; names that then look alike are numbered, for a scale takes equal ones for one.

    >>> labels(["tv", "level", "tv"])
    ['tv', 'level', 'tv (2)']
    """
    found: list[str] = []
    for name in names:
        visible, number = plain(name), 2
        label = visible
        while label in found:
            label, number = f"{visible} ({number})", number + 1
        found.append(label)
    return found


def listed(sentences: Sequence[str], what: str = "channels") -> str:
    """Sentences of a description, the first dozen and how many more there are.

    >>> listed(["tv: 1", "pr: 2"])
    'tv: 1; pr: 2'
    """
    rest = len(sentences) - LISTED
    return "; ".join(sentences[:LISTED]) + (f"; and {rest} more {what}" if rest > 0 else "")


def lines(text: str, width: int, letters: float) -> list[str]:
    """A text in lines that fit over so many pixels."""
    return textwrap.wrap(text, max(20, int(width / letters)), break_long_words=True, break_on_hyphens=False)


def heading(text: str, subtitle: str, width: int) -> Spec:
    """The title of a chart, which says its finding or its question, and how to read it."""
    return {
        "text": lines(text, width, BOLD),
        "subtitle": lines(subtitle, width, LIGHT),
        "anchor": "start",
        "offset": 12,
    }


def framed(title: Spec, description: str, body: Spec) -> Spec:
    """A whole spec: the grammar, the title, the alternative text, the look, and what is drawn."""
    return {"$schema": GRAMMAR, "description": description, "title": title, "config": CONFIG, **body}


def panels(views: list[Spec], columns: int) -> Spec:
    """Views side by side, wrapped into rows, each with scales of its own."""
    return {"concat": views, "columns": columns, "spacing": 28, "resolve": {"scale": {"color": "independent"}}}


def rows(**columns: Iterable[Any]) -> Spec:
    """Inline data: one row for each entry of the columns, numbers rounded to what a chart shows."""
    told = zip(*columns.values(), strict=True)
    return {"values": [{name: _cell(cell) for name, cell in zip(columns, row, strict=True)} for row in told]}


def _cell(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, (str, int)) else shown(float(cell))


def span(low: float, high: float) -> list[float]:
    """The ends of a scale that is never empty."""
    return [low, high] if high > low else [low, low + 1.0]


def amount(field: str, title: Title, **more: Any) -> Spec:
    """An axis of numbers; the title holds the units."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def moment(field: str, period: Period) -> Spec:
    """An axis of first days of periods."""
    title = "Day" if period == "day" else f"First day of the {period}"
    return {"field": field, "type": "temporal", "title": title, "scale": {"type": "utc"}}


def faint(mark: str, colour: str | None = None, opacity: float = 0.25, **more: Any) -> Spec:
    """A range: faint within, so that what lies on it is seen, with an edge that stands out from paper.

    Where no colour is given, rows hold it.
    """
    own = {} if colour is None else {"color": colour, "stroke": colour}
    return {"type": mark, "fillOpacity": opacity, "opacity": 1, "strokeWidth": 1, **own, **more}


def kind_scale(kinds: Iterable[Kind], looks: dict[Kind, str] = KIND_COLOURS) -> Spec:
    """Colours, or shapes, of the kinds that are there, in the order of PESO."""
    present = set(kinds)
    there = [kind for kind in KINDS if kind in present]
    return {"domain": there, "range": [looks[kind] for kind in there]}


def shade(kind: Kind, place: int, count: int) -> str:
    """The colour of one of several channels of a kind, from a darker to a lighter one.

    >>> shade("paid", 0, 1), shade("paid", 0, 3), shade("paid", 2, 3)
    ('#0072b2', '#004a74', '#99c7e0')
    """
    base = [int(KIND_COLOURS[kind][at : at + 2], 16) for at in (1, 3, 5)]
    if count == 1:
        return KIND_COLOURS[kind].lower()
    move = -0.35 + 0.95 * place / (count - 1)  # towards black below 0, towards white above
    mixed = [part * (1 + move) if move < 0 else part + (255 - part) * move for part in base]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)

"""Charts of a page as SVG: the title as text beside it, panels one by one, and a slim drawing for phones."""

from typing import Any

from engine.report.charts.look import SLIM, Spec
from engine.report.page.records import Chart, Figure, View
from engine.report.render import svg, themed

FEW = 3  # numbers of a slim axis, about
DATES = 5  # of a slim axis
NAMED = 140  # pixels of a name beside a slim chart
BELOW = {"orient": "bottom", "direction": "horizontal", "columns": 1}  # where there is no room beside a chart
LEANING = {"labelAngle": -45, "labelAlign": "right", "labelBaseline": "middle", "titlePadding": 16}


def drawn(figure: Figure) -> Chart:
    """A figure with its drawings; each says in words what it shows."""
    spec = figure.spec
    title, reading = titles(spec.get("title"))
    told = str(spec.get("description", title))
    panels = spec.get("concat")
    if not panels:
        bare = _untitled(spec)
        slim = slimmed(_untitled(figure.slim or spec))
        return Chart(title, reading, (View("", _drawing(bare, told), _drawing(slim, told)),))
    frame: Spec = {key: spec[key] for key in ("$schema", "config") if key in spec}
    views = []
    for panel in panels:
        name = " – ".join(one for one in titles(panel.get("title")) if one)
        views.append(View(name, _drawing({**frame, **_untitled(panel)}, f"{title}: {name}")))
    return Chart(title, reading, tuple(views))


def titles(title: Any) -> tuple[str, str]:
    """The text of a title and of its subtitle, each in one line.

    >>> titles({"text": ["a", "b"], "subtitle": "c"}), titles("a"), titles(None)
    (('a b', 'c'), ('a', ''), ('', ''))
    """
    if isinstance(title, dict):
        return _line(title.get("text")), _line(title.get("subtitle"))
    return _line(title), ""


def slimmed(spec: Spec) -> Spec:
    """A chart that fits a phone: as wide as that, its legends below it."""
    config = spec.get("config", {})
    legend, axis = {**config.get("legend", {}), **BELOW}, {**config.get("axis", {}), "labelLimit": NAMED}
    return {**_narrow(_stacked(spec)), "config": {**config, "legend": legend, "axis": axis}}


def _stacked(spec: Spec) -> Spec:
    """Panels that share their rows one below the other, each with the names of its rows."""
    if "hconcat" not in spec:
        return spec
    first, *others = spec["hconcat"]
    named = [{**one, "encoding": {**one["encoding"], "y": first["encoding"]["y"]}} for one in others]
    bare = {key: value for key, value in spec.items() if key != "hconcat"}
    return {**bare, "vconcat": [{**one, "width": SLIM} for one in (first, *named)]}


def _narrow(part: Any) -> Any:
    """A part of a spec, and all within it, no wider than a phone; data stay as they are."""
    if isinstance(part, list):
        return [_narrow(one) for one in part]
    if not isinstance(part, dict):
        return part
    wide = part.get("width")
    fits: Spec = {"width": SLIM} if isinstance(wide, int | float) and wide > SLIM else {}
    slim = {key: value if key in ("data", "config") else _narrow(value) for key, value in part.items()} | fits
    return slim | {"x": _across(slim["x"])} if isinstance(slim.get("x"), dict) else slim


def _across(x: Spec) -> Spec:
    """An axis whose names lean, so that they fit beside each other, and whose numbers are few."""
    axis = x.get("axis") or {}
    if x.get("type") in ("nominal", "ordinal"):
        return {**x, "axis": {**axis, **LEANING}}
    if x.get("type") == "temporal":
        return {**x, "axis": {"tickCount": DATES, **axis}}
    return {**x, "axis": {**axis, "tickCount": FEW}} if axis.get("tickCount", 0) > FEW else x


def _untitled(spec: Spec) -> Spec:
    return {key: value for key, value in spec.items() if key != "title"}


def _line(text: Any) -> str:
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "")


def _drawing(spec: Spec, told: str) -> str:
    """The drawing, as one image that a screen reader says in words."""
    return themed(svg(spec), told)

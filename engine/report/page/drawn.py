"""Charts of a page as SVG: the title as text beside it, panels one by one, and a slim drawing for phones."""

from typing import Any

from engine.report.charts.look import Spec
from engine.report.page.records import Chart, Figure, View
from engine.report.render import svg, themed

FEW = 3  # numbers of a slim axis, about
SLIM = 225  # pixels that a chart is wide on a phone, without its axes
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
        slim = _drawing(slimmed(bare), told) if figure.bends else ""
        return Chart(title, reading, (View("", _drawing(bare, told), slim),))
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
    legend = {**config.get("legend", {}), **BELOW}
    return {**_narrow(_stacked(spec)), "config": {**config, "legend": legend}}


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
    return {**x, "axis": {**axis, "tickCount": FEW}} if axis.get("tickCount", 0) > FEW else x


def _untitled(spec: Spec) -> Spec:
    return {key: value for key, value in spec.items() if key != "title"}


def _line(text: Any) -> str:
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "")


def _drawing(spec: Spec, told: str) -> str:
    """The drawing, as one image that a screen reader says in words."""
    return themed(svg(spec), told)

"""Charts of a page as SVG: the title as text beside it, and panels one by one, so that they wrap as words do."""

from typing import Any

from engine.report.charts.look import Spec
from engine.report.page.records import Chart, Figure, View
from engine.report.render import svg, themed


def drawn(figure: Figure) -> Chart:
    """A figure with its drawings; each says in words what it shows."""
    spec = figure.spec
    title, reading = titles(spec.get("title"))
    told = str(spec.get("description", title))
    panels = spec.get("concat")
    if not panels:
        bare = {key: value for key, value in spec.items() if key != "title"}
        return Chart(title, reading, (View("", _labelled(bare, told)),))
    frame: Spec = {key: spec[key] for key in ("$schema", "config") if key in spec}
    views = []
    for panel in panels:
        above, below = titles(panel.get("title"))
        bare = {key: value for key, value in panel.items() if key != "title"}
        name = " – ".join(one for one in (above, below) if one)
        views.append(View(name, _labelled({**frame, **bare}, f"{title}: {name}")))
    return Chart(title, reading, tuple(views))


def titles(title: Any) -> tuple[str, str]:
    """The text of a title and of its subtitle, each in one line.

    >>> titles({"text": ["a", "b"], "subtitle": "c"}), titles("a"), titles(None)
    (('a b', 'c'), ('a', ''), ('', ''))
    """
    if isinstance(title, dict):
        return _line(title.get("text")), _line(title.get("subtitle"))
    return _line(title), ""


def _line(text: Any) -> str:
    return " ".join(map(str, text)) if isinstance(text, list) else str(text or "")


def _labelled(spec: Spec, told: str) -> str:
    """The drawing, as one image that a screen reader says in words."""
    return themed(svg(spec), told)

"""What every chart keeps, as checks of a spec; and what charts are tested on."""

import json
import re

from engine.report.charts.look import GRAMMAR
from tests.report.test_charts import inside, views

HOSTILE = (
    "</script><script>window.PWNED=1</script>",
    '=HYPERLINK("http://x")',
    "datum['x']",
    "a.b[0]\\'\"",
    "tv\x1b[31m\n\u202e",
    "x" * 300,
)
MARKS = ("</script>", "HYPERLINK", "datum[", "a.b[0]", "\\x1b", "\x1b", "xxxxx")
SHOWN = {"text", "subtitle", "title", "description", "domain", "told"}  # where text from data is only shown
UNITS = r"\((?:[A-Z]{3}\b.*|.*%.*|.*people.*|.*weeks?|.*purchases.*|.*paths.*|.*journeys.*|in all|k|m|bn|tn)\)"


def every_view(spec):
    """Every drawn layer, those of panels in a row among them."""
    return [view for panel in spec.get("hconcat", [spec]) for view in views(panel)]


def require_sound(spec, named=()):
    """See that a spec is strict, says what it shows, draws only what is in its rows, and tells units on its axes.

    Fields in `named` hold names from data, beside those that only show text.
    """
    text = json.dumps(spec, allow_nan=False)
    assert spec["$schema"] == GRAMMAR and text.count(GRAMMAR) == 1
    assert spec["title"]["text"] and spec["title"]["subtitle"] and len(spec["description"]) > 60
    require_drawn(spec)
    require_units(spec)
    require_shown_only(spec, SHOWN | set(named))


def require_drawn(spec):
    """See that every field that is drawn is in the rows of its layer."""
    seen = 0
    for _, encoding, data in every_view(spec):
        for axis in encoding.values():
            if axis and "field" in axis:
                assert data is not None and all(axis["field"] in row for row in data), axis["field"]
                seen += 1
    assert seen > 3


def require_units(spec):
    """See that every axis of numbers that is shown has a title with its units."""
    for _, encoding, _ in every_view(spec):
        for name, axis in encoding.items():
            if axis and name in ("x", "y") and axis.get("type") == "quantitative" and axis.get("axis", 0) is not None:
                title = axis["title"] if isinstance(axis["title"], str) else " ".join(axis["title"])
                assert re.search(UNITS, title), title


def require_shown_only(spec, shown):
    """See that text from data stands only where it is shown, and nothing asks for an address or a formula."""
    for part in inside(spec):
        for key, value in part.items():
            told = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
            hits = [one for one in told if any(mark in one for mark in MARKS)]
            assert not hits or key in shown, (key, hits)
            assert not any(mark in key for mark in MARKS)
            assert all(letter.isprintable() for one in told for letter in one)
        assert not set(part) & {"expr", "signal", "calculate", "filter", "transform", "href", "url"}
        assert part.get("sort", 0) in (0, None)

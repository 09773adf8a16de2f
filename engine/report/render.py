"""Specs as pictures, without a browser and without a network: SVG, PNG, PDF, and SVG that a page can colour.

Importing this module needs the extra `[report]`; whoever draws imports it, nobody else.
"""

import hashlib
import re
from html import escape

import vl_convert

from engine.report.charts.look import FAINT, INK, PAPER, QUIET, Spec

VERSION = "5.20"  # of Vega-Lite: the same picture from the same spec, whatever versions come along
ALLOWED: list[str] = []  # addresses that a spec may load from
VARIABLES = {INK: "ink", "#000": "ink", "#000000": "ink", QUIET: "quiet", FAINT: "line", PAPER: "paper"}
"""Colours of the look that are those of the page around it, and the names of the page's variables."""
SHARP = 2.0  # pixels of a PNG for each of the chart's
TAG = re.compile(r"<[^<>]+>")  # texts and values hold neither bracket: both are escaped
ATTRIBUTE = re.compile(r'\s([\w:-]+)="([^"]*)"')
ID = re.compile(r'\sid="([^"]*)"')
USE = re.compile(r'(\sid="|url\(#)([^"()]*)(["()])')  # where an id is given, and where it is referred to
DECIMALS, SHORT = re.compile(r"(\.\d\d)\d+(?!\d*e)"), r"\1"
UNSEEN = re.compile(r'<path[^<>]*(?:display="none"|d="M0,0h0v0h0Z")[^<>]*/>')
SPOKEN = re.compile(r"aria-|role$|class$|version$|xmlns|pointer-events$")  # the whole is one image with one label
PLACES = frozenset(("d", "transform", "x", "y", "x2", "y2", "dx", "dy", "width", "height"))


def svg(spec: Spec) -> str:
    """The drawing of a spec, as a file of its own; the same one whatever was drawn before."""
    drawing = vl_convert.vegalite_to_svg(spec, vl_version=VERSION, allowed_base_urls=ALLOWED)
    counted = dict.fromkeys(name for tag in TAG.findall(drawing) for name in ID.findall(tag))  # through all drawings
    return _renamed(drawing, {name: f"part{number}" for number, name in enumerate(counted)})


def png(spec: Spec, scale: float = SHARP) -> bytes:
    """The picture of a spec in pixels."""
    return vl_convert.vegalite_to_png(spec, vl_version=VERSION, scale=scale, allowed_base_urls=ALLOWED)


def pdf(spec: Spec) -> bytes:
    """The drawing of a spec as a page of its own size."""
    return vl_convert.vegalite_to_pdf(spec, vl_version=VERSION, allowed_base_urls=ALLOWED)


def themed(drawing: str, told: str = "") -> str:
    """The drawing inside a page: in the page's own colours, as one image that is said in words, half as long.

    Ids, of clip paths and their like, are those of no other drawing on the page. Its size stands in attributes, since
    a page that allows no styles but its own would refuse them here; the page lets it shrink (`max-width: 100%`).

    Args:
        drawing: As `svg` gives it.
        told: What it shows, in words.

    >>> themed('<svg class="marks"><rect fill="#ffffff" x="0.12345"/></svg>', "a < b")
    '<svg role="img" overflow="visible" aria-label="a &lt; b"><rect fill="var(--paper, #ffffff)" x="0.12"/></svg>'
    """
    mark = hashlib.sha256(drawing.encode()).hexdigest()[:8]
    own = {name: f"d{mark}-{name}" for tag in TAG.findall(drawing) for name in ID.findall(tag)}
    bare = TAG.sub(lambda tag: ATTRIBUTE.sub(_attribute, tag[0]), UNSEEN.sub("", _renamed(drawing, own)))
    return bare.replace("<svg", f'<svg role="img" overflow="visible" aria-label="{escape(told)}"', 1)


def _renamed(drawing: str, names: dict[str, str]) -> str:
    """A drawing with other ids."""

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}{names.get(found[2], found[2])}{found[3]}"

    return TAG.sub(lambda tag: USE.sub(renamed, tag[0]), drawing)


def _attribute(found: re.Match[str]) -> str:
    """An attribute as it stands in a page; none that only a screen reader would hear."""
    name, value = found[1], found[2]
    if SPOKEN.match(name):
        return ""
    if name in PLACES:
        return f' {name}="{DECIMALS.sub(SHORT, value)}"'
    if name in ("fill", "stroke") and value.lower() in VARIABLES:
        return f' {name}="var(--{VARIABLES[value.lower()]}, {value})"'
    return found[0]

"""The what-if page as one text of HTML: style, script and data inside, nothing from elsewhere."""

import base64
import hashlib
import html
import importlib.resources
import json
from string import Template
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.report.charts.look import KIND_COLOURS
from engine.report.whatif_page.document import document
from engine.report.whatif_page.levers import thinned
from engine.report.whatif_page.numbers import FULL, LEAST
from engine.report.whatif_page.records import WhatIf
from engine.words import plain

LARGEST = 150_000  # bytes of a page: it goes by mail and opens at once
SCRIPTS = ("response.js", "outcome.js", "money.js", "shown.js", "page.js")
FEWEST = 20  # draws from which a chance can be told at all
SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page_html(what: WhatIf) -> str:
    """The page, with all draws where they fit into its size, else with as many evenly chosen ones as do.

    Raises:
        InputError: There are so many channels that hardly any draw fits.
    """
    for letters in range(FULL, LEAST - 1, -1):
        text = rendered(what, letters, what.draws)
        if _size(text) <= LARGEST:
            return text
    few = what.draws
    while _size(text) > LARGEST:
        few = _fewer(what, few, text)
        text = rendered(thinned(what, np.arange(few) * what.draws // few), LEAST, what.draws)
    return text


def rendered(what: WhatIf, letters: int, of: int) -> str:
    """The page of a record as it is, with so many letters for a number that differs from draw to draw."""
    style, script = _colours() + _slim(_part("page.css")), "\n".join(_slim(_part(name)) for name in SCRIPTS)
    return Template(_part("page.html")).substitute(
        title=html.escape(f"What if: {plain(what.scenario)}"),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_data(document(what, letters, of)),
    )


def _fewer(what: WhatIf, draws: int, text: str) -> int:
    """How many draws would just fit, told from the size of a page with `draws` of them."""
    bare = _size(rendered(thinned(what, np.arange(1)), LEAST, what.draws))
    each = (_size(text) - bare) / (draws - 1)
    few = min(draws - 1, int((LARGEST - bare) / each))
    if few < FEWEST:
        raise InputError(
            f"the what-if page of {len(what.levers)} channels would hold {max(few, 0)} of {what.draws} draws in "
            f"{LARGEST // 1000} kB, where {FEWEST} or more are needed; ask of fewer channels or fewer decisions"
        )
    return few


def _data(told: dict[str, Any]) -> str:
    """Plain values as JSON that ends no element and begins none."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(SAFE.get(letter, letter) for letter in text) if set(text) & set(SAFE) else text


def _colours() -> str:
    """The colours of the kinds, from the one look of all charts."""
    return ":root{" + "".join(f"--{kind}:{colour};" for kind, colour in KIND_COLOURS.items()) + "}\n"


def _part(name: str) -> str:
    return importlib.resources.files("engine.report.whatif_page").joinpath(name).read_text("utf-8")


def _slim(text: str) -> str:
    """A script or style without the room that is for its writers: indents, blank lines and lines of comment."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _size(text: str) -> int:
    return len(text.encode())

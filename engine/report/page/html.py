"""The page as one HTML file that asks for nothing: no script, its own style, charts inside, every text escaped."""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from engine.report.page.records import Chart, Page, Table

AMOUNT = r"(?:[A-Z]{3} )?[+-]?\d[\d,.]*(?<![,.])(?:-\d+)?(?: (?:%|k|m|bn|tn)(?!\w))?"
WHOLE = re.compile(rf"((?<![\w.-])(?:\d{{4}}-\d\d-\d\d|{AMOUNT})(?![\w-]))")
"""Dates, and amounts with their currency, sign and unit."""


def page_html(page: Page, charts: Mapping[str, Chart]) -> str:
    """The page; `charts` holds those of its figures, by name."""
    place = files("engine.report.page")
    style = place.joinpath("page.css").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"exact": repr, "numeric": numeric, "opening": lambda text: text[:1].upper() + text[1:]}
    environment.filters["held"] = held
    template = environment.from_string(place.joinpath("page.html").read_text("utf-8"))
    return template.render(page=page, charts=charts, style=style, policy=policy(style))


def held(text: str) -> Markup:
    """A text whose amounts and dates stay in one line each; its letters are the same, so that it can be searched.

    >>> str(held("EUR 1.2 m < 2 from 2027-01-04"))
    '<span class="held">EUR 1.2 m</span> &lt; 2 from <span class="held">2027-01-04</span>'
    """
    parts = WHOLE.split(text)  # every second one is an amount or a date
    held = Markup('<span class="held">{}</span>')
    return Markup("").join(
        held.format(part) if at % 2 and set(part) & set(" -") else part for at, part in enumerate(parts)
    )


def policy(style: str) -> str:
    """What the page may do: show its own style and images inside it, and nothing else."""
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{known}'; img-src data:; base-uri 'none'; form-action 'none'"


def numeric(table: Table) -> set[int]:
    """The columns of a table that hold numbers.

    They stand to the right, and so do their headings.
    """
    return {
        at for at in range(len(table.header)) if any(len(row) > at and row[at].value is not None for row in table.rows)
    }

"""The page as one HTML file that asks for nothing: no script, its own style, charts inside, every text escaped."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from engine.report.page.records import Chart, Page, Table


def page_html(page: Page, charts: Mapping[str, Chart]) -> str:
    """The page; `charts` holds those of its figures, by name."""
    place = files("engine.report.page")
    style = place.joinpath("page.css").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"exact": repr, "numeric": numeric, "opening": lambda text: text[:1].upper() + text[1:]}
    template = environment.from_string(place.joinpath("page.html").read_text("utf-8"))
    return template.render(page=page, charts=charts, style=style, policy=policy(style))


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

"""The page as one HTML file that asks for nothing: no script, its own style, charts inside, every text escaped."""

import base64
import hashlib
import importlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from engine.errors import InputError
from engine.report.page.records import Chart, Page, Table

NEEDED = "a report needs an optional package; install it with pip install 'peso-engine[report]'"


def jinja() -> Any:
    """The templates' package.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module("jinja2")
    except ImportError:
        raise InputError(NEEDED) from None


def page_html(page: Page, charts: Mapping[str, Chart]) -> str:
    """The page; `charts` holds those of its figures, by name.

    Raises:
        InputError: The optional packages for reports are not installed.
    """
    engine = jinja()
    markup = engine.utils.markupsafe.Markup
    place = files("engine.report.page")
    style = place.joinpath("page.css").read_text("utf-8")
    environment = engine.Environment(autoescape=True, undefined=engine.StrictUndefined, trim_blocks=True)
    environment.filters |= {"exact": repr, "numeric": numeric, "opening": lambda text: text[:1].upper() + text[1:]}
    template = environment.from_string(place.joinpath("page.html").read_text("utf-8"))
    drawings = {
        name: {
            "title": chart.title,
            "reading": chart.reading,
            "views": [{"title": view.title, "svg": markup(view.svg)} for view in chart.views],
        }
        for name, chart in charts.items()
    }
    return str(template.render(page=page, charts=drawings, style=markup(style), policy=policy(style)))


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

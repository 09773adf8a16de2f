"""Vega-Lite specs as SVG for a page."""

import importlib
from html import escape
from typing import Any

from engine.errors import InputError
from engine.report.charts.look import Spec
from engine.report.page.html import NEEDED, jinja


def svg(spec: Spec) -> str:
    """The drawing of a spec."""
    return str(_writer().vegalite_to_svg(spec))


def themed(drawing: str) -> str:
    """The drawing as it is."""
    return drawing


def require_writer() -> None:
    """Refuse to begin a report without what it needs.

    Raises:
        InputError: An optional package is not installed.
    """
    _writer()
    jinja()


def _writer() -> Any:
    try:
        return importlib.import_module("vl_convert")
    except ImportError:
        raise InputError(NEEDED) from None


def labelled(drawing: str, told: str) -> str:
    """The drawing as one image that a screen reader says in words."""
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(told)}" ', 1)


def png(spec: Spec) -> bytes:
    """The drawing as a picture that is sharp on any screen."""
    return bytes(_writer().vegalite_to_png(spec, scale=2))


def pdf(spec: Spec) -> bytes:
    """The drawing as a page for print."""
    return bytes(_writer().vegalite_to_pdf(spec))

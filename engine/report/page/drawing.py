"""Vega-Lite specs as SVG for a page."""

import importlib
from html import escape
from typing import Any

from engine.errors import InputError
from engine.report.charts.look import Spec
from engine.report.page.html import NEEDED


def svg(spec: Spec) -> str:
    """The drawing of a spec."""
    return str(_writer().vegalite_to_svg(spec))


def themed(drawing: str) -> str:
    """The drawing as it is."""
    return drawing


def _writer() -> Any:
    try:
        return importlib.import_module("vl_convert")
    except ImportError:
        raise InputError(NEEDED) from None


def labelled(drawing: str, told: str) -> str:
    """The drawing as one image that a screen reader says in words."""
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(told)}" ', 1)

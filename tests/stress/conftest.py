"""Hands the planner's builders of small questions to the tests of stress."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make():
    """The functions of tests/optimize/builders.py."""
    spec = importlib.util.spec_from_file_location("builders", Path(__file__).parents[1] / "optimize" / "builders.py")
    builders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builders)
    return builders

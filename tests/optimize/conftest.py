"""Hands the builders of small planning questions to every test here; they import `engine` only when asked for."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make():
    """The functions of builders.py."""
    spec = importlib.util.spec_from_file_location("builders", Path(__file__).with_name("builders.py"))
    builders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builders)
    return builders

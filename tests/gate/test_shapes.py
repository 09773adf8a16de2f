"""The shape checks are on while tests run: a wrong shape or type of number is an error where it enters."""

import jaxtyping
import numpy as np
import pytest

from engine.response.adstock import adstock
from engine.response.curves import Family


def test_axes_of_one_name_must_agree():
    with pytest.raises(jaxtyping.TypeCheckError):
        adstock(np.ones((5, 3)), np.ones(2) / 2, np.ones(3))


def test_whole_numbers_are_not_money():
    with pytest.raises(jaxtyping.TypeCheckError):
        adstock(np.ones(5, dtype=int), np.array(0.5), np.array(0.0))


def test_records_are_checked_field_by_field():
    with pytest.raises(jaxtyping.TypeCheckError):
        Family("hill", {"slope": np.ones((2, 2))})

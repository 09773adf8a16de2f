"""The shape checks are on while tests run: a wrong shape or type of number is an error where it enters."""

from typing import Any, Literal

import jaxtyping
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float

from engine.response.adstock import adstock
from engine.response.curves import Family
from tests.shapes import jaxtyped

Column = Float[Any, " row"]


def test_axes_of_one_name_must_agree():
    with pytest.raises(jaxtyping.TypeCheckError):
        adstock(np.ones((5, 3)), np.ones(2) / 2, np.ones(3))


def test_whole_numbers_are_not_money():
    with pytest.raises(jaxtyping.TypeCheckError):
        adstock(np.ones(5, dtype=int), np.array(0.5), np.array(0.0))


def test_records_are_checked_field_by_field():
    with pytest.raises(jaxtyping.TypeCheckError):
        Family("hill", {"slope": np.ones((2, 2))})


def test_what_is_wrong_is_found_after_what_was_right():
    spend, half = np.ones((5, 3)), np.ones(3) / 2
    for _ in range(2):
        assert adstock(spend, half, 0 * half).shape == spend.shape
    for wrong in ((spend, np.ones(2) / 2, half), (spend[0], half[:2], half), (spend.astype(int), half, half)):
        with pytest.raises(jaxtyping.TypeCheckError):
            adstock(*wrong)


def test_a_record_is_found_wrong_after_one_that_was_right():
    for _ in range(2):
        assert Family("hill", {"slope": np.ones(2)}).parameters.keys() == {"slope"}
    with pytest.raises(jaxtyping.TypeCheckError):
        Family("hill", {"slope": np.ones((2, 2))})


@jaxtyped(typechecker=beartype)
def picked(table: Float[Any, "row column"], mask: list[bool]) -> Column:
    """As many of the first column as the mask says: no look of the call tells the look of the result."""
    return table[mask, 0]


def test_a_result_is_found_wrong_after_one_that_was_right():
    table, all_of_them = np.ones((2, 3)), [True, True]
    for _ in range(2):
        assert picked(table, all_of_them).shape == (2,)
    for _ in range(2):
        with pytest.raises(jaxtyping.TypeCheckError):
            picked(table, [True, False])


@jaxtyped(typechecker=beartype)
def told(values: dict[str, tuple[float, ...]], unit: Literal["week", "day"] = "week") -> list[str]:
    """Containers and single values."""
    return [*values, unit]


@jaxtyped(typechecker=beartype)
def sums(values: dict[str, tuple[float, ...]], names: list[str]) -> tuple[float, ...]:
    """Containers alone."""
    return tuple(sum(values[name]) for name in names)


@pytest.mark.parametrize(
    ("asked", "right", "wrong"),
    [
        (told, ({"tv": (1.0,)}, "day"), ({"tv": (1.0,)}, "year")),
        (told, ({"tv": (1.0,)},), ({"tv": ("1",)},)),
        (sums, ({"tv": (1.0,)}, ["tv"]), ({"tv": ("1",)}, ["tv"])),
        (sums, ({"tv": (1.0,)}, ["tv"]), ({"tv": [1.0]}, ["tv"])),
        (sums, ({"tv": (1.0,) * 50}, ["tv"]), ({"tv": ("1",) * 50}, ["tv"])),
        (sums, ({"tv": (1.0,)}, ["tv"]), ({"tv": (1,)}, ["tv"])),
    ],
)
def test_values_and_items_are_told_apart(asked, right, wrong):
    for _ in range(2):
        assert len(asked(*right)) > 0
    with pytest.raises(jaxtyping.TypeCheckError):
        asked(*wrong)

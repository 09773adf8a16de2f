"""The look of charts: colours that anyone can tell apart, names that do not run into each other, titles that fit."""

import itertools

import numpy as np
import pytest

from engine.report.charts.look import KIND_COLOURS, KIND_SHAPES, PAPER, labels, lines, shade, short, shown, unit_of
from engine.report.charts.placing import LETTER, LINE, Box, placed
from engine.response.curves import KINDS
from engine.words import number

SEEN_BY = {  # linear light as seen without one kind of cone: Machado, Oliveira, Fernandes (2009), severity 1
    "anyone": np.eye(3),
    "without red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "without green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "without blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def light(colour: str) -> np.ndarray:
    """Linear light of a colour."""
    part = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(linear: np.ndarray) -> np.ndarray:
    """Lightness and hue of linear light in CIELAB, white of daylight."""
    x, y, z = np.cbrt(TO_XYZ @ np.clip(linear, 1e-4, 1) / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", SEEN_BY.values(), ids=SEEN_BY)
def test_kinds_differ_for_any_colour_vision(eye):
    seen = [lab(np.array(eye) @ light(colour)) for colour in KIND_COLOURS.values()]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 15


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_stand_out_from_paper_and_have_a_shape_of_their_own(kind):
    contrast = 1.05 / (float(np.array([0.2126, 0.7152, 0.0722]) @ light(KIND_COLOURS[kind])) + 0.05)
    assert contrast >= 3.0 and PAPER == "#ffffff"
    assert len(set(KIND_SHAPES.values())) == len(KINDS)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_shades_of_a_kind_grow_lighter_by_steps_that_one_can_see(kind, count):
    levels = [lab(light(shade(kind, place, count)))[0] for place in range(count)]
    assert min(np.diff(levels)) > 8


@pytest.mark.parametrize("seed", range(5))
def test_names_of_dots_run_neither_into_each_other_nor_out_of_the_chart(seed):
    random = np.random.default_rng(seed)
    dots = [(float(x), float(y)) for x, y in random.normal(215, 25, (12, 2))]
    names = [f"channel {number:>4}" for number in range(12)]
    boxes = placed(dots, names, [], 430.0)
    for one, other in itertools.combinations(boxes, 2):
        assert one.shared(other) == 0
    assert all((box.width, box.height) == (LETTER * len(name), LINE) for box, name in zip(boxes, names, strict=True))
    assert all(0 <= box.left <= 430 - box.width and 0 <= box.top <= 430 - LINE for box in boxes)


def test_a_name_keeps_off_the_lines_where_there_is_room():
    free = placed([(100.0, 100.0)], ["television"], [], 200.0)[0]
    moved = placed([(100.0, 100.0)], ["television"], [Box(0.0, 99.0, 200.0, 2.0)], 200.0)[0]
    assert free.top < 99 < free.top + LINE
    assert moved.shared(Box(0.0, 99.0, 200.0, 2.0)) == 0


@pytest.mark.parametrize("amount", [1e-3, 0.5, 1.0, 9_990.0, 10_001.0, 1.5e6, 2e9, 3e12, 1e15])
def test_units_of_axes_are_those_of_texts(amount):
    unit = unit_of(amount)
    assert number(amount).partition(" ")[2] == unit.name
    assert amount / unit.size < 1e4 or unit.name == "tn"


@pytest.mark.parametrize("amount", [0.0, -1234.5678, 1e-9, 123456.0, 1e15])
def test_shown_numbers_keep_four_digits(amount):
    assert shown(amount) == pytest.approx(amount, rel=5e-4)
    assert len(repr(abs(shown(amount))).replace(".", "").strip("0").partition("e")[0]) <= 4


def test_labels_are_visible_different_and_keep_their_order():
    given = ["tv", "tv\x00", "tv\\x00", "tv", "tv (2)", "\u202etv"]
    told = labels(given)
    assert len(set(told)) == len(given) and all(label.isprintable() for label in told) and told[0] == "tv"


def test_long_texts_are_broken_and_long_names_cut():
    assert all(len(line) <= 84 for line in lines("word " * 60 + "x" * 300, 660, 7.8))
    assert len(short("x" * 100)) == 32 and short("x" * 32) == "x" * 32

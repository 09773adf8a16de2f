"""Pacing: what a path earned beside what its latest plan was to earn by then, which is what triggers watch.

Both are told on the draw that comes true. Draws of the curves disagree about what media brought, not about results:
each explains the same history, so whichever is true, results at about history's pace are those that were forecast, and
what departs from the forecast is what shocks did. How far a draw is from the mean of all calls for no new plan.

Results come without the noise of single periods here; who watches real ones does not see less than it leaves
(`peso track` asks for both: beyond the band, and beyond chance). Leads are watched before anybody has to sell them:
more media are no answer to a team that is too small, and no plan made anew reckons with one.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.stress.levels import Levels
from engine.stress.play import outcomes
from engine.stress.setting import Setting, Working


class Course(NamedTuple):
    """What the latest plan of each path was to earn."""

    earns: Float[np.ndarray, "path row"]  # on the draw that comes true [outcome]
    since: Int[np.ndarray, " path"]  # the row at whose beginning it was made


def earned(
    setting: Setting,
    work: tuple[Working, ...],
    known: Levels,
    money: Float[np.ndarray, "#path period channel"],
    count: int,
) -> Float[np.ndarray, "path row"]:
    """What money earns by row in a world, before anybody has to sell it [outcome]."""
    came: Float[np.ndarray, "path row"] = outcomes(setting, work, known, money, count).sum(axis=2)
    return came


def renewed(course: Course, earns: Float[np.ndarray, "path row"], row: int, some: Bool[np.ndarray, " path"]) -> Course:
    """The course of a plan that some paths made at the beginning of a row; the others keep theirs."""
    return Course(np.where(some[:, None], earns, course.earns), np.where(some, row, course.since))


def pace(course: Course, came: Float[np.ndarray, "path row"], row: int) -> Float[np.ndarray, " path"]:
    """What came since the latest plan and before a row, as a multiple of what that plan was to earn by then.

    1 where it was to earn nothing.

    >>> course = Course(np.array([[10.0, 10.0, 10.0]]), np.array([1]))
    >>> pace(course, np.array([[0.0, 9.0, 0.0]]), 2).tolist()
    [0.9]
    """
    counts = np.arange(row) >= course.since[:, None]
    mine, planned = (np.where(counts, each[:, :row], 0.0).sum(axis=1) for each in (came, course.earns))
    found: Float[np.ndarray, " path"] = np.where(planned > 0, mine / np.where(planned > 0, planned, 1.0), 1.0)
    return found

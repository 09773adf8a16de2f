"""Few draws: a question on those of its draws that have a chance, which is the same question and a smaller one."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.over_time.course import Course
from engine.optimize.rules import Problem
from engine.optimize.tables import Payoff
from engine.response.curves import chosen


def on_draws(problem: Problem, some: Int[np.ndarray, " few"]) -> Problem:
    """The question on some of its draws, by rising number; their odds are what they were, scaled to sum to one.

    Rules and tolls stay as they are, whatever draws they were told from. The mean of a plan under odds that leave out
    all other draws is the same in both questions.
    """
    payoffs = tuple(_payoff(payoff, some) for payoff in problem.payoffs)
    ways = tuple(replace(way, course=_course(way.course, some)) for way in problem.ways)
    return replace(problem, payoffs=payoffs, ways=ways)


def _payoff(payoff: Payoff, some: Int[np.ndarray, " few"]) -> Payoff:
    timing = payoff.timing
    offset = timing.offset if isinstance(timing.offset, float) else timing.offset[:, some]
    few = None if payoff.odds is None else _scaled(payoff.odds[some])
    timing = replace(timing, gain=timing.gain[:, some], offset=offset)
    return replace(payoff, channel=chosen(payoff.channel, some), timing=timing, odds=few)


def _scaled(odds: Float[np.ndarray, " few"]) -> Float[np.ndarray, " few"]:
    return odds / odds.sum()


def _course(course: Course, some: Int[np.ndarray, " few"]) -> Course:
    return Course(
        chosen(course.channel, some),
        np.ascontiguousarray(course.gain[:, :, some]),
        np.ascontiguousarray(course.offset[:, some]),
        course.weight,
        course.constant[some],
    )

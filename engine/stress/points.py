"""Points: mean outcomes by channel and span on few weighted points instead of all weeks of all draws.

A plan is chosen by means over thousands of points (weeks by draws), which are much alike: some dozen of them, with
weights that are not negative, reproduce the means and their slopes on courses all around the plan (a cubature by
non-negative least squares, its points added one by one). A plan that is chosen by slopes a little off loses their
square, so thousands of plans are chosen on points, and what they bring is told on the draw that comes true.
"""

import importlib
import itertools
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.optimize.over_time.course import even_draws
from engine.optimize.rules import Problem
from engine.response.curves import Channel, Family, chosen, joined, respond_with_rate
from engine.stress.setting import Setting, working

COURSES = 20  # around the plan, on which points must agree with the means
NEAREST, WIDEST = 0.1, 2.5  # times the plan's money: as far as courses go, where slopes are finite
NEXT_TO_NONE = 0.02  # the same, of one course: without it points are percents off where a tenth of the money is left
SPARE = 0.3  # of the mean cell's money: a cell with less goes as far as if it had so much
DRAWS = 60  # of which points are taken
MOST = 14  # points of one span of a channel
ENOUGH = 3e-4  # root mean square error of values and slopes, as a share of the values
SMALL = 0.05  # of a channel's outcome: spans with less count as if they had so much
SEED = 7  # of the courses


@dataclass(frozen=True)
class Points:
    """Weighted points of all channels; a channel's contacts by decision make a stock at each of its points."""

    curve: Channel  # whose draws are the points: those of the first channel, then those of the second, ...
    gain: Float[np.ndarray, "cell point"]  # stock per unit of money of a decision, at the plan's prices
    offset: Float[np.ndarray, " point"]  # stock that is there anyway
    weight: Float[np.ndarray, " point"]
    channel: Int[np.ndarray, " point"]
    span: Int[np.ndarray, " point"]
    anyway: Float[np.ndarray, "channel span"]  # mean outcome that comes anyway


@dataclass(frozen=True)
class Few:
    """The points of one channel."""

    curve: Channel
    gain: Float[np.ndarray, "decision point"]
    offset: Float[np.ndarray, " point"]
    weight: Float[np.ndarray, " point"]
    span: Int[np.ndarray, " point"]
    anyway: Float[np.ndarray, " span"]


def points_of(setting: Setting, problem: Problem) -> Points:
    """Points that stand for the curves around a plan."""
    few, count = [_few(setting, problem, channel) for channel in range(len(setting.names))], setting.grid.count
    owner = np.repeat(np.arange(len(few)), [len(one.weight) for one in few])
    gain = np.zeros((count * len(few), len(owner)))
    for channel, one in enumerate(few):
        gain[channel * count : (channel + 1) * count, owner == channel] = one.gain
    saturation = joined([part for one in few for part in one.curve.saturation.parts])
    offset, weight, span = (
        np.concatenate([getattr(one, name) for one in few]) for name in ("offset", "weight", "span")
    )
    curve = replace(few[0].curve, saturation=saturation, adstock=Family("geometric", {"retain": np.zeros(len(owner))}))
    return Points(curve, gain, offset, weight, owner, span, np.array([one.anyway for one in few]))


def _few(setting: Setting, problem: Problem, channel: int) -> Few:
    """The points of one channel."""
    work, worth = working(setting, channel, np.arange(setting.curves.draws)), setting.found[channel].worth
    pace = problem.ways[channel].pace * setting.found[channel].had[: setting.periods]
    gain = np.matmul(work.shares, pace.T).transpose(1, 0, 2)  # row, draw, decision
    whole = Sample(work.channel, gain, work.offset.T, work.without.T)
    some = even_draws(setting.curves.draws, DRAWS)
    part = Sample(chosen(work.channel, some), gain[:, some], work.offset.T[:, some], work.without.T[:, some])
    courses, edges = _courses(setting, channel), [*setting.spans.tolist(), setting.rows]
    targets = [
        np.tensordot(worth[begin:end], features(whole, courses, slice(begin, end)).mean(axis=2), axes=(0, 1))
        for begin, end in itertools.pairwise(edges)
    ]
    least = SMALL * max(float(sum(np.abs(target[:, 0]).mean() for target in targets)), np.finfo(float).tiny)
    kept = []
    for span, ((begin, end), target) in enumerate(zip(itertools.pairwise(edges), targets, strict=True)):
        mass = float(worth[begin:end].sum())
        share = _span(features(part, courses, slice(begin, end)), target, (mass, least))
        row, draw = share.nonzero()  # some even where outcome is worth nothing: a curve needs a point
        kept.append((draw, row + begin, mass * share[row, draw], np.full(len(row), span)))
    found = tuple(np.concatenate(each) for each in zip(*kept, strict=True))
    draw, row, weight, span_of = (each[np.argsort(found[0], kind="stable")] for each in found)
    return Few(
        curve=chosen(part.channel, draw),
        gain=np.ascontiguousarray(gain[row, some[draw]].T),
        offset=work.offset[some[draw], row],
        weight=weight,
        span=span_of,
        anyway=np.add.reduceat(worth * work.without.mean(axis=0), setting.spans),
    )


def _span(
    own: Float[np.ndarray, "course row draw feature"],
    target: Float[np.ndarray, "course feature"],
    size: tuple[float, float],
) -> Float[np.ndarray, "row draw"]:
    """Shares of the points of one span, most of them 0; `size`: what all weigh, and the least outcome that counts."""
    mass, scale = size[0], max(float(np.abs(target[:, 0]).mean()), size[1])
    table = own.transpose(0, 3, 1, 2).reshape(target.size, -1) * mass / scale
    ones = np.full((1, table.shape[1]), np.sqrt(target.size))  # weights add up, too: else what is next to 0 counts
    weight = _weights(np.concatenate([table, ones]), np.append(target.ravel() / scale, ones[0, 0]))
    return weight.reshape(own.shape[1:3])


@dataclass(frozen=True)
class Sample:
    """A channel's draws with their gains and offsets by row."""

    channel: Channel
    gain: Float[np.ndarray, "row draw decision"]
    offset: Float[np.ndarray, "row draw"]
    without: Float[np.ndarray, "row draw"]


def features(
    sample: Sample, courses: Float[np.ndarray, "course decision"], rows: slice
) -> Float[np.ndarray, "course row draw feature"]:
    """The outcome of courses in some rows, and its slope by each decision, in outcome per mean course."""
    gain = sample.gain[rows]
    stock = np.einsum("rdk,ck->crd", gain, courses) + sample.offset[rows]
    value, rate = respond_with_rate(sample.channel, stock)
    slope = rate[..., None] * gain * courses.mean(axis=0)
    return np.concatenate([value[..., None], slope], axis=-1)


def _courses(setting: Setting, channel: int) -> Float[np.ndarray, "course decision"]:
    """Money by decision, all around that of the plan."""
    spent = np.add.reduceat(setting.money, setting.grid.edges[:-1], axis=0)
    usual = np.maximum(spent[:, channel], SPARE * spent.mean())
    luck = np.random.default_rng([SEED, channel])
    level = luck.uniform(NEAREST, WIDEST, (COURSES, 1)) * luck.uniform(0.4, 1.6, (COURSES, len(usual)))
    level[0], level[1] = 1.0, NEXT_TO_NONE
    return level * usual


def _weights(
    table: Float[np.ndarray, "feature candidate"], target: Float[np.ndarray, " feature"]
) -> Float[np.ndarray, " candidate"]:
    """Weights, most of them 0 and none below, with which candidates add up to a target."""
    nnls = importlib.import_module("scipy.optimize").nnls  # takes long to load, and who holds a plan needs none
    there: list[int] = []
    found, rest = np.zeros(table.shape[1]), target
    size = np.linalg.norm(table, axis=0) + np.finfo(float).tiny
    for _ in range(MOST):
        gain = table.T @ rest / size
        gain[there] = -np.inf
        there.append(int(np.argmax(gain)))
        weight = nnls(table[:, there], target)[0]
        rest = target - table[:, there] @ weight
        if np.sqrt(np.mean(rest**2)) <= ENOUGH:
            break
    found[there] = weight
    return found

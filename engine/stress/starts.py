"""Starts: where the best rest of a year may lie when curves bend upwards, looked for over all of them at once.

Each channel has a list of courses, what each of them brings by span, and what it costs. At a price of money every
channel takes the course that earns most, so a price is found for each path at which the money is just spent (Lagrange).
What that makes is a start on the right hill, not a plan.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.response.curves import chosen, respond
from engine.stress.points import Points

LEVELS = (0.0, 0.35, 0.7, 1.0, 1.4, 2.0, 3.0)  # of a channel's mean money
COARSE = (0.0, 0.7, 1.4, 2.8)  # the same, where there is one decision more than few
FEW = 3  # decisions up to which all levels of each are tried
SCALES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0)  # of the mean cell
HALVINGS = 24  # of the range of prices
SPARE = 0.3  # of the mean cell: a channel with less is tried as if it had so much


@dataclass(frozen=True)
class Courses:
    """Courses of each channel over the decisions to come, and the outcome that each brings by span."""

    contacts: Float[np.ndarray, "channel course decision"]  # that are bought [units of money at the plan's prices]
    outcome: Float[np.ndarray, "channel course span"]


def courses(points: Points, at: int, usual: Float[np.ndarray, "channel decision"], unit: float) -> Courses:
    """The courses that are tried from decision `at` on, after the plan's own past.

    Args:
        points: The curves.
        at: The first decision to come.
        usual: Contacts that the plan buys [currency at the plan's prices].
        unit: Of money [currency].
    """
    channels, count = usual.shape
    patterns, scale = _patterns(count - at), np.array(SCALES)[:, None] * np.ones(count - at)
    level = np.maximum(usual.mean(axis=1), SPARE * usual.mean()) / unit
    every = np.broadcast_to(scale * usual.mean() / unit, (channels, *scale.shape))
    earned = _outcomes(points, at, usual, every * unit).sum(axis=2)
    returned = (earned - earned[:, :1]) / np.maximum(every.sum(axis=2), SCALES[1] * usual.mean() / unit)
    most = returned.argmax(axis=1)
    inner = (most > 1) & (most < len(SCALES) - 1)  # of a curve that bends upwards the mean return is highest at a level
    level = np.where(inner, np.array(SCALES)[most] * usual.mean() / unit, level)
    contacts = level[:, None, None] * patterns
    return Courses(contacts, _outcomes(points, at, usual, contacts * unit))


def _outcomes(
    points: Points,
    at: int,
    usual: Float[np.ndarray, "channel decision"],
    contacts: Float[np.ndarray, "channel course some"],
) -> Float[np.ndarray, "channel course span"]:
    """The outcome of courses by span."""
    channels, count = usual.shape
    there = points.span >= at
    gain = points.gain[:, there].reshape(channels, count, -1)
    before = np.einsum("ck,cki->i", usual[:, :at], gain[:, :at]) + points.offset[there]
    owner, span = points.channel[there], points.span[there] - at
    stock = np.empty((contacts.shape[1], len(owner)))
    for channel in range(channels):
        own = owner == channel
        stock[:, own] = contacts[channel] @ gain[channel, at:][:, own]
    value = respond(chosen(points.curve, np.flatnonzero(there)), stock + before) * points.weight[there]
    found = np.zeros((channels, contacts.shape[1], int(points.span.max()) + 1 - at))
    for channel, each in np.ndindex(channels, found.shape[2]):
        found[channel, :, each] = value[:, (owner == channel) & (span == each)].sum(axis=1)
    return found


def _patterns(count: int) -> Float[np.ndarray, "course decision"]:
    """Levels by decision; of many decisions all alike, or none in the first or the second half, or in every other.

    A year of quarters has a coarser list of all of them beside these: who plans it on the first day searches no less
    than who plans what is left of it later.
    """
    if count <= FEW:
        return np.array(list(itertools.product(LEVELS, repeat=count)))
    first = np.arange(count) < count / 2
    other = np.arange(count) % 2 == 0
    kinds = (np.ones(count), first, ~first, other, ~other)
    found = np.array([level * kind for level in LEVELS for kind in kinds])
    if count > FEW + 1:
        return found
    return np.concatenate([found, np.array(list(itertools.product(COARSE, repeat=count)))])


def started(
    tried: Courses,
    allowed: Bool[np.ndarray, "channel course"],
    worth: Float[np.ndarray, "path channel span"],
    had: Float[np.ndarray, "path channel decision"],
    left: Float[np.ndarray, " path"],
) -> Float[np.ndarray, "path channel decision"]:
    """The courses that earn most at the price at which the money that is left is just spent [units of money].

    Args:
        tried: The courses.
        allowed: Those that a channel's own rules allow.
        worth: Of a unit of outcome, by what is known [objective].
        had: Contacts that a unit of money buys.
        left: Money for the decisions to come [units of money].
    """
    value = np.matmul(worth.swapaxes(0, 1), tried.outcome.swapaxes(1, 2)).swapaxes(0, 1)
    value = np.where(allowed, value, -np.inf)
    money = np.matmul((1 / had).swapaxes(0, 1), tried.contacts.swapaxes(1, 2)).swapaxes(0, 1)
    low = np.zeros(len(left))
    high = np.full(
        len(left), 2 * np.max(np.where(money > 0, np.where(allowed, value, 0) / np.maximum(money, 1e-12), 0))
    )
    for _ in range(HALVINGS):
        price = (low + high) / 2
        best = np.argmax(value - price[:, None, None] * money, axis=2)
        spent = np.take_along_axis(money, best[:, :, None], axis=2)[..., 0].sum(axis=1)
        low, high = np.where(spent > left, price, low), np.where(spent > left, high, price)
    best = np.argmax(value - high[:, None, None] * money, axis=2)
    contacts = tried.contacts[np.arange(len(tried.contacts)), best]
    found: Float[np.ndarray, "path channel decision"] = contacts / had
    return found

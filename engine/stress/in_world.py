"""Paths in a simulated world: what a plan's money earns under shocks where people, rivals and a sales team answer.

The same shocks that move levels of curves are here causes in the world itself: a price is paid for each contact, an
effect is a contact's, demand and season are the market's, rivals spend, and a sales team has fewer people. What a plan
brings is its revenue less that of the same weeks without its money, under the same shocks and the same luck.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.config.market import Market
from engine.config.shocks import Shock
from engine.errors import InputError
from engine.periods import starts, step
from engine.simulate.history import historical_spend
from engine.simulate.journey import play
from engine.simulate.records import Calendar, State, World
from engine.simulate.shocked import Earned, Weather, earned
from engine.simulate.world import build_calendar, build_world
from engine.stress.levels import Level, levels
from engine.stress.luck import Met
from engine.stress.play import Paths
from engine.stress.setting import Setting

TAIL = 26  # weeks after a plan that has none of its own, in which its money still works
YEAR = 52  # weeks of history whose mean is spent after the plan
OF_CONTACTS = ("effectiveness", "curves")


@dataclass(frozen=True)
class Ground:
    """A world where its history ends and a plan begins."""

    world: World
    state: State
    going: Float[np.ndarray, " channel"]  # spent in the weeks after a plan, whatever it was [currency/week]
    calendars: tuple[Calendar, ...] = ()  # the luck of the market, path by path in turn; the world's own if none


@dataclass(frozen=True)
class Lived:
    """What paths earned in a world."""

    revenue: Float[np.ndarray, "path row"]  # [currency/week]
    without: Float[np.ndarray, "path row"]  # the same with nothing spent in the weeks of the plan [currency/week]
    spent: Float[np.ndarray, "path period channel"]  # of the plan's money, what really was [currency/week]

    @property
    def outcome(self) -> Float[np.ndarray, "path row"]:
        """What the plan's money brought [currency/week]."""
        return self.revenue - self.without


def ground(market: Market, weeks: int, seed: int = 0, lucks: int = 1) -> Ground:
    """The world of a market after some weeks of history, as `peso simulate` plays it.

    Args:
        market: Whose truth is known.
        weeks: Of history.
        seed: Of its luck.
        lucks: Futures of the market (control, rivals' flights, news) among which paths take turns; 1: its own alone.
    """
    world = build_world(market, seed)
    spend = np.round(historical_spend(market, world, weeks, seed), 2)
    others = tuple(build_calendar(market, seed + ahead) for ahead in range(1, lucks))
    return Ground(world, play(world, spend).end, spend[-YEAR:].mean(axis=0), (world.calendar, *others))


def lived(
    setting: Setting, place: Ground, found: list[Met], paths: Paths, money: Float[np.ndarray, "_path period channel"]
) -> Lived:
    """What money earns in a world under shocks, and what is earned there without it.

    Shocks that the plan reckons with are met, too, whether they are among those found or not. A path's figures do not
    depend on the paths beside it. In the tail every channel spends its history's mean, with the plan and without.

    Args:
        setting: The plan and its periods.
        place: Where it is played.
        found: What luck makes of each shock on these paths.
        paths: Which paths; of their draws nothing is read, for the world has none.
        money: What is spent; a single path where it is the same on all [currency/week].

    Raises:
        InputError: The plan does not fit the world: its weeks, its start, its channels, or the world's calendar.
    """
    require_fit(setting, place)
    weather = weather_of(setting, place, found, paths)
    own = _played(setting, place, weather, money)
    bare = _played(setting, place, replace(weather, contacts=np.ones_like(weather.contacts[:1])), 0 * money[:1])
    spent = np.asarray(own.spent)[:, : setting.periods, _places(setting, place.world)]
    return Lived(np.asarray(own.revenue), np.asarray(bare.revenue), spent)


def require_fit(setting: Setting, place: Ground) -> None:
    """Refuse a plan that cannot be played where a history ends.

    Raises:
        InputError: Its periods, start or channels are not the world's.
    """
    world, curves = place.world, setting.curves
    if curves.period != "week":
        raise InputError(f"the plan is by {curves.period}, but a simulated world turns by the week; fit weekly data")
    if curves.outcome != "revenue":
        raise InputError(
            f"the plan counts {curves.outcome}, but a world tells its revenue; fit revenue, or leave the world out"
        )
    if curves.currency != world.currency:
        raise InputError(
            f"the plan is in {curves.currency}, the market {world.name} in {world.currency}; play it in its own market"
        )
    if odd := [name for name in setting.names if name not in world.channels]:
        raise InputError(
            f"the market {world.name} has no channel {odd[0]!r} (it has {', '.join(world.channels)}); "
            "play the plan in the market that it was made for"
        )
    ends = step(world.start_date, int(place.state.week), "week")
    if setting.days[0] != ends:
        raise InputError(
            f"the plan starts on {setting.days[0]}, the history of {world.name} ends on {ends}; "
            "give the history as many weeks as lie before the plan"
        )


def unfelt(world: World, shocks: tuple[Shock, ...]) -> tuple[str, ...]:
    """Names of the shocks that change nothing in a world, because it has no rivals or no sales team."""
    absent = {"competitor": world.rivals is None, "capacity": world.sales is None}
    return tuple(shock.name for shock in shocks if absent.get(shock.kind, False))


def weather_of(setting: Setting, place: Ground, found: list[Met], paths: Paths) -> Weather:
    """What shocks make of each week of a world; a season that is named for channels moves what they bring alone."""
    every, longer = _with_expected(setting, found), _longer(setting)

    def of(*kinds: str) -> list[Met]:
        return [one for one in every if one.shock.kind in kinds]

    prices = levels(longer, of("price")).had
    seasons = of("season")
    effects = levels(longer, [*of(*OF_CONTACTS), *(one for one in seasons if one.shock.channels)]).effect
    market = levels(longer, [*of("demand"), *(one for one in seasons if not one.shock.channels)])
    rivals = levels(longer, [_of_money(one) for one in of("competitor")])
    return Weather(
        contacts=_by_channel(setting, place.world, prices),
        effect=_by_channel(setting, place.world, effects),
        demand=market.effect[0],
        rivals=rivals.effect[0],
        slots=levels(longer, of("capacity")).people,
        luck=paths.number % max(1, len(place.calendars)),
    )


def _played(
    setting: Setting, place: Ground, weather: Weather, money: Float[np.ndarray, "_path period channel"]
) -> Earned:
    """The weeks of the plan and those after it."""
    plans = np.zeros((len(money), weather.demand.shape[1], len(place.world.channels)))
    plans[:, : setting.periods, _places(setting, place.world)] = money
    plans[:, setting.periods :] = place.going
    return earned(place.world, place.state, plans, weather, place.calendars)


def _places(setting: Setting, world: World) -> list[int]:
    """Where a world has the channels of a plan."""
    return [world.channels.index(name) for name in setting.names]


def _with_expected(setting: Setting, found: list[Met]) -> list[Met]:
    """What was found, and beside it what the plan reckons with: it comes as it was expected."""
    there = [one.shock for one in found]
    surely = np.ones(1, bool), np.ones(1), np.zeros(1, int)
    more = [shock for shock in setting.scenario.shocks if shock.expected and shock not in there]
    return [*found, *(Met(shock, surely[0], shock.size * surely[1], surely[2]) for shock in more)]


def _longer(setting: Setting) -> Setting:
    """The setting with a tail, where it is a year like any other and has none."""
    if setting.planned.horizon.from_history:
        return setting
    return replace(setting, days=starts(setting.days[0], setting.periods + TAIL, setting.curves.period))


def _of_money(one: Met) -> Met:
    """A rival's shock as what it is in the world: so many times the money, against every channel."""
    return replace(one, shock=one.shock.model_copy(update={"elasticity": 1.0, "channels": ()}))


def _by_channel(setting: Setting, world: World, told: tuple[Level, ...]) -> Float[np.ndarray, "_path row channel"]:
    """Levels in the order of a world's channels; 1 for those that the plan does not know."""
    rows = np.stack(np.broadcast_arrays(*told), axis=2)
    found = np.ones((*rows.shape[:2], len(world.channels)))
    found[:, :, _places(setting, world)] = rows
    return found

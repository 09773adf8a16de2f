"""Section of a simulated market: how people move through its stages, and which channels they met on their way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.report.charts.funnel import exits_of, funnel_chart
from engine.report.charts.journeys import PHONE, journeys_chart
from engine.report.charts.look import SLIM
from engine.report.page.cells import EMPTY, NOTHING, amounts, share, shares, single, text
from engine.report.page.given import Given
from engine.report.page.records import Absent, Block, Cell, Figure, Section, Table, Words
from engine.report.rounding import scale_of
from engine.report.world import Route, WorldRun
from engine.words import money, number, percent, plain

NO_WORLD = "Give the folder of a simulated market: peso simulate MARKET --people 3000 --out WORLD."
MOST = 12  # routes that a table lists
UNMET = "no channel"


def journey_section(given: Given) -> Section | Absent:
    """The stages of a journey, and the channels that were met before a purchase."""
    world = given.world
    if world is None:
        return Absent("the journey of customers", NO_WORLD)
    told = (
        f"Simulated: the market {plain(world.market)}, {world.weeks} weeks, seed {world.seed}. It shows how such a "
        "market works; it is no measurement of yours."
    )
    stages = stages_table(world)
    blocks: list[Block] = [Words((told,))]
    funnel = Figure("stages", funnel_chart(world), stages, funnel_chart(world, SLIM))
    blocks.append(funnel if exits_of(world.stages) else stages)
    if world.routes:
        kinds = {channel.name: channel.kind for channel in given.fit.curves.channels} if given.fit else {}
        slim = journeys_chart(world, kinds, PHONE)
        chart = Figure("routes", journeys_chart(world, kinds), routes_table(world), slim)
        blocks += [Words((_routes_told(world),)), chart]
    else:
        blocks.append(Words(("Which channels people met was not logged: ask for --people to see it.",)))
    return Section("journey", "The journey of customers", tuple(blocks))


def stages_table(world: WorldRun) -> Table:
    """People by stage, those who moved on, and purchases."""
    stages, whole = world.stages, sum(stage.people for stage in world.stages)
    people, flow = scale_of(whole), scale_of(max(stage.entered for stage in stages))
    columns = [
        [text(stage.name) for stage in stages],
        amounts([stage.people for stage in stages], people, whole),
        shares([stage.people / whole for stage in stages]) if whole else [NOTHING for _ in stages],
        [single(stage.entered, flow) for stage in stages],
        [single(stage.left, flow) for stage in stages],
        [single(stage.purchases, flow) for stage in stages],
        [share(stage.left / world.weeks / stage.people) if stage.people else NOTHING for stage in stages],
    ]
    header = ["Stage", people.head("People, in the mean", ""), "Share", flow.head("Entered, in all", "")]
    header += [flow.head("Left, in all", ""), flow.head("Purchases, in all", ""), "Leave a week"]
    total = (Cell("Total"), single(whole, people), share(1.0) if whole else NOTHING, *[EMPTY] * 4)
    rows = tuple(zip(*columns, strict=True))
    return Table("stages", f"People by stage over {world.weeks} weeks", tuple(header), rows, total)


def _routes_told(world: WorldRun) -> str:
    """How many purchases came after which meetings."""
    bought = sum(route.conversions for route in world.routes)
    met = sum(route.conversions for route in world.routes if route.channels)
    several = sum(route.conversions for route in world.routes if len(set(route.channels)) > 1)
    value = sum(route.value for route in world.routes)
    if not bought:
        return "Nobody whose touches were logged bought anything."
    return (
        f"Of {number(float(bought))} purchases ({money(value, world.currency)}) {percent(met / bought)} came after "
        f"some channel was met, {percent(several / bought)} after several."
    )


def routes_table(world: WorldRun) -> Table:
    """The most frequent orders in which channels were met before a purchase, repeats of a channel as one."""
    bought: defaultdict[tuple[str, ...], float] = defaultdict(float)
    value: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for route in world.routes:
        bought[_short(route)] += route.conversions
        value[_short(route)] += route.value
    order = sorted(bought, key=lambda one: (-bought[one], one))
    every, worth = float(sum(bought.values())), float(sum(value.values()))
    named, rest = order[:MOST], order[MOST:]
    names = [" → ".join(map(plain, one)) or UNMET for one in named] + [f"{len(rest):,} others"] * bool(rest)
    counts, values = ([*(of[one] for one in named), *[_sum(of, rest)] * bool(rest)] for of in (bought, value))
    people = scale_of(every)._replace(places=0)  # purchases are whole
    scale = scale_of(worth)
    columns = [
        [Cell(name) for name in names],
        amounts(counts, people, every),
        shares([one / every for one in counts]) if every else [NOTHING for _ in counts],
        amounts(values, scale, worth),
    ]
    header = ("Channels met, in order", people.head("Purchases", ""), "Share", scale.head("Value", world.currency))
    total = (Cell("Total"), single(every, people), share(1.0) if every else NOTHING, single(worth, scale))
    note = "A channel that was met several times in a row counts once there."
    rows = tuple(zip(*columns, strict=True))
    return Table("routes", "Channels met before a purchase", header, rows, total, note)


def _sum(of: Mapping[tuple[str, ...], float], some: Iterable[tuple[str, ...]]) -> float:
    return float(sum(of[one] for one in some))


def _short(route: Route) -> tuple[str, ...]:
    """A route without meetings of a channel that was just met."""
    return tuple(name for at, name in enumerate(route.channels) if at == 0 or route.channels[at - 1] != name)

"""Charts of a stress test's shocks: what each alone would change, and the way from the plan to the outcome."""

from engine.report.charts.look import (
    INK,
    KIND_COLOURS,
    WIDE,
    Spec,
    amount,
    framed,
    heading,
    labels,
    listed,
    opening,
    rows,
    short,
    total_title,
    unit_of,
)
from engine.report.charts.waterfall import ACROSS, STEP, Ends, Step, unit_across, waterfall
from engine.report.stress_choice import told_case
from engine.stress.readout import Answer, Bar
from engine.words import money, number, percent, plain

BLUE, RED = KIND_COLOURS["paid"], KIND_COLOURS["owned"]
SHOWN = 20  # shocks one by one, those that change most
ENDS = ("at its low end", "at its high end")
LETTER, AWAY = 6.5, 14.0  # of a number: width of a letter, distance from its bar and from the edge [pixels]


def tornado_chart(found: Answer, across: int = ACROSS) -> Spec:
    """What each shock alone changes at both of its ends while the plan is held, the largest first; so wide [pixels]."""
    bars = sorted(found.tornado, key=lambda bar: -_reach(bar))[:SHOWN]
    names = labels(bar.name for bar in bars)
    unit = unit_of(max(_reach(bar) for bar in bars))
    told = [
        f"{short(name)} {money(bar.low, found.unit, signed=True)} .. {money(bar.high, found.unit, signed=True)}"
        for name, bar in zip(names, bars, strict=True)
    ]
    reading = (
        f"Bar: what a shock alone changes in {short(found.measure)} while the plan is held, in the mean, at its 5 % "
        "and 95 % points; a shock of one size: without it and with it."
    )
    return framed(
        heading(_widest(names[0], bars[0], found), reading, WIDE),
        f"Tornado of {len(bars)} shocks over {plain(found.span)}. {listed(told, 'shocks')}.",
        _tornado(bars, names, (unit.size, across), total_title(f"Change in {short(found.measure)}", found.unit, unit)),
    )


def _reach(bar: Bar) -> float:
    return max(abs(bar.low), abs(bar.high))


def _widest(name: str, bar: Bar, found: Answer) -> str:
    """What the shock that matters most may do."""
    worst, best = sorted((bar.low, bar.high))
    if not _reach(bar):
        return "No shock alone changes anything"
    told = f"Most depends on {short(name)}: alone it changes {short(found.measure)} by"
    return f"{told} {money(worst, found.unit, signed=True)} .. {money(best, found.unit, signed=True)}"


def _tornado(bars: list[Bar], names: list[str], scale_of: tuple[float, int], title: str) -> Spec:
    size, width = scale_of
    domain = _domain(bars, size, width)
    across: Spec = {"title": title, "scale": {"domain": domain, "nice": False}, "axis": {"tickCount": 6}}
    scale = {"domain": list(ENDS), "range": [BLUE, RED]}
    ends = [(name, end, value / size) for name, bar in zip(names, bars, strict=True) for end, value in _ends(bar)]
    ends.sort(key=lambda row: -abs(row[2]))  # of two ends on one side the shorter is drawn over the longer
    return {
        "width": width,
        "height": {"step": STEP},
        "encoding": {
            "y": {
                "field": "shock",
                "type": "nominal",
                "scale": {"domain": names},
                "title": None,
                "axis": {"labelColor": INK},
            }
        },
        "layer": [
            {
                "data": rows(**dict(zip(("shock", "end", "change"), zip(*ends, strict=True), strict=True))),
                "mark": {"type": "bar", "height": {"band": 0.66}},
                "encoding": {
                    "x": amount("change", stack=None, **across),
                    "color": {"field": "end", "type": "nominal", "scale": scale, "legend": {"orient": "bottom"}},
                },
            },
            {"data": rows(zero=[0]), "mark": {"type": "rule", "color": INK}, "encoding": _line(across)},
            *_numbers(bars, names, size, across),
        ],
    }


def _domain(bars: list[Bar], size: float, width: int) -> list[float]:
    """The ends of the axis, with room for the numbers to both sides of the bars."""
    lows, highs = ([side(0.0, bar.low, bar.high) for bar in bars] for side in (min, max))
    left, right = (LETTER * max(map(len, map(_signed, far))) + AWAY for far in (lows, highs))
    low, high = min(lows) / size, max(highs) / size
    pixel = ((high - low) or 1.0) / (width - left - right)
    return [float(f"{edge:.4g}") for edge in (low - left * pixel, high + right * pixel)]


def _line(across: Spec) -> Spec:
    return {"x": amount("zero", **across), "y": None}


def _ends(bar: Bar) -> tuple[tuple[str, float], tuple[str, float]]:
    return (ENDS[0], bar.low), (ENDS[1], bar.high)


def _numbers(bars: list[Bar], names: list[str], size: float, across: Spec) -> list[Spec]:
    """The furthest change to each side, where there is one."""
    found = []
    for side, align, away in ((min, "right", -6), (max, "left", 6)):
        far = [(name, side(0.0, bar.low, bar.high)) for name, bar in zip(names, bars, strict=True)]
        shown = [(name, change / size, _signed(change)) for name, change in far if change]
        if not shown:
            continue
        found.append(
            {
                "data": rows(**dict(zip(("shock", "at", "told"), zip(*shown, strict=True), strict=True))),
                "mark": {"type": "text", "align": align, "dx": away, "color": INK, "fontSize": 11},
                "encoding": {"x": amount("at", **across), "text": {"field": "told", "type": "nominal"}},
            }
        )
    return found


def _signed(change: float) -> str:
    return f"{'+' if change > 0 else ''}{number(change)}"


def bridge_chart(found: Answer) -> Spec:
    """From the plan to the outcome: what each shock takes in the mean, and what the policy chosen gives back."""
    first, *between, last = found.bridge
    before, after, *names = labels([opening(first.name), opening(last.name), *(bar.name for bar in between)])
    steps = [Step(name, bar.low, "less" if bar.low < 0 else "more") for name, bar in zip(names, between, strict=True)]
    ends = Ends(before, first.low, after)
    unit, lost = unit_across(ends, steps), first.low - last.low
    share = f" ({percent(abs(lost) / first.low)})" if first.low > 0 else ""
    most = min(steps, key=lambda step: step.change, default=None)
    finding = f"{money(abs(lost), found.unit)}{share} of {short(found.measure)} {'are lost' if lost > 0 else 'are won'}"
    if most and most.change < 0:
        finding += f" on the way from the plan; most to {short(most.label)}"
    some = f" Over the first {found.bridged:,} paths." if 0 < found.bridged < told_case(found).paths else ""
    told = [f"{short(step.label)} {money(step.change, found.unit, signed=True)}" for step in steps]
    return framed(
        heading(
            finding,
            f"Bar: what one shock takes or gives, after those above it, in the mean of all paths; last what the policy "
            f"chosen changes.{some}",
            WIDE,
        ),
        f"Bridge from the plan, {money(first.low, found.unit)}, to what it comes to, {money(last.low, found.unit)}, "
        f"{plain(found.span)}. {listed(told, 'steps')}.",
        waterfall(
            ends,
            steps,
            {"less": RED, "more": BLUE},
            f"{total_title(opening(short(found.measure)), found.unit, unit)}, {plain(found.span)}",
        ),
    )

"""Plans made by hand, for charts: every figure follows from the money by channel and decision."""

from datetime import date

from engine.optimize.plan import Line, Plan, Split
from engine.optimize.ranges import Range
from engine.response.curves import KINDS

START, END = date(2027, 1, 4), date(2028, 1, 2)
QUARTERS = (
    "2027-01-04 to 2027-04-04",
    "2027-04-05 to 2027-07-04",
    "2027-07-05 to 2027-10-03",
    "2027-10-04 to 2028-01-02",
)
NAMES = ("tv", "press", "club", "letter", "search")
BEFORE = (400.0, 100.0, 50.0, 150.0, 300.0)
AFTER = (250.0, 180.0, 50.0, 120.0, 400.0)
SEASON = (0.1, 0.2, 0.3, 0.4)  # share of the money by quarter
RETURN = 2.0


def ranged(mean):
    """A figure with its range."""
    return Range(mean, 0.7 * mean if mean > 0 else 1.3 * mean, mean, 1.3 * mean if mean > 0 else 0.7 * mean)


def split(money, decisions, size):
    """Money by channel, spread over the decisions by the season."""
    shares = SEASON if decisions == 4 else (1.0,)
    return Split(
        tuple(size * one for one in money),
        ranged(RETURN * size * sum(money)),
        ranged(RETURN * size * sum(money)),
        (),
        tuple(tuple(size * share * one for one in money) for share in shares),
    )


def plan_made(names=NAMES, before=BEFORE, after=AFTER, **more):
    """The plan of these channels, whose kinds take turns; `size` is what its money is counted in."""
    size, decisions = more.pop("size", 1.0), more.pop("decisions", 1)
    chosen, baseline = split(after, decisions, size), split(before, decisions, size)
    lines = tuple(
        Line(name, KINDS[at % 4], size * spend, size * was, ranged(RETURN * size * spend), 1.5, False)
        for at, (name, was, spend) in enumerate(zip(names, before, after, strict=True))
    )
    told = {
        "scenario": "Next year",
        "currency": "EUR",
        "measure": "revenue",
        "unit": "EUR",
        "start": START,
        "end": END,
        "periods": 52,
        "period": "week",
        "gain": ranged(size * 80.0),
        "chance_of_loss": 0.1,
        "prudence": 0.0,
        "tolls": 0.0,
        "net": chosen.value.mean,
        "bound": chosen.value.mean,
        "gap": 0.0,
        "route": "by hand",
        "binding": (),
        "warnings": (),
        "made_from": "sha256:by hand",
        "schedule": tuple(tuple(size * one / 52 for one in after) for _ in range(52)),
        "decisions": QUARTERS if decisions == 4 else (f"{START} to {END}",),
        "draws": 40,
    }
    return Plan(lines=lines, chosen=chosen, baseline=baseline, **{**told, **more})

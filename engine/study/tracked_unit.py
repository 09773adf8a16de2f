"""Whether a table of what happened is in the units of its plan, or in cents, thousands or another currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.data.actuals import Actuals
from engine.errors import InputError
from engine.study.spent_unit import FEW, NEAR, UNITS
from engine.study.tracked_plan import Planned
from engine.words import money, number, plain

FAR = 20.0  # times what was to be expected: no year is off by so much, a unit is
ODD = 3.0  # times: it may be so, and somebody should look
SMALL = 0.01  # of all money planned so far: what a channel may be off by without a word
CLOSE = 10**0.5  # times: how far a ratio may be from a unit and still be taken for it


@dataclass(frozen=True)
class Doubt:
    """An amount that may stand in another unit."""

    ratio: float  # to what was to be expected
    told: str  # both amounts in words
    likely: str
    remedy: str
    refused: bool


def unit_doubts(path: Path, plan: Planned, actuals: Actuals) -> tuple[str, ...]:
    """What is odd of the money and the contacts of a table, each as a sentence without its end.

    What is usual for a channel is what the plan has for it so far, or an even share of all it has if that is more, so
    that a burst which came early is no unit. No channel is refused whose money could be that of all of them.

    Raises:
        InputError: An amount is off by more than a factor of `FAR`.
    """
    usual = _usual(plan.money, len(actuals.money))
    return _judged(path, [*_spends(plan, actuals.money, usual), *_prices(plan, actuals, usual)])


def _usual(money: Float[np.ndarray, "period channel"], over: int) -> Float[np.ndarray, " channel"]:
    """What a plan has for each channel so far, or an even share of all it has for it if that is more."""
    return np.maximum(money[:over].sum(axis=0), money.sum(axis=0) * over / len(money))


def outcome_doubts(
    path: Path, plan: Planned, actuals: Actuals, came: float, planned: float, value: float
) -> tuple[str, ...]:
    """What is odd of the outcome of a table beside what its plan brings on the curves.

    Args:
        path: Of the table.
        plan: What was planned.
        actuals: What happened.
        came: Outcome so far, less its baseline [value of outcome].
        planned: The same by the plan on the curves.
        value: Of one unit of outcome.

    Raises:
        InputError: It looks like thousands or millions, or is beside a baseline of another unit.
    """
    if planned <= 0:
        return ()
    _require_no_larger_unit(plan, came, planned)
    base = 0.0 if actuals.by_channel or actuals.rests_on is None else float(actuals.rests_on.sum()) * value
    if base > 0 and not 1 / FAR <= (came + base) / base <= FAR + planned / base * FAR:
        raise InputError(
            f"{path}: outcome is {money(came + base, '')} in all and baseline {money(base, '')}, so the two seem to be "
            "in different units; write both as the fit's history does"
        )
    if not came and not base:
        raise InputError(
            f"{path}: outcome is 0 in all where {money(planned, '')} was planned; leave its columns out until it is "
            "known"
        )
    ratio = came / planned
    is_unit = any(unit / NEAR <= ratio <= unit * NEAR for unit in UNITS.values())
    told = (
        f"the outcome{' less its baseline' if base else ''} is {money(came, '')} where {money(planned, '')} was planned"
    )
    likely = "a baseline that is wrong" if base and not is_unit else "another unit than that of the fit's history"
    doubt = Doubt(ratio, told, likely, "write it as the fit's history does", is_unit or (not base and ratio > FAR))
    return _judged(path, [doubt] if ratio > ODD or ratio < -1 else [])


def _require_no_larger_unit(plan: Planned, came: float, planned: float) -> None:
    for name, unit in UNITS.items():
        if came > 0 and planned / NEAR <= came * unit <= planned * NEAR:
            raise InputError(
                f"the outcome from {plan.days[0]} on is {money(came, '')} in all where {money(planned, '')} was "
                f"planned, so it seems to be in {name}; write it as the fit's history does (each times {unit:,.0f})"
            )


def _judged(path: Path, doubts: Iterable[Doubt]) -> tuple[str, ...]:
    """The doubts as sentences; the first that no year can explain is refused."""
    found = []
    for doubt in doubts:
        told = f"{doubt.told}{_times(doubt.ratio)}"
        if doubt.refused:
            raise InputError(f"{path}: {told}: likely {doubt.likely}; {doubt.remedy}")
        found.append(f"{told}: check for {doubt.likely}")
    return tuple(found)


def _times(ratio: float) -> str:
    """A ratio in words, after a comma.

    >>> _times(1000.4), _times(0.002), _times(0.0)
    (', 1,000 times as much', ', one part in 500', '')
    """
    if ratio >= 1 or ratio < 0:
        return f", {number(ratio)} times as much"
    return f", one part in {number(1 / ratio)}" if ratio else ""


def _spends(
    plan: Planned, spent: Float[np.ndarray, "period channel"], usual: Float[np.ndarray, " channel"]
) -> list[Doubt]:
    """What was spent: in all where every channel is off, else on the channels that are."""
    told, total = spent.sum(axis=0), float(_usual(plan.money.sum(axis=1, keepdims=True), len(spent))[0])
    known = usual > 0
    large = known & (told > ODD * usual) & (told - usual > SMALL * total)
    little = known & (told > 0) & (told < FEW * usual) & (usual > SMALL * total)
    if total and told.sum() > ODD * total and (large | ~known | (told == 0)).all():
        return [_spend(plan, "all spend", (spent.sum(axis=1), plan.money.sum(axis=1)), total, total)]
    return [
        _spend(plan, f"spend of {plain(plan.names[at])}", (spent[:, at], plan.money[:, at]), float(usual[at]), total)
        for at in np.flatnonzero(large | little)
    ]


def _spend(
    plan: Planned,
    what: str,
    series: tuple[Float[np.ndarray, " period"], Float[np.ndarray, " period_of_plan"]],
    usual: float,
    total: float,
) -> Doubt:
    """Money beside what is usual; of one period where most of it stands in that."""
    spent, planned = series
    amount, wanted, over, most = float(spent.sum()), usual, len(spent), int(spent.argmax())
    alone = max(float(planned[most]), usual / over)
    if over > 2 and spent[most] > amount / 2 and spent[most] > ODD * alone:
        what += f" in the {plan.period} from {plan.days[most]}"
        amount, wanted = float(spent[most]), alone
    ratio = amount / wanted
    unit = next((each for each in (1e3, 1e6, 100.0) if _is_near(ratio, each)), 0.0)
    remedy = (
        f"write amounts in {plan.currency}{f', these divided by {unit:,.0f}' if unit else ''}, or plan anew with it"
    )
    told = f"{what} is {money(amount, plan.currency)} where {money(wanted, plan.currency)} would be usual"
    return Doubt(ratio, told, _unit_of_money(ratio, plan.currency), remedy, ratio > FAR and amount > total)


def _is_near(ratio: float, unit: float) -> bool:
    return unit / CLOSE <= ratio <= unit * CLOSE


def _unit_of_money(ratio: float, currency: str) -> str:
    """What makes money so many times what it should be.

    >>> _unit_of_money(90.0, "EUR")
    'cents, or another currency than EUR'
    """
    units = {
        1e6: f"a plan in millions of {currency}",
        1e3: f"amounts without their decimal point, or a plan in thousands of {currency}",
        1e2: f"cents, or another currency than {currency}",
        1e-3: f"thousands of {currency}, or a point between thousands",
        1e-6: f"millions of {currency}",
    }
    unsaid = f"several periods in one row, or another currency than {currency}"
    return next((said for unit, said in units.items() if _is_near(ratio, unit)), unsaid)


def _prices(plan: Planned, actuals: Actuals, usual: Float[np.ndarray, " channel"]) -> list[Doubt]:
    """What contacts cost at planned prices beside what was spent on them, or what is usual where nothing was."""
    found, total = [], float(usual.sum())
    for at, name in enumerate(plan.names):
        spent, priced = float(actuals.money[:, at].sum()), float(actuals.priced[:, at].sum())
        paid = spent or float(usual[at])
        if name not in actuals.counted or not paid or priced == spent:
            continue
        ratio = priced / paid
        if 1 / ODD <= ratio <= ODD or (not spent and ratio <= FAR):
            continue
        told = (
            f"contacts of {plain(name)} at their planned price come to {money(priced, plan.currency)} where "
            f"{money(paid, plan.currency)} {'was spent' if spent else 'would be usual'}"
        )
        far = not 1 / FAR <= ratio <= FAR and max(paid, priced) > SMALL * total
        remedy = f"correct {name}.contacts or {name}.planned_price, or leave both out"
        found.append(Doubt(ratio, told, _unit_of_price(ratio), plain(remedy), far))
    return found


def _unit_of_price(ratio: float) -> str:
    """What makes contacts at planned prices so many times the money that was spent on them.

    >>> _unit_of_price(980.0)
    'the price of a thousand contacts'
    """
    units = {
        1e6: "the price of a million contacts",
        1e3: "the price of a thousand contacts",
        1e2: "a price in cents",
        1e-2: "spend in cents",
        1e-3: "contacts in thousands",
        1e-6: "contacts in millions",
    }
    unsaid = "contacts that are not known yet" if not ratio else "other contacts than those of the price"
    return next((said for unit, said in units.items() if _is_near(ratio, unit)), unsaid)

"""What the spend of each channel allows: does it move, enough and on its own account?"""

import itertools

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.data.finding import Finding, Verdict, counted, movement, national, per_size, percent, years

FLAT, NEARLY_FLAT = 0.05, 0.15  # standard deviation over mean: around one spend level no curve shows its bend
FEWEST_ACTIVE, FEW_ACTIVE = 8, 24  # active rows: two and six for each unknown of a channel
MOST = 0.90  # share of a channel's activity that a handful of rows should not hold
SMALL, SMALL_FOR_MANY = 0.01, 0.1  # share of spend, and share of an equal split: below both, noise drowns the effect
SHORT_REACH = 1.5  # largest over mean: a plan above it leaves what was seen
FOLLOWS, FOLLOWS_CLEARLY = 0.2, 0.5  # partial correlation of spend with the outcome before it
SURE = 3.5  # standard errors: with thirty channels one false alarm in a hundred histories
FEWEST_TO_FOLLOW = 40  # periods: lags, season and trend need some twenty
PRICE_MOVES = 5.0  # 95th over 5th percentile of exposure per money
UNPAID = 0.05  # share of spend in periods without exposure
SAME_COLUMN = 0.995  # correlation of two controls or events, one of which can go without loss
MOVES_WITH_OUTCOME = 0.9  # correlation of a control that may be a consequence of the outcome


def variation(dataset: Dataset) -> list[Finding]:
    """Channels that hardly move, move rarely, or never leave the neighbourhood of their mean."""
    found = []
    scaled = per_size(dataset.driver, dataset)
    for at, name in enumerate(dataset.channels):
        found.extend(_flat(name, scaled[:, :, at]) or _rare(name, scaled[:, :, at], dataset))
    return found or [
        Finding("variation", "good", 0.0, "Every channel varies enough to show more than one spend level.")
    ]


def _flat(name: str, values: Float[np.ndarray, "period geo"]) -> list[Finding]:
    mean = values.mean(axis=0, keepdims=True)
    spread = float(np.sqrt(((values - mean) ** 2).mean()) / values.mean())
    if spread < 1e-9:
        claim = f"{name} is constant"
        return [
            Finding(
                "variation", "bad", 0.0, f"{claim}; its effect cannot be told from the baseline: vary it, or drop it."
            )
        ]
    if spread < NEARLY_FLAT:
        verdict: Verdict = "bad" if spread < FLAT else "weak"
        claim = f"{name} varies by only {percent(spread)} around its mean"
        return [Finding("variation", verdict, spread, f"{claim}; its saturation cannot be seen: vary it on purpose.")]
    totals = values.sum(axis=1)
    reach = float(totals.max() / totals.mean())
    if reach < SHORT_REACH:
        claim = f"{name} never rose above {reach:.1f} times its mean"
        return [Finding("reach", "weak", reach, f"{claim}; plans beyond that are guesses.")]
    return []


def _rare(name: str, values: Float[np.ndarray, "period geo"], dataset: Dataset) -> list[Finding]:
    active = int((values > 0).sum())
    zeros = 1 - active / values.size
    claim = f"{name} was active in {active:,} of {counted(values.size, 'row')}"
    if active < FEWEST_ACTIVE:
        advice = "too few to learn a curve from: merge it with a similar channel, or drop it"
        return [Finding("activity", "bad", zeros, f"{claim}; {advice}.")]
    if (carrying := carrying_most(values)) < FEWEST_ACTIVE:
        claim = f"{percent(MOST)} of {name} fell in {carrying} of {counted(values.size, 'row')}"
        advice = "what it does rests on one burst: expect wide bands"
        return [Finding("activity", "weak", float(carrying), f"{claim}; {advice}.")]
    if active < FEW_ACTIVE:
        advice = f"what it does rests on few {dataset.period}s: expect wide bands"
        return [Finding("activity", "weak", zeros, f"{claim}; {advice}.")]
    return []


def carrying_most(values: Float[np.ndarray, "period geo"]) -> int:
    """How many of the largest values make up most of the whole.

    >>> carrying_most(np.array([[97.0], [1.0], [1.0], [1.0]])), carrying_most(np.ones((10, 1)))
    (1, 9)
    """
    largest = np.sort(values, axis=None)[::-1]
    return int(np.searchsorted(largest.cumsum(), MOST * largest.sum() * (1 - 1e-12))) + 1


def shares(dataset: Dataset) -> list[Finding]:
    """Channels too small to be seen in the outcome."""
    totals = dataset.spend.sum(axis=(0, 1))
    limit = min(SMALL, SMALL_FOR_MANY / len(dataset.channels))
    parts = zip(dataset.channels, totals / totals.sum(), strict=True)
    small = {name: float(share) for name, share in parts if share < limit}
    if not small:
        return []
    listed = ", ".join(f"{name} ({percent(share)})" for name, share in small.items())
    advice = "effects of this size drown in the noise: merge similar channels (or is one typed in thousands?)"
    return [
        Finding("share", "weak", min(small.values()), f"Less than {percent(limit)} of spend each: {listed}; {advice}.")
    ]


def prices(dataset: Dataset) -> list[Finding]:
    """Channels whose exposure and spend do not go together."""
    found, moved = [], {}
    for at, name in enumerate(dataset.channels):
        spend, driver = dataset.spend[:, :, at], dataset.driver[:, :, at]
        if np.array_equal(spend, driver):
            continue
        unpaid = float(spend[driver == 0].sum() / spend.sum())
        if unpaid > UNPAID:
            claim = f"{percent(unpaid)} of the spend on {name} falls in rows without exposure"
            advice = "if exposure was not recorded there, let the channel run on spend"
            found.append(Finding("price", "weak", unpaid, f"{claim}; {advice}."))
        both = (spend > 0) & (driver > 0)
        if both.sum() >= FEWEST_ACTIVE:
            low, high = np.quantile(driver[both] / spend[both], [0.05, 0.95])
            moved[name] = float(high / low)
    moved = {name: fold for name, fold in moved.items() if fold > PRICE_MOVES}
    if moved:
        listed = ", ".join(f"{name} ({fold:.0f} fold)" for name, fold in moved.items())
        advice = "their curves count exposure at the price of the latest year: mind what it will cost"
        found.append(Finding("price", "weak", max(moved.values()), f"Exposure changed its price: {listed}; {advice}."))
    return found


def controls(dataset: Dataset) -> list[Finding]:
    """Controls that say nothing, or that may be a consequence of the outcome."""
    moved = movement(dataset.controls, dataset)
    outcome = movement(dataset.outcome[:, :, None], dataset)[:, 0]
    found = []
    for at, name in enumerate(dataset.control_names):
        if np.ptp(dataset.controls[:, :, at]) == 0:
            found.append(Finding("controls", "weak", 0.0, f"The control {name} never changes; drop it."))
        elif moved[:, at].std() > 0 and outcome.std() > 0:
            together = float(np.corrcoef(moved[:, at], outcome)[0, 1])
            if abs(together) >= MOVES_WITH_OUTCOME:
                claim = f"The control {name} moves with the outcome (r = {together:.2f})"
                advice = "if it follows from the outcome it hides what marketing does: drop it"
                found.append(Finding("controls", "weak", together, f"{claim}; {advice}."))
    return found + _repeated(dataset)


def _repeated(dataset: Dataset) -> list[Finding]:
    """Controls and events that say the same."""
    names = (*dataset.control_names, *dataset.event_names)
    moved = movement(np.concatenate([dataset.controls, dataset.events], axis=2), dataset)
    lively = [at for at in range(len(names)) if moved[:, at].std() > 0]
    found = []
    for one, other in itertools.combinations(lively, 2):
        together = float(np.corrcoef(moved[:, one], moved[:, other])[0, 1])
        if abs(together) >= SAME_COLUMN:
            claim = f"{names[one]} and {names[other]} say the same (r = {together:.3f})"
            found.append(Finding("controls", "weak", together, f"{claim}; drop one of them."))
    return found


def demand(dataset: Dataset) -> list[Finding]:
    """Channels whose spend follows the outcome: demand moves the budget, so effects look too large."""
    if len(dataset.starts) < FEWEST_TO_FOLLOW:
        return []
    outcome, driver = national(dataset.outcome), national(dataset.driver)
    known = national(np.concatenate([dataset.controls, dataset.events], axis=2)) / len(dataset.geos)
    following, strongest = {}, 0.0
    for at, name in enumerate(dataset.channels):
        follows, errors = spend_after_outcome(driver[:, at], outcome, known, years(dataset))
        strongest = max(strongest, follows)
        if follows >= FOLLOWS and errors >= SURE:
            following[name] = follows
    if not following:
        return [Finding("demand", "good", strongest, "No channel's spend follows the outcome of the period before.")]
    verdict: Verdict = "bad" if strongest >= FOLLOWS_CLEARLY else "weak"
    listed = ", ".join(f"{name} (partial r = {follows:.2f})" for name, follows in following.items())
    claim = f"Spend follows the outcome of the {dataset.period} before: {listed}"
    advice = "such effects look too large: add what drives demand as a control, or test them in an experiment"
    return [Finding("demand", verdict, strongest, f"{claim}; {advice}.")]


def spend_after_outcome(
    spend: Float[np.ndarray, " period"],
    outcome: Float[np.ndarray, " period"],
    known: Float[np.ndarray, "period control"],
    span: float,
) -> tuple[float, float]:
    """Partial correlation of spend with the outcome one period earlier, and its size in standard errors.

    Given: four earlier periods of the spend itself, what is known (controls, events) now and one period
    earlier, a trend and, with two years or more, four yearly waves; so neither a habit nor a shared season
    counts as following (a test of one lag after Granger 1969).
    """
    count, lags = len(spend), 4
    time = np.arange(count) / count
    columns = [np.ones(count), time]
    if span >= 2:
        columns += [wave(2 * np.pi * pair * span * time) for pair in (1, 2, 3, 4) for wave in (np.sin, np.cos)]
    given = np.stack([column[lags:] for column in columns], axis=1)
    own = np.stack([spend[lags - back : count - back] for back in range(1, lags + 1)], axis=1)
    scaled = known / np.maximum(np.abs(known).max(axis=0), 1e-300)
    given = np.concatenate([given, own / (np.abs(own).max() or 1.0), scaled[lags:], scaled[lags - 1 : -1]], axis=1)
    if given.shape[1] > count / 2:
        return 0.0, 0.0
    later, before = spend[lags:], outcome[lags - 1 : count - 1]
    rest = [part - given @ np.linalg.lstsq(given, part, rcond=None)[0] for part in (later, before)]
    sizes = [float(np.sqrt((part**2).sum())) for part in rest]
    if min(sizes[0] / (np.abs(later).max() or 1.0), sizes[1] / (np.abs(before).max() or 1.0)) < 1e-9:
        return 0.0, 0.0
    partial = float(rest[0] @ rest[1] / (sizes[0] * sizes[1]))
    freedom = max(len(later) - given.shape[1] - 1, 1)
    return partial, partial * float(np.sqrt(freedom / max(1 - partial**2, 1e-12)))

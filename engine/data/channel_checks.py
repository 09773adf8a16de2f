"""What the spend of each channel allows: does it move, and does it move alone?"""

import itertools

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.data.finding import Finding, Verdict, counted, movement, national, per_size, years

SAME_MOVEMENT = 0.95  # correlation from which two channels carry the same information: 90 % of variance shared
LIKE_MOVEMENT = 0.80  # from here the bands of both widen by two thirds
INFLATED, VERY_INFLATED = 5.0, 10.0  # variance inflation; usual limits in regression (Marquardt 1970)
LARGEST_INFLATION = 1e6  # reported for a channel that the others explain wholly
FLAT, NEARLY_FLAT = 0.05, 0.15  # standard deviation over mean: around one spend level no curve shows its bend
MOSTLY_ZERO = 0.85  # share of periods without activity
FEWEST_ACTIVE = 8  # active periods: fewer than two per unknown of a channel
SMALL = 0.01  # share of spend: its effect is of the size of the outcome's noise
SHORT_REACH = 1.5  # largest over mean: a plan above it leaves what was seen
FOLLOWS, FOLLOWS_CLEARLY = 0.2, 0.5  # partial correlation of spend with the outcome before it
SURE = 3.5  # standard errors: with thirty channels one false alarm in a hundred histories
FEWEST_TO_FOLLOW = 40  # periods: lags, season and trend need some twenty
PRICE_MOVES = 5.0  # 95th over 5th percentile of exposure per money
UNPAID = 0.05  # share of spend in periods without exposure
MOVES_WITH_OUTCOME = 0.9  # correlation of a control that may be a consequence of the outcome


def alike(dataset: Dataset) -> list[Finding]:
    """Pairs of channels that move together, and channels that the others explain."""
    moved = movement(dataset.driver, dataset)
    lively = [at for at in range(moved.shape[1]) if moved[:, at].std() > 0]
    found, paired = [], set()
    strongest = 0.0
    for one, other in itertools.combinations(lively, 2):
        together = float(np.corrcoef(moved[:, one], moved[:, other])[0, 1])
        strongest = max(strongest, abs(together))
        if abs(together) >= LIKE_MOVEMENT:
            paired |= {one, other}
            found.append(_pair(dataset, one, other, together))
    found.extend(_inflated(dataset, moved, [at for at in lively if at not in paired]))
    found.sort(key=lambda finding: (finding.verdict, -abs(finding.figure)))
    if found or len(lively) < 2:
        return found
    return [Finding("alike", "good", strongest, f"No two channels move alike (largest correlation {strongest:.2f}).")]


def _pair(dataset: Dataset, one: int, other: int, together: float) -> Finding:
    names = f"{dataset.channels[one]} and {dataset.channels[other]}"
    if abs(together) >= SAME_MOVEMENT:
        claim = f"{names} cannot be told apart (r = {together:.2f})"
        advice = "spend on one without the other for some weeks, test one in an experiment, or merge them"
        return Finding("alike", "bad", together, f"{claim}; {advice}.")
    advice = "their split stays uncertain until one of them is varied alone"
    return Finding("alike", "weak", together, f"{names} move much alike (r = {together:.2f}); {advice}.")


def _inflated(dataset: Dataset, moved: Float[np.ndarray, "cell channel"], asked: list[int]) -> list[Finding]:
    """Channels that other channels and controls explain together though no single one does."""
    others = np.concatenate([moved, movement(dataset.controls, dataset)], axis=1)
    if len(others) <= others.shape[1] + 5:
        return []
    found = []
    for at in asked:
        inflation = variance_inflation(others, at)
        if inflation >= INFLATED:
            verdict: Verdict = "bad" if inflation >= VERY_INFLATED else "weak"
            claim = f"The other channels and controls explain {dataset.channels[at]} (variance inflated {inflation:,.0f} times)"
            found.append(Finding("alike", verdict, inflation, f"{claim}; vary it alone, or drop a control that repeats it."))
    return found


def variance_inflation(columns: Float[np.ndarray, "cell layer"], at: int) -> float:
    """How many times the other columns inflate the variance of one column's effect: 1 / (1 - R2).

    >>> round(variance_inflation(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), 0), 3)
    1.0
    """
    others = np.delete(columns, at, axis=1)
    spread = others.std(axis=0)
    others = others[:, spread > 0] / spread[spread > 0]
    target = columns[:, at] - columns[:, at].mean()
    fitted = others @ np.linalg.lstsq(others, target, rcond=None)[0] if others.shape[1] else np.zeros_like(target)
    left = float(((target - fitted) ** 2).sum() / (target**2).sum())
    return float(min(1 / max(left, 1 / LARGEST_INFLATION), LARGEST_INFLATION))


def variation(dataset: Dataset) -> list[Finding]:
    """Channels that hardly move, move rarely, or never leave the neighbourhood of their mean."""
    found = []
    scaled = per_size(dataset.driver, dataset)
    for at, name in enumerate(dataset.channels):
        found.extend(_flat(name, scaled[:, :, at]) or _rare(name, scaled[:, :, at], dataset))
    return found or [Finding("variation", "good", 0.0, "Every channel varies enough to show more than one spend level.")]


def _flat(name: str, values: Float[np.ndarray, "period geo"]) -> list[Finding]:
    mean = values.mean(axis=0, keepdims=True)
    spread = float(np.sqrt(((values - mean) ** 2).mean()) / values.mean())
    if spread < 1e-9:
        claim = f"{name} is constant"
        return [Finding("variation", "bad", 0.0, f"{claim}; its effect cannot be told from the baseline: vary it, or drop it.")]
    if spread < NEARLY_FLAT:
        verdict: Verdict = "bad" if spread < FLAT else "weak"
        claim = f"{name} varies by only {spread:.0%} around its mean"
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
    if zeros > MOSTLY_ZERO:
        advice = f"what it does rests on few {dataset.period}s: expect wide bands"
        return [Finding("activity", "weak", zeros, f"{claim}; {advice}.")]
    return []


def shares(dataset: Dataset) -> list[Finding]:
    """Channels too small to be seen in the outcome."""
    totals = dataset.spend.sum(axis=(0, 1))
    found = []
    for name, share in zip(dataset.channels, totals / totals.sum(), strict=True):
        if share < SMALL:
            claim = f"{name} has {share:.2%} of all spend"
            advice = "its effect is below the noise: merge it with a similar channel (or is it typed in thousands?)"
            found.append(Finding("share", "weak", float(share), f"{claim}; {advice}."))
    return found


def prices(dataset: Dataset) -> list[Finding]:
    """Channels whose exposure and spend do not go together."""
    found = []
    for at, name in enumerate(dataset.channels):
        spend, driver = dataset.spend[:, :, at], dataset.driver[:, :, at]
        if np.array_equal(spend, driver):
            continue
        unpaid = float(spend[driver == 0].sum() / spend.sum())
        if unpaid > UNPAID:
            claim = f"{unpaid:.0%} of the spend on {name} falls in rows without exposure"
            found.append(Finding("price", "weak", unpaid, f"{claim}; check whether invoices are booked later than they run."))
        both = (spend > 0) & (driver > 0)
        if both.sum() < FEWEST_ACTIVE:
            continue
        low, high = np.quantile(driver[both] / spend[both], [0.05, 0.95])
        if high / low > PRICE_MOVES:
            claim = f"The price of an exposure of {name} changed {high / low:.0f} fold"
            advice = "its curve runs on exposure, its money on the average price: plan with today's price in mind"
            found.append(Finding("price", "weak", float(high / low), f"{claim}; {advice}."))
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
    return found


def demand(dataset: Dataset) -> list[Finding]:
    """Channels whose spend follows the outcome: demand moves the budget, so effects look too large."""
    if len(dataset.starts) < FEWEST_TO_FOLLOW:
        return []
    outcome, driver = national(dataset.outcome), national(dataset.driver)
    found, strongest = [], 0.0
    for at, name in enumerate(dataset.channels):
        follows, errors = spend_after_outcome(driver[:, at], outcome, years(dataset))
        if follows >= FOLLOWS and errors >= SURE:
            verdict: Verdict = "bad" if follows >= FOLLOWS_CLEARLY else "weak"
            claim = f"The spend on {name} follows the outcome of the {dataset.period} before (partial r = {follows:.2f})"
            advice = "its effect will look too large: add what drives demand as a control, or test it in an experiment"
            found.append(Finding("demand", verdict, follows, f"{claim}; {advice}."))
        strongest = max(strongest, follows)
    if found:
        return found
    return [Finding("demand", "good", strongest, "No channel's spend follows the outcome of the period before.")]


def spend_after_outcome(
    spend: Float[np.ndarray, " period"], outcome: Float[np.ndarray, " period"], span: float
) -> tuple[float, float]:
    """Partial correlation of spend with the outcome one period earlier, and its size in standard errors.

    Given: four earlier periods of the spend itself, a trend and, with two years or more, two yearly waves;
    so neither a steady habit nor a shared season counts as following (a Granger test of one lag).
    """
    count, lags = len(spend), 4
    time = np.arange(count) / count
    columns = [np.ones(count), time]
    if span >= 2:
        columns += [wave(2 * np.pi * pair * span * time) for pair in (1, 2) for wave in (np.sin, np.cos)]
    given = np.stack([column[lags:] for column in columns], axis=1)
    own = np.stack([spend[lags - back : count - back] for back in range(1, lags + 1)], axis=1)
    given = np.concatenate([given, own / (np.abs(own).max() or 1.0)], axis=1)
    later, before = spend[lags:], outcome[lags - 1 : count - 1]
    rest = [part - given @ np.linalg.lstsq(given, part, rcond=None)[0] for part in (later, before)]
    sizes = [float(np.sqrt((part**2).sum())) for part in rest]
    if min(sizes[0] / (np.abs(later).max() or 1.0), sizes[1] / (np.abs(before).max() or 1.0)) < 1e-9:
        return 0.0, 0.0
    partial = float(rest[0] @ rest[1] / (sizes[0] * sizes[1]))
    freedom = max(len(later) - given.shape[1] - 1, 1)
    return partial, partial * float(np.sqrt(freedom / max(1 - partial**2, 1e-12)))

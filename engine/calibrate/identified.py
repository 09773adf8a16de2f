"""What the data tell and what they leave to the prior: channel by channel, and among them."""

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.conflict import Agreement
from engine.calibrate.density import place_parameters
from engine.calibrate.fit import Check, graded
from engine.calibrate.posterior import Posterior
from engine.calibrate.prior_draws import doubts, readable, spreads
from engine.calibrate.problem import Problem
from engine.data.dataset import Dataset
from engine.response.curves import Curves
from engine.words import percent

SHARE_LEARNED, SHAPE_LEARNED = 0.75, 0.3  # of the prior variance; contributions whose spread has halved are known
KNOWN_MONEY = TESTED_MONEY = 0.5
CORRELATED_SPEND, OWN_MOVEMENT = 0.8, 0.2
SEEN_ABOVE_MEAN = 1.3
RUNNING = 0.4  # of the periods
AGREES, CONTRADICTS = 2.0, 3.0  # standard deviations
WORDS = {
    "share": "contribution",
    "halfway": "saturation",
    "retain": "carry-over",
    "onset": "build-up",
    "slope": "shape at low spend",
    "tail": "shape at high spend",
}


def identified(dataset: Dataset, problem: Problem, posterior: Posterior, curves: Curves) -> list[Check]:
    """What is known of each channel and of how they can be told apart."""
    before = spreads(problem.evidence)
    noise = float(np.median(place_parameters(posterior.places, problem.evidence).noise))
    learned = 1 - readable(posterior.places, problem.evidence).var(axis=0) / before**2
    return [
        *_channels(dataset, problem, learned, before),
        _known_money(dataset, learned),
        _tested_money(dataset, problem),
        _collinear(dataset, problem, noise),
        _reach(curves),
        *_steady(curves, dataset),
    ]


def _steady(curves: Curves, dataset: Dataset) -> list[Check]:
    """Channels that ran in bursts were never seen at the even pace of a plan."""
    bursts = {
        channel.name: float((dataset.spend[:, :, index].sum(axis=1) > 0).mean())
        for index, channel in enumerate(curves.channels)
    }
    least = min(bursts, key=lambda name: bursts[name])
    fine = bursts[least] >= RUNNING
    said = f"{least} ran in {percent(bursts[least])} of the periods; "
    said += "nothing to do" if fine else "what it does at an even pace was never seen: raise it step by step"
    return [Check("steady", "good" if fine else "weak", bursts[least], said, bursts)]


def experiments(found: tuple[Agreement, ...]) -> list[Check]:
    """Each experiment beside what the rest of the evidence expects of it."""
    checks = []
    for one in found:
        distance = abs(one.distance)
        verdict = graded(-distance, -AGREES, -CONTRADICTS)
        said = f"it found {one.found:.1f} standard errors where history and other tests expect {one.expected:.1f} "
        said += f"(+- {one.spread:.1f}): {distance:.1f} standard deviations apart; "
        said += {
            "good": "nothing to do",
            "weak": "look for what else changed during the test",
            "bad": "one of them is wrong: check the test's dates, money and counts; if its groups were drawn by lot it "
            "is the better witness, and history hides a demand that spend follows (say so with follows_demand)",
        }[verdict]
        details = {"found": one.found, "expected": one.expected, "spread": one.spread, "effective": one.effective}
        checks.append(Check(f"experiment {one.name}", verdict, distance, said, details))
    return checks


def _channels(
    dataset: Dataset,
    problem: Problem,
    learned: Float[np.ndarray, " coordinate"],
    before: Float[np.ndarray, " coordinate"],
) -> list[Check]:
    """What the data tell of each channel, and what remains the prior's.

    Args:
        dataset: The history.
        problem: Whose structure names the coordinates.
        learned: Contraction: the share of a coordinate's prior variance that the data took away.
        before: Standard deviation of each coordinate before the data, ties between channels included.
    """
    count, names = len(dataset.channels), problem.structure.coordinates
    checks = []
    for index, name in enumerate(dataset.channels):
        details = {part: float(learned[i * count + index]) for i, part in enumerate(names)}
        fine = details["share"] >= SHARE_LEARNED and details["halfway"] >= SHAPE_LEARNED
        priors = [
            WORDS.get(part, part)
            for part in names
            if details[part] < (SHARE_LEARNED if part == "share" else SHAPE_LEARNED)
        ]
        if priors:
            listed = " and ".join([", ".join(priors[:-1]), priors[-1]] if priors[1:] else priors)
            verb = "is" if len(priors) == 1 else "are"
            said = f"{listed} of {name} {verb} the prior's more than the data's"
            said += "; an experiment or bolder changes of spend would tell"
        else:
            said = f"contribution, carry-over, saturation and shape of {name} come from the data; nothing to do"
        told = details | {f"prior spread of {part}": float(before[i * count + index]) for i, part in enumerate(names)}
        checks.append(Check(f"channel {name}", "good" if fine else "weak", details["share"], said, told))
    return checks


def _known_money(dataset: Dataset, learned: Float[np.ndarray, " coordinate"]) -> Check:
    """How much of the spend went to channels whose contribution the data tell."""
    spend = dataset.spend.sum(axis=(0, 1))
    told = learned[: len(spend)] >= SHARE_LEARNED
    share = float(spend[told].sum() / spend.sum())
    fine = share >= KNOWN_MONEY
    said = f"{percent(share)} of the money went to channels whose contribution the data tell; "
    said += "nothing to do" if fine else "the rest of the plan is the prior's: keep steps small, and test"
    return Check("known money", "good" if fine else "weak", share, said)


def _tested_money(dataset: Dataset, problem: Problem) -> Check:
    """How much of the spend went to channels that an experiment tested.

    History alone never rules out a cause that moves with spend, period by period, and that no column shows. An
    experiment counts if its standard error leaves of what was believed of its outcome no more than what counts as
    known of a contribution.
    """
    before = doubts(problem.evidence) ** 2
    tells = before / (before + 1) >= SHARE_LEARNED
    spend = dataset.spend.sum(axis=(0, 1))
    tested = np.zeros(len(spend), bool)
    for test, is_sharp in zip(dataset.lift_tests, tells, strict=True):
        tested[list(test.columns)] |= is_sharp
    share = float(np.where(tested, spend, 0.0).sum() / spend.sum())
    fine = share >= TESTED_MONEY
    said = f"{percent(share)} of the money went to channels that an experiment tested"
    blunt = [test.name for test, is_sharp in zip(dataset.lift_tests, tells, strict=True) if not is_sharp]
    if len(blunt) == 1:
        said += f", {blunt[0]} not counted: its standard error is too large"
    elif blunt:
        said += f", {blunt[0]} and {len(blunt) - 1} more not counted: their standard errors are too large"
    said += (
        "; nothing to do"
        if fine
        else "; a cause that comes and goes with spend and stands in no column would not be seen: "
        f"test {dataset.channels[int(np.argmax(np.where(tested, 0.0, spend)))]} first"
    )
    return Check("tested money", "good" if fine else "weak", share, said)


def _collinear(dataset: Dataset, problem: Problem, noise: float) -> Check:
    """Channels that move together, or with the baseline, cannot be told apart."""
    dose = problem.panel.dose.reshape(-1, len(dataset.channels))
    own = {name: _own_movement(dose, index, problem, noise) for index, name in enumerate(dataset.channels)}
    least = min(own, key=lambda name: own[name])
    pair, together = _closest(dose, dataset.channels)
    details = {f"own movement of {name}": share for name, share in own.items()}
    if together >= CORRELATED_SPEND:
        said = f"{pair[0]} and {pair[1]} rise and fall together (correlation {together:.2f}): only their sum is known; "
        return Check("collinear", "weak", together, said + "vary one without the other, or merge them", details)
    at = dataset.channels.index(least)
    if np.ptp(dose[:, at]) <= 1e-6 * dose[:, at].max():
        said = f"{least} stays the same in every period and geo, so nothing shows what it does; vary it on purpose"
        return Check("collinear", "weak", own[least], said, details)
    if own[least] < OWN_MOVEMENT:
        said = (
            f"only {percent(own[least])} of {least}'s movement is its own, the rest follows trend, season, controls or "
        )
        said += "others; "
        return Check("collinear", "weak", own[least], said + "vary it on purpose", details)
    return Check("collinear", "good", own[least], "every channel moves on its own; nothing to do", details)


def _own_movement(dose: Float[np.ndarray, "row channel"], index: int, problem: Problem, noise: float) -> float:
    """Share of a channel's variance that is left to tell its effect by, other channels and the baseline unknown.

    What is known of a coefficient, as a share of what would be known were all else given: other channels free, the
    baseline's columns each within its prior. Counted as free, they would explain any spend of a short history.
    """
    target = dose[:, index] - dose[:, index].mean()
    total = target @ target
    if not total > 1e-12 * len(target):
        return 0.0
    told = problem.baseline.component != COMPONENTS.index("demand")  # those columns are the spend itself
    believed = problem.baseline.columns[:, told] * problem.baseline.spread[told] / noise
    others = np.delete(dose, index, axis=1)
    count = believed.shape[1]
    columns = np.block([[believed, others], [np.eye(count), np.zeros((count, others.shape[1]))]])
    rows = np.concatenate([dose[:, index], np.zeros(count)])
    left = rows - columns @ np.linalg.lstsq(columns, rows, rcond=None)[0]
    return float((left**2).sum() / total)


def _closest(dose: Float[np.ndarray, "row channel"], names: tuple[str, ...]) -> tuple[tuple[str, str], float]:
    centred = dose - dose.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(size > 0, size, 1.0)
    matrix = np.triu(np.abs(unit.T @ unit), k=1)
    one, other = np.unravel_index(int(matrix.argmax()), matrix.shape)
    return (names[one], names[other]), float(matrix[one, other])


def _reach(curves: Curves) -> Check:
    seen = {channel.name: channel.history.max / channel.history.mean for channel in curves.channels}
    least = min(seen, key=lambda name: seen[name])
    fine = seen[least] >= SEEN_ABOVE_MEAN
    said = "no channel is known above its largest period so far; "
    said += f"{least} ends first, at {seen[least]:.1f} times its mean; "
    said += "plan inside what was seen" if fine else "a plan that raises it is a guess: test before"
    return Check("reach", "good" if fine else "weak", seen[least], said, seen)

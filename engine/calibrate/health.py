"""May this fit be trusted? Every check: a verdict, the figure behind it, and what to do.

| check | good | weak | bad |
|---|---|---|---|
| convergence, fast | a quarter of the starts agree, Pareto shape < 0.7, 400 effective | otherwise | - |
| convergence, nuts | R-hat < 1.01, bulk size >= 400, no divergence | R-hat < 1.05 and bulk size >= 100 | otherwise |
| fit | R2 >= 0.7 | R2 >= 0.3 | below |
| holdout | error at most the naive forecast's, 70 % in the 90 % band | up to twice it, or too short | above |
| residuals | autocorrelation within 0.3 | above | - |
| baseline | 5 % draw above a tenth of the outcome, never negative | otherwise | median below 0 |
| channel | share and halfway learned (contraction >= 0.5, 0.3) | otherwise | - |
| known money | half of the spend on channels whose contribution is learned | otherwise | - |
| collinear | correlations below 0.8 and a fifth of each channel moves on its own | otherwise | - |
| reach | every channel seen at 1.3 times its mean | otherwise | - |
| geos | national curve within 2 % of the sum over geos | up to 10 % | above |

Trust is bad only for a real failure: chains that did not converge, or a bad holdout together with a bad
fit. It is weak where convergence, fit, holdout, baseline or geos is not good, or where the channels whose
contribution the data tell (contraction >= 0.5) hold less than half of the money.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.fit import Check, Health, Verdict
from engine.calibrate.holdout import Holdout
from engine.calibrate.nuts import Chains
from engine.calibrate.posterior import Posterior
from engine.calibrate.priors import COORDINATES
from engine.calibrate.problem import Problem
from engine.data.dataset import Dataset
from engine.response.curves import Curves

R_HAT, BULK = 1.01, 400.0
LEAST_R_HAT, LEAST_BULK = 1.05, 100.0
PARETO, SAME_HEIGHT, AGREEING = 0.7, 0.5, 0.25
GOOD_R2, LEAST_R2 = 0.7, 0.3
GOOD_FORECAST, LEAST_FORECAST = 1.0, 2.0  # error over the naive forecast's
LEAST_COVERAGE = 0.7  # of the 90 % band, by what three forecasts can tell
CORRELATED_RESIDUALS = 0.3
LEAST_BASELINE = 0.1
SHARE_LEARNED, SHAPE_LEARNED = 0.5, 0.3
KNOWN_MONEY = 0.5
CORRELATED_SPEND, OWN_MOVEMENT = 0.8, 0.2
SEEN_ABOVE_MEAN = 1.3
GOOD_PROJECTION, LEAST_PROJECTION = 0.02, 0.10


@dataclass(frozen=True)
class Findings:
    """What the checks look at beside the data and the problem."""

    posterior: Posterior
    fitted: Float[np.ndarray, " period"]  # posterior mean over all geos [outcome/period]
    baseline_share: Float[np.ndarray, " draw"]  # of the outcome of all history
    lowest_baseline: float  # smallest posterior mean of a period [outcome/period]
    holdout: Holdout | None
    curves: Curves
    projection: float


def examine(dataset: Dataset, problem: Problem, findings: Findings) -> Health:
    """All checks of a fit and what they come to."""
    actual = dataset.outcome.sum(axis=1)
    checks = [
        _convergence(findings.posterior),
        *_fit(actual, findings.fitted),
        _holdout(findings.holdout),
        _baseline(findings),
        *_channels(dataset, findings.posterior),
        _known_money(dataset, findings.posterior),
        _collinear(dataset, problem),
        _reach(findings.curves),
    ]
    if len(dataset.geos) > 1:
        checks.append(_geos(problem, findings.projection))
    return Health(trust=trust(checks), checks=tuple(checks))


def trust(checks: list[Check]) -> Verdict:
    """What the checks come to; the rule stands in this module's first lines."""
    verdicts = {check.name: check.verdict for check in checks}
    if verdicts["convergence"] == "bad" or (verdicts["holdout"] == "bad" and verdicts["fit"] == "bad"):
        return "bad"
    needed = ("convergence", "fit", "holdout", "baseline", "known money", "geos")
    return "good" if all(verdicts.get(name, "good") == "good" for name in needed) else "weak"


def graded(figure: float, good: float, least: float) -> Verdict:
    """The verdict on a figure of which more is better.

    >>> graded(0.9, 0.7, 0.3), graded(0.5, 0.7, 0.3), graded(0.1, 0.7, 0.3)
    ('good', 'weak', 'bad')
    """
    return "good" if figure >= good else "weak" if figure >= least else "bad"


def _convergence(posterior: Posterior) -> Check:
    return _starts(posterior) if posterior.chains is None else _agreement(posterior.chains)


def _starts(posterior: Posterior) -> Check:
    heights = posterior.search.heights
    agreeing = float((heights > heights.max() - SAME_HEIGHT).mean())
    fine = agreeing >= AGREEING and posterior.pareto < PARETO and posterior.effective >= BULK
    said = (
        f"{agreeing:.0%} of {len(heights)} starts reached the best mode; the importance weights leave "
        f"{posterior.effective:.0f} effective proposals with a Pareto shape of {posterior.pareto:.2f}"
    )
    if posterior.is_laplace:
        said += ", too few: the bands are Laplace's alone"
    remedy = "; nothing to do" if fine else "; calibrate with --speed nuts before a large decision"
    details = {
        "agreeing": agreeing,
        "effective": posterior.effective,
        "pareto": posterior.pareto,
        "modes": float(len(posterior.search.modes)),
    }
    return Check("convergence", "good" if fine else "weak", posterior.effective, said + remedy, details)


def _agreement(chains: Chains) -> Check:
    verdict: Verdict = "bad"
    if chains.r_hat < R_HAT and chains.bulk >= BULK and chains.divergences == 0:
        verdict = "good"
    elif chains.r_hat < LEAST_R_HAT and chains.bulk >= LEAST_BULK:
        verdict = "weak"
    remedy = {
        "good": "nothing to do",
        "weak": "fine for a first look; try another --seed before a large decision",
        "bad": "the chains disagree: remove channels that move together, or add history",
    }[verdict]
    said = (
        f"rank-normalised R-hat {chains.r_hat:.3f}, bulk effective size {chains.bulk:.0f}, "
        f"{chains.divergences} divergences; {remedy}"
    )
    details = {"r_hat": chains.r_hat, "bulk": chains.bulk, "divergences": float(chains.divergences)}
    return Check("convergence", verdict, chains.r_hat, said, details)


def _fit(actual: Float[np.ndarray, " period"], fitted: Float[np.ndarray, " period"]) -> list[Check]:
    residual = actual - fitted
    varied = ((actual - actual.mean()) ** 2).sum()
    r2 = float(1 - (residual**2).sum() / varied) if varied > 0 else 0.0
    counted = actual != 0
    error = float(np.abs(residual[counted] / actual[counted]).mean())
    verdict = graded(r2, GOOD_R2, LEAST_R2)
    remedy = {
        "good": "nothing to do",
        "weak": "look for controls or events that explain the rest",
        "bad": "most of the outcome moves for reasons outside this model: add controls and events first",
    }[verdict]
    said = f"the model explains {r2:.0%} of the outcome's variation, off by {error:.1%} in a typical period; {remedy}"
    fit = Check("fit", verdict, r2, said, {"r2": r2, "mape": error})
    centred = residual - residual.mean()
    spread = (centred**2).sum()
    follows = float((centred[1:] * centred[:-1]).sum() / spread) if spread > 0 else 0.0
    calm = abs(follows) <= CORRELATED_RESIDUALS
    told = f"what is left over has an autocorrelation of {follows:+.2f} from one period to the next; "
    told += "nothing to do" if calm else "bands are too narrow: look for a missing control, event or season"
    return [fit, Check("residuals", "good" if calm else "weak", follows, told)]


def _holdout(holdout: Holdout | None) -> Check:
    if holdout is None:
        said = "history is too short to hold out three forecasts; treat every band as too narrow, or add history"
        return Check("holdout", "weak", None, said)
    ratio = holdout.error / holdout.naive_error if holdout.naive_error > 0 else np.inf
    verdict = graded(-ratio, -GOOD_FORECAST, -LEAST_FORECAST)
    remedy = {
        "good": "nothing to do",
        "weak": "the forecast adds nothing to last year's: look for missing controls, events or a simpler trend",
        "bad": "do not forecast with this fit: try a simpler [baseline], fewer controls, or more history",
    }[verdict]
    if verdict == "good" and holdout.coverage < LEAST_COVERAGE:
        verdict, remedy = "weak", "every band is too narrow: look for a missing control, event or season"
    said = (
        f"{holdout.folds} forecasts of {holdout.horizon} periods each are off by {holdout.error:.1%}, the naive "
        f"seasonal forecast by {holdout.naive_error:.1%}; {holdout.coverage:.0%} of actuals lie in the 90 % band; "
    )
    details = {
        "mape": holdout.error,
        "naive_mape": holdout.naive_error,
        "crps": holdout.crps,
        "naive_crps": holdout.naive_crps,
        "coverage": holdout.coverage,
        "horizon": float(holdout.horizon),
    }
    return Check("holdout", verdict, holdout.error, said + remedy, details)


def _baseline(findings: Findings) -> Check:
    low, middle, high = np.percentile(findings.baseline_share, [5.0, 50.0, 95.0])
    plausible = low >= LEAST_BASELINE and findings.lowest_baseline >= 0
    verdict: Verdict = "good" if plausible else "weak" if middle > 0 else "bad"
    said = f"{middle:.0%} of the outcome ({low:.0%} to {high:.0%}) would have come without these channels; "
    if findings.lowest_baseline < 0:
        said += "in some period even less than nothing: "
    said += (
        "nothing to do" if plausible else "hardly plausible: look for demand that drives spend, and add it as a control"
    )
    return Check("baseline", verdict, float(middle), said, {"low": float(low), "high": float(high)})


def _channels(dataset: Dataset, posterior: Posterior) -> list[Check]:
    """What the data tell of each channel, and what remains the prior's."""
    learned, count = _learned(posterior), len(dataset.channels)
    checks = []
    for index, name in enumerate(dataset.channels):
        details = {part: float(learned[i * count + index]) for i, part in enumerate(COORDINATES)}
        fine = details["share"] >= SHARE_LEARNED and details["halfway"] >= SHAPE_LEARNED
        words = {"share": "contribution", "retain": "carry-over", "halfway": "saturation", "slope": "shape"}
        priors = [
            words[part] for part in COORDINATES if details[part] < (SHARE_LEARNED if part == "share" else SHAPE_LEARNED)
        ]
        if priors:
            verb = "is" if len(priors) == 1 else "are"
            said = f"{' and '.join(priors)} of {name} {verb} the prior's more than the data's"
            said += "; an experiment or bolder changes of spend would tell"
        else:
            said = f"contribution, carry-over, saturation and shape of {name} come from the data; nothing to do"
        checks.append(Check(f"channel {name}", "good" if fine else "weak", details["share"], said, details))
    return checks


def _learned(posterior: Posterior) -> Float[np.ndarray, " coordinate"]:
    """Contraction: the share of a coordinate's prior variance, which is one, that the data took away."""
    learned: np.ndarray = 1 - posterior.places.var(axis=0)
    return learned


def _known_money(dataset: Dataset, posterior: Posterior) -> Check:
    """How much of the spend went to channels whose contribution the data tell."""
    spend = dataset.driver.sum(axis=(0, 1))
    told = _learned(posterior)[: len(spend)] >= SHARE_LEARNED
    share = float(spend[told].sum() / spend.sum())
    fine = share >= KNOWN_MONEY
    said = f"{share:.0%} of the money went to channels whose contribution the data tell; "
    said += "nothing to do" if fine else "the rest of the plan is the prior's: keep steps small, and test"
    return Check("known money", "good" if fine else "weak", share, said)


def _collinear(dataset: Dataset, problem: Problem) -> Check:
    """Channels that move together, or with the baseline, cannot be told apart."""
    dose = problem.panel.dose.reshape(-1, len(dataset.channels))
    own = {name: _own_movement(dose, index, problem) for index, name in enumerate(dataset.channels)}
    least = min(own, key=lambda name: own[name])
    pair, together = _closest(dose, dataset.channels)
    details = {f"own movement of {name}": share for name, share in own.items()}
    if together >= CORRELATED_SPEND:
        said = f"{pair[0]} and {pair[1]} rise and fall together (correlation {together:.2f}): only their sum is known; "
        return Check("collinear", "weak", together, said + "vary one without the other, or merge them", details)
    if own[least] < OWN_MOVEMENT:
        said = f"only {own[least]:.0%} of {least}'s movement is its own, the rest follows season, controls or others; "
        return Check("collinear", "weak", own[least], said + "vary it on purpose", details)
    return Check("collinear", "good", own[least], "every channel moves on its own; nothing to do", details)


def _own_movement(dose: Float[np.ndarray, "row channel"], index: int, problem: Problem) -> float:
    """Share of a channel's variance that neither the baseline's columns nor other channels explain."""
    target = dose[:, index] - dose[:, index].mean()
    total = target @ target
    if not total > 1e-12 * len(target):
        return 0.0
    others = np.concatenate([problem.baseline.columns, np.delete(dose, index, axis=1)], axis=1)
    explained = others @ np.linalg.lstsq(others, dose[:, index], rcond=None)[0]
    return float(((dose[:, index] - explained) ** 2).sum() / total)


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


def _geos(problem: Problem, error: float) -> Check:
    verdict = graded(-error, -GOOD_PROJECTION, -LEAST_PROJECTION)
    said = (
        f"the national curves are within {error:.1%} of the sum over geos, geos sized by {problem.panel.sized_by}; "
        "they hold for budgets split over geos as in history"
    )
    return Check("geos", verdict, error, said)

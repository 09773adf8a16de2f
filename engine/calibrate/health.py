"""May this fit be trusted? Every check: a verdict, the figure behind it, and what to do.

| check | good | weak | bad |
|---|---|---|---|
| convergence, fast | a quarter of the starts agree, Pareto shape < 0.7, 400 effective | otherwise | - |
| convergence, nuts | R-hat < 1.01, bulk size >= 400, no divergence | R-hat < 1.05 and bulk size >= 100 | otherwise |
| fit | R2 >= 0.7 | R2 >= 0.3 | below |
| holdout | error at most the naive forecast's, 70 % in the 90 % band | up to twice it, or too short | above |
| residuals | autocorrelation, the slow part aside, within 0.3 or chance | above | - |
| sensitivity | leaving out forecasts moves no channel by 2 standard deviations | otherwise | - |
| demand | no channel follows unrecorded demand by 2 standard deviations, slow part below 2 % | otherwise | - |
| baseline | 5 % draw above a tenth of the outcome, never negative | otherwise | median below 0 |
| channel | share and halfway learned (contraction >= 0.75, 0.3) | otherwise | - |
| known money | half of the spend on channels whose contribution is learned | otherwise | - |
| tested money | half of the spend on channels with an experiment that tells | otherwise | - |
| collinear | correlations below 0.8 and a fifth of each channel moves on its own | otherwise | - |
| reach | every channel seen at 1.3 times its mean | otherwise | - |
| steady | every channel ran in 40 % of the periods | otherwise | - |
| experiment | within 2 standard deviations of what the rest expects | within 3 | above |
| geos | national curves and their slopes within 2 % of the sum over geos | up to 10 % | above |

Contraction is the share of a coordinate's variance before the data that they took away; what ties channels together
narrows them before any data, and does not count as learned.

Trust is bad for a real failure: chains that did not converge, a baseline below nothing, or a bad holdout together
with a bad fit. It is weak where convergence, fit, holdout, baseline, geos or an experiment is not good, or where the
channels whose contribution the data tell (contraction >= 0.75) hold less than half of the money. Doubt about demand,
shape and extrapolation widens the bands and so reaches the plan by itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.calibrate.baseline import COMPONENTS
from engine.calibrate.chance import whiten
from engine.calibrate.conflict import Agreement
from engine.calibrate.fit import Check, Health, Verdict, graded
from engine.calibrate.holdout import Holdout
from engine.calibrate.identified import experiments, identified
from engine.calibrate.importance import LIGHT
from engine.calibrate.money import Miss
from engine.calibrate.nuts import R_HAT, Chains
from engine.calibrate.posterior import Posterior
from engine.calibrate.problem import Media, Problem
from engine.data.dataset import Dataset
from engine.response.curves import Curves
from engine.words import percent

BULK = 400.0
LEAST_R_HAT, LEAST_BULK = 1.05, 100.0
SAME_HEIGHT, AGREEING = 0.5, 0.25
GOOD_R2, LEAST_R2 = 0.7, 0.3
GOOD_FORECAST, LEAST_FORECAST = 1.0, 2.0  # error over the naive forecast's
LEAST_COVERAGE = 0.7  # of the 90 % band, by what three forecasts can tell
CORRELATED_RESIDUALS = 0.3
LEAST_BASELINE = 0.1
MOVED = 2.0  # standard deviations
FOLLOWING, SLOW_DEMAND = 2.0, 0.02
GOOD_PROJECTION, LEAST_PROJECTION = 0.02, 0.10


@dataclass(frozen=True)
class Findings:
    """What the checks look at beside the data and the problem."""

    posterior: Posterior
    media: Media
    fitted: Float[np.ndarray, "period geo"]  # posterior mean of baseline and channels [outcome/period]
    level: Float[np.ndarray, "period geo"]  # and of the noise that is slow or shared by geos [outcome/period]
    effect: Float[np.ndarray, "draw column"]  # of the linear block [scaled outcome]
    lowest_baseline: float  # smallest posterior mean of a period [outcome/period]
    holdout: Holdout | None
    agreements: tuple[Agreement, ...]  # of the experiments
    curves: Curves
    miss: Miss


def examine(dataset: Dataset, problem: Problem, findings: Findings) -> Health:
    """All checks of a fit and what they come to."""
    checks = [
        _convergence(findings.posterior),
        *_fit(dataset, problem, findings),
        _holdout(findings.holdout),
        *_sensitivity(dataset, findings),
        _baseline(dataset, findings),
        _demand(dataset, problem, findings.effect),
        *identified(dataset, problem, findings.posterior, findings.curves),
        *experiments(findings.agreements),
    ]
    if len(dataset.geos) > 1:
        checks.append(_geos(problem, findings.miss))
    return Health(trust=trust(checks), checks=tuple(checks))


def trust(checks: list[Check]) -> Verdict:
    """What the checks come to; the rule stands in this module's first lines."""
    verdicts = {check.name: check.verdict for check in checks}
    failed = {name for name, verdict in verdicts.items() if verdict == "bad"}
    if failed & {"convergence", "baseline"} or failed >= {"holdout", "fit"}:
        return "bad"
    needed = ("convergence", "fit", "holdout", "baseline", "known money", "geos")
    tests = (verdict for name, verdict in verdicts.items() if name.startswith("experiment "))
    sound = all(verdicts.get(name, "good") == "good" for name in needed) and all(one == "good" for one in tests)
    return "good" if sound else "weak"


def _convergence(posterior: Posterior) -> Check:
    return _starts(posterior) if posterior.chains is None else _agreement(posterior.chains)


def _starts(posterior: Posterior) -> Check:
    heights = posterior.search.heights
    agreeing = float((heights > heights.max() - SAME_HEIGHT).mean())
    fine = agreeing >= AGREEING and posterior.pareto <= LIGHT and posterior.effective >= BULK
    said = (
        f"{percent(agreeing)} of {len(heights)} starts found the same best answer; its draws count as much as "
        f"{posterior.effective:.0f} independent ones (Pareto shape {posterior.pareto:.2f})"
    )
    if posterior.is_laplace:
        said += ", too few: the bands are Laplace's alone"
    remedy = "; nothing to do" if fine else "; calibrate with --speed nuts before a large decision"
    details = {"agreeing": agreeing, "effective": posterior.effective, "pareto": posterior.pareto}
    details["modes"] = float(len(posterior.search.modes))
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
        f"the draws of the chains agree to an R-hat of {chains.r_hat:.3f} and count as much as {chains.bulk:.0f} "
        f"independent ones, with {chains.divergences} divergence{'s' * (chains.divergences != 1)}; {remedy}"
    )
    details = {"r_hat": chains.r_hat, "bulk": chains.bulk, "divergences": float(chains.divergences)}
    return Check("convergence", verdict, chains.r_hat, said, details)


def _fit(dataset: Dataset, problem: Problem, findings: Findings) -> list[Check]:
    actual, fitted = dataset.outcome.sum(axis=1), findings.fitted.sum(axis=1)
    r2, error = _explained(actual, fitted)
    verdict = graded(r2, GOOD_R2, LEAST_R2)
    remedy = {
        "good": "nothing to do",
        "weak": "look for controls or events that explain the rest",
        "bad": "most of the outcome moves for reasons outside this model: add controls and events first",
    }[verdict]
    explains = f"explains {percent(r2)} of the outcome's variation" if r2 > 0 else "explains less than a mean would"
    said = f"the model {explains}, off by {percent(error)} in a typical period; {remedy}"
    moving = findings.fitted + findings.level
    details = {"r2": r2, "mape": error}
    details["level_r2"], details["level_mape"] = _explained(actual, moving.sum(axis=1))
    if len(dataset.geos) > 1:
        details["geo_r2"], details["geo_mape"] = _explained(dataset.outcome, findings.fitted)
        details["geo_level_r2"], details["geo_level_mape"] = _explained(dataset.outcome, moving)
    return [Check("fit", verdict, r2, said, details), _residuals(dataset, problem, findings)]


def _explained(actual: Float[np.ndarray, "*rows"], fitted: Float[np.ndarray, "*rows"]) -> tuple[float, float]:
    """R2 and mean absolute percentage error."""
    varied = ((actual - actual.mean()) ** 2).sum()
    counted = actual != 0
    error = float(np.abs((actual - fitted)[counted] / actual[counted]).mean())
    return float(1 - ((actual - fitted) ** 2).sum() / varied) if varied > 0 else 0.0, error


def _residuals(dataset: Dataset, problem: Problem, findings: Findings) -> Check:
    """Whether what is left is chance, once the slow part that the model knows of is taken off."""
    left = (dataset.outcome - findings.fitted) / problem.panel.size / problem.panel.outcome_scale
    white = whiten(left, problem.chance).mean(axis=1)
    centred = white - white.mean()
    spread = (centred**2).sum()
    follows = float((centred[1:] * centred[:-1]).sum() / spread) if spread > 0 else 0.0
    bound = max(CORRELATED_RESIDUALS, 2.6 / np.sqrt(len(white)))
    calm = abs(follows) <= bound
    repeats = "hardly repeats itself" if calm else "repeats itself"
    told = f"what is left over, its slow part aside, {repeats} from period to period (correlation {follows:+.2f}); "
    told += "nothing to do" if calm else "bands are too narrow: look for a missing control, event or season"
    return Check("residuals", "good" if calm else "weak", follows, told)


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
        f"{holdout.folds} forecasts of {holdout.horizon} periods each are off by {percent(holdout.error)}, the naive "
        f"seasonal forecast by {percent(holdout.naive_error)}; {percent(holdout.coverage)} of actuals lie in the "
        "90 % band; "
    )
    details = {"mape": holdout.error, "naive_mape": holdout.naive_error, "crps": holdout.crps}
    details |= {"naive_crps": holdout.naive_crps, "coverage": holdout.coverage, "horizon": float(holdout.horizon)}
    return Check("holdout", verdict, holdout.error, said + remedy, details)


def _baseline(dataset: Dataset, findings: Findings) -> Check:
    shares = 1 - findings.media.national.sum(axis=(1, 2)) / float(dataset.outcome.sum())
    low, middle, high = np.percentile(shares, [5.0, 50.0, 95.0])
    plausible = low >= LEAST_BASELINE and findings.lowest_baseline >= 0
    verdict: Verdict = "good" if plausible else "weak" if middle > 0 else "bad"
    said = (
        f"{percent(middle)} of the outcome ({percent(low)} to {percent(high)}) would have come without these channels; "
    )
    if findings.lowest_baseline < 0:
        said += "in some period even less than nothing: "
    said += (
        "nothing to do" if plausible else "hardly plausible: look for demand that drives spend, and add it as a control"
    )
    return Check("baseline", verdict, float(middle), said, {"low": float(low), "high": float(high)})


def _sensitivity(dataset: Dataset, findings: Findings) -> list[Check]:
    """How far each channel's contribution moves when the latest forecast periods are left out."""
    if findings.holdout is None:
        return []
    shares = findings.media.parameters.share
    spread = np.maximum(shares.std(axis=0), 1e-12)
    moved = np.abs(findings.holdout.shares - np.median(shares, axis=0)) / spread
    worst = moved.max(axis=0)
    at = int(np.argmax(worst))
    fine = worst[at] <= MOVED
    said = f"leaving out the latest periods moves {dataset.channels[at]} most, by {worst[at]:.1f} standard deviations; "
    said += "nothing to do" if fine else "a few periods decide: look at them for errors or one-off events"
    details = {f"moved of {name}": float(one) for name, one in zip(dataset.channels, worst, strict=True)}
    return [Check("sensitivity", "good" if fine else "weak", float(worst[at]), said, details)]


def _demand(dataset: Dataset, problem: Problem, effect: Float[np.ndarray, "draw column"]) -> Check:
    """Demand that nobody recorded, and how much of it came with which channel's spend."""
    columns = problem.baseline.component == COMPONENTS.index("demand")
    hidden = effect[:, columns].reshape(len(effect), 2, -1).sum(axis=1)  # both columns are alike
    sure = np.abs(hidden.mean(axis=0)) / np.maximum(hidden.std(axis=0), 1e-12)
    at = int(np.argmax(sure))
    details = {"slow": problem.slow}
    details |= {f"follows demand of {name}": float(one) for name, one in zip(dataset.channels, sure, strict=True)}
    if sure[at] >= FOLLOWING:
        said = f"{dataset.channels[at]} is spent when demand is high that no column shows ({sure[at]:.1f} standard "
        said += "deviations): part of its return is that demand's; add demand as a control, or test the channel"
        return Check("demand", "weak", float(sure[at]), said, details)
    if problem.slow > SLOW_DEMAND:
        said = f"{percent(problem.slow)} of the outcome drifts slowly for no recorded reason, which may hide behind "
        said += "spend; bands allow for it: record demand (searches, market size), or test the largest channels"
        return Check("demand", "weak", problem.slow, said, details)
    return Check("demand", "good", problem.slow, "no slow demand is left unexplained; nothing to do", details)


def _geos(problem: Problem, miss: Miss) -> Check:
    """Whether national curves stand for the sum over geos; a planner goes by their slopes."""
    worse = max(miss)
    verdict = graded(-worse, -GOOD_PROJECTION, -LEAST_PROJECTION)
    said = (
        f"the national curves are within {percent(miss.response)} of the sum over geos, and their slopes at today's "
        f"spend and somewhat above within {percent(miss.marginal)}, geos sized by {problem.panel.sized_by}; "
    )
    said += "they hold for budgets split over geos as in history"
    if verdict != "good":
        said += ": plan the geos apart where they differ most in spend per head (--by-geo)"
    return Check("geos", verdict, worse, said, miss._asdict())

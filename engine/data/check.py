"""What a history can and cannot tell, before any model is fitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.data import channel_checks, experiment_checks, history_checks, likeness_checks
from engine.data.dataset import Dataset
from engine.data.finding import Finding, counted
from engine.response.curves import Kind

__all__ = ["ChannelSummary", "Finding", "check", "headline", "summary"]

CHECKS: tuple[Callable[[Dataset], list[Finding]], ...] = (
    history_checks.rhythm,
    history_checks.length,
    history_checks.unknowns,
    history_checks.outcome,
    history_checks.scale,
    history_checks.slips,
    likeness_checks.alike,
    channel_checks.variation,
    channel_checks.demand,
    channel_checks.shares,
    channel_checks.prices,
    channel_checks.controls,
    experiment_checks.readings,
    experiment_checks.entered,
    experiment_checks.told,
    history_checks.repairs,
)
_DECISIVE = ("rhythm", "length", "unknowns", "outcome")  # a bad one of these speaks against any model
_ORDER = {"bad": 0, "weak": 1, "good": 2}


def check(dataset: Dataset) -> tuple[Finding, ...]:
    """Every finding about a history, the worst first."""
    found = [finding for one in CHECKS for finding in one(dataset)]
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.verdict]))


def headline(dataset: Dataset, findings: Sequence[Finding]) -> str:
    """The one sentence to read: what the history supports, and the gravest reason against it."""
    model = f"a {history_checks.adjective(dataset.period)} model of {counted(len(dataset.channels), 'channel')}"
    bad = [finding for finding in findings if finding.verdict == "bad"]
    weak = [finding for finding in findings if finding.verdict == "weak"]
    against = [finding for finding in bad if finding.topic in _DECISIVE]
    if against:
        return f"This history cannot support {model}: {_lower(against[0].claim)}{_more(bad, 'grave')}."
    if bad:
        return f"This history can support {model}, but {_lower(bad[0].claim)}{_more(bad, 'grave')}."
    if weak:
        return f"This history can support {model}; {counted(len(weak), 'thing')} to keep in mind."
    return f"This history can support {model}; nothing speaks against it."


def _more(found: Sequence[Finding], adjective: str) -> str:
    rest = len(found) - 1
    return f" ({counted(rest, f'more {adjective} finding')} below)" if rest else ""


def _lower(claim: str) -> str:
    """A claim inside a sentence: its article loses the capital, a name keeps it."""
    starts = ("The ", "There ", "Explained ", "Spend ")
    return next((word.lower() + claim[len(word) :] for word in starts if claim.startswith(word)), claim)


@dataclass(frozen=True)
class ChannelSummary:
    """One channel of a history in figures."""

    channel: str
    kind: Kind
    total: float  # [currency]
    share: float  # of all spend, in [0, 1]
    mean: float  # over all periods [currency/period]
    max: float  # largest period [currency/period]
    active: float  # share of periods with activity, in [0, 1]


def summary(dataset: Dataset) -> tuple[ChannelSummary, ...]:
    """Each channel's spend over all geos, in the order of the model file."""
    spend = dataset.spend.sum(axis=1)
    active = (dataset.driver.sum(axis=1) > 0).mean(axis=0)
    whole = float(spend.sum())
    return tuple(
        ChannelSummary(
            channel=name,
            kind=dataset.kinds[at],
            total=float(spend[:, at].sum()),
            share=float(spend[:, at].sum()) / whole if whole else 0.0,
            mean=float(spend[:, at].mean()),
            max=float(spend[:, at].max()),
            active=float(active[at]),
        )
        for at, name in enumerate(dataset.channels)
    )

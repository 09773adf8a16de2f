"""`peso check`: a file and its model into what the history can and cannot tell."""

import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.config.loading import load
from engine.config.model import Model
from engine.data.check import ChannelSummary, Finding, check, headline, summary
from engine.data.dataset import Dataset
from engine.data.lift import LiftTest
from engine.data.read import read_dataset
from engine.words import money, number, percent, plain, table

WIDTH = 110  # columns of running text


@dataclass(frozen=True)
class Inspection:
    """A history, its figures and what they allow."""

    dataset: Dataset
    verdict: str  # one sentence
    channels: tuple[ChannelSummary, ...]
    findings: tuple[Finding, ...]  # the worst first

    def document(self) -> dict[str, Any]:
        """The inspection as plain values for JSON."""
        dataset = self.dataset
        return {
            "schema": "peso.check/1",
            "verdict": self.verdict,
            "period": dataset.period,
            "periods": len(dataset.starts),
            "first": dataset.starts[0].isoformat(),
            "last": dataset.starts[-1].isoformat(),
            "geos": len(dataset.geos),
            "currency": dataset.currency,
            "outcome": {
                "name": dataset.outcome_name,
                "is_money": dataset.is_money,
                "total": float(dataset.outcome.sum()),
            },
            "spend": float(dataset.spend.sum()),
            "controls": list(dataset.control_names),
            "events": list(dataset.event_names),
            "channels": [asdict(row) for row in self.channels],
            "experiments": [_experiment(test) for test in dataset.lift_tests],
            "findings": [asdict(finding) for finding in self.findings],
            "made_from": dataset.made_from,
        }


def _experiment(test: LiftTest) -> dict[str, Any]:
    """One experiment as it was understood, for JSON."""
    return {
        "name": test.name,
        "channels": list(test.channels),
        "start": test.start.isoformat(),
        "end": test.end.isoformat(),
        "until": test.until.isoformat(),
        "geos": int(test.geos.sum()),
        "share": test.share,
        "in_history": test.in_history,
        "spend_change": list(test.spend_change),
        "outcome_change": test.outcome_change,
        "stated_error": test.stated_error,
        "standard_error": test.standard_error,
    }


def inspect(data: Path, model: Path) -> Inspection:
    """What the history in `data` can and cannot tell, its columns named by the model file.

    Raises:
        InputError: The model file or the data are wrong, with every place.
        StorageError: The system would not read one of them.
    """
    dataset = read_dataset(data, load(model, Model), model)
    findings = check(dataset)
    return Inspection(dataset, headline(dataset, findings), summary(dataset), findings)


def as_text(inspection: Inspection) -> str:
    """The verdict, the channels in figures, then each finding with what to do."""
    dataset = inspection.dataset
    per = f"/{dataset.period}"
    header = ["channel", "kind", f"spend ({dataset.currency})", "share", f"mean{per}", f"most{per}", "active"]
    rows = [
        [
            row.channel,
            row.kind,
            number(row.total),
            percent(row.share),
            number(row.mean),
            number(row.max),
            percent(row.active),
        ]
        for row in inspection.channels
    ]
    total = float(dataset.outcome.sum())
    made = money(total, dataset.currency) if dataset.is_money else number(total)
    facts = (
        f"Outcome {dataset.outcome_name}: {made} in all; spend: {money(float(dataset.spend.sum()), dataset.currency)}."
    )
    lines = [_wrapped(plain(inspection.verdict)), "", table(header, rows), "", _wrapped(plain(facts)), ""]
    lines += [_wrapped(f"{finding.verdict:5} {plain(finding.sentence)}", 6) for finding in inspection.findings]
    return "\n".join(lines)


def _wrapped(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)

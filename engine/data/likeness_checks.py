"""Channels that move together: what a history cannot tell apart."""

import itertools

import numpy as np
from jaxtyping import Float

from engine.data.dataset import Dataset
from engine.data.finding import Finding, Verdict, movement

SAME_MOVEMENT = 0.95  # correlation from which two channels share 90 % of their variance
LIKE_MOVEMENT = 0.80  # from here the bands of both widen by two thirds
INFLATED, VERY_INFLATED = 5.0, 10.0  # variance inflation; the usual limits in regression (Marquardt 1970)
ROWS_OF_ITS_OWN = 50.0  # rows over inflation: with so many left, even a shared movement can be told apart
LARGEST_INFLATION = 1e6  # reported for a channel that the others explain wholly


def alike(dataset: Dataset) -> list[Finding]:
    """Pairs of channels that move together, and channels that the others explain."""
    moved = movement(dataset.driver, dataset)
    lively = [at for at in range(moved.shape[1]) if moved[:, at].std() > 0]
    if len(lively) < 2:
        return []
    together = np.eye(moved.shape[1])
    together[np.ix_(lively, lively)] = np.corrcoef(moved[:, lively], rowvar=False)
    pairs = [pair for pair in itertools.combinations(lively, 2) if abs(together[pair]) >= LIKE_MOVEMENT]
    found = [_pair(dataset, pair, float(together[pair]), len(moved)) for pair in pairs]
    found += _inflated(dataset, moved, [at for at in lively if not any(at in pair for pair in pairs)])
    found.sort(key=lambda finding: (finding.verdict, -abs(finding.figure)))
    if found:
        return found
    strongest = float(np.abs(together - np.eye(len(together))).max())
    return [Finding("alike", "good", strongest, f"No two channels move alike (largest correlation {strongest:.2f}).")]


def _pair(dataset: Dataset, pair: tuple[int, int], together: float, rows: int) -> Finding:
    names = " and ".join(dataset.channels[at] for at in pair)
    if abs(together) >= SAME_MOVEMENT and rows * (1 - together**2) < ROWS_OF_ITS_OWN:
        claim = f"{names} cannot be told apart (r = {together:.2f})"
        advice = "spend on one without the other for some weeks, test one in an experiment, or merge them"
        return Finding("alike", "bad", together, f"{claim}; {advice}.")
    advice = "their split stays uncertain until one of them is varied alone"
    return Finding("alike", "weak", together, f"{names} move much alike (r = {together:.2f}); {advice}.")


def _inflated(dataset: Dataset, moved: Float[np.ndarray, "cell channel"], asked: list[int]) -> list[Finding]:
    """Channels that other channels and controls explain together though no single one does."""
    columns = np.concatenate([moved, movement(dataset.controls, dataset)], axis=1)
    if len(columns) <= columns.shape[1] + 5:
        return []
    inflation = variance_inflation(columns)
    high = sorted((at for at in asked if inflation[at] >= INFLATED), key=lambda at: -inflation[at])
    if not high:
        return []
    worst = float(inflation[high[0]])
    verdict: Verdict = "bad" if worst >= VERY_INFLATED and len(columns) / worst < ROWS_OF_ITS_OWN else "weak"
    listed = ", ".join(f"{dataset.channels[at]} (variance inflated {inflation[at]:,.0f} times)" for at in high)
    advice = "vary them alone, or drop a control that repeats them"
    claim = f"Explained by the other columns together: {listed}"
    return [Finding("alike", verdict, worst, f"{claim}; {advice}.")]


def variance_inflation(columns: Float[np.ndarray, "cell layer"]) -> Float[np.ndarray, " layer"]:
    """How many times the others inflate the variance of each column's effect: 1 / (1 - R2).

    >>> variance_inflation(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])).tolist()
    [1.0, 1.0]
    """
    spread = columns.std(axis=0)
    standard = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    together = standard.T @ standard / len(columns)
    inflation = np.ones(columns.shape[1])
    for at in range(columns.shape[1]):
        others = [other for other in range(columns.shape[1]) if other != at and spread[other] > 0]
        if others and spread[at] > 0:
            mine = together[others, at]
            explained = float(mine @ np.linalg.lstsq(together[np.ix_(others, others)], mine, rcond=None)[0])
            inflation[at] = 1 / max(1 - explained, 1 / LARGEST_INFLATION)
    return inflation

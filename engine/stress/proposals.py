"""Proposals: which size of a reserve and which band of a trigger to try, and what each of them scores.

They come from the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011, Algorithms for
hyper-parameter optimization), on a grid, for each size of a reserve needs a plan of its own.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import optuna

FIRST_AT_RANDOM = 10  # choices before the estimator has anything to learn from


class Choice(NamedTuple):
    """What a policy goes by."""

    reserve: float  # share of the money that is held back; 0 for a policy that holds none
    band: float  # how far what was earned may be from the plan, as a share


class Choices(NamedTuple):
    """What may be tried."""

    reserves: tuple[float, ...]
    bands: tuple[float, ...]
    default: Choice  # the first to be tried, one of these


Score = Callable[[Choice], float | None]
"""How good a choice is, more is better; None where it cannot be had."""


def searched(
    score: Score, choices: Choices, most: int, seed: int, tell: Callable[[int], None]
) -> dict[Choice, float | None]:
    """What each choice scores that was tried, the default first; all of them where there are no more than `most`.

    Args:
        score: Asked once for each choice.
        choices: What may be tried.
        most: How many are proposed, some of them perhaps twice.
        seed: Of the proposals.
        tell: Hears how many are done.
    """
    found: dict[Choice, float | None] = {}

    def known(choice: Choice) -> float | None:
        if choice not in found:
            found[choice] = score(choice)
        return found[choice]

    every = [Choice(*one) for one in itertools.product(choices.reserves, choices.bands)]
    if len(every) <= most:
        for done, choice in enumerate([choices.default, *every]):
            known(choice)
            tell(done)
        return found
    study, places = _study(choices, seed)
    for done in range(1, most + 1):
        asked = study.ask(places)
        value = known(Choice(choices.reserves[asked.params["reserve"]], choices.bands[asked.params["band"]]))
        study.tell(asked, value, state=optuna.trial.TrialState.PRUNED if value is None else None)
        tell(done)
    return found


def _study(choices: Choices, seed: int) -> tuple[optuna.study.Study, dict[str, optuna.distributions.BaseDistribution]]:
    """A search that begins with the default, and with its band and no reserve; and the places it chooses from."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=FIRST_AT_RANDOM, seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    reserves, bands, default = choices
    for reserve in dict.fromkeys((default.reserve, min(reserves))):
        study.enqueue_trial({"reserve": reserves.index(reserve), "band": bands.index(default.band)})
    sizes = {"reserve": len(reserves), "band": len(bands)}
    return study, {name: optuna.distributions.IntDistribution(0, size - 1) for name, size in sizes.items()}

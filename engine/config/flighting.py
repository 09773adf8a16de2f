"""How money on a channel is spread over the weeks inside a decision: evenly, like last year, as given, or in bursts."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from engine.config.loading import Closed, Money


class Bursts(Closed):
    """Weeks with money and weeks without in turn, from the start of the horizon on."""

    on: int = Field(ge=1, le=520)  # weeks
    off: int = Field(ge=1, le=520)  # weeks


def _some_above_zero(weights: tuple[float, ...]) -> tuple[float, ...]:
    if not any(weights):
        raise ValueError("no period has a weight above 0, so no money could be spent; give one to some period")
    return weights


def _form(given: Any) -> str:
    """Which way of saying it was chosen, so that a mistake is told of that one alone."""
    if isinstance(given, dict | Bursts):
        return "bursts"
    return "weights" if isinstance(given, list | tuple) else "name"


Weights = Annotated[tuple[Money, ...], Field(strict=False, max_length=1040), AfterValidator(_some_above_zero)]
Flighting = Annotated[
    Annotated[Literal["even", "seasonal"], Tag("name")]
    | Annotated[Bursts, Tag("bursts")]
    | Annotated[Weights, Tag("weights")],
    Discriminator(_form),
]
"""even: the same in each open period; seasonal: the shape of the channel's last year; weights by period, of the horizon
or of a year that repeats; or bursts."""

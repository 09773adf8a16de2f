"""Beliefs that the history itself contradicts, whatever the outcome did from period to period."""

from engine.config.model import ChannelColumns, Model
from engine.data.dataset import Dataset
from engine.data.finding import percent
from engine.data.table import refuse, shown

STEEPEST = 5.0  # % more response for 1 % more spend: no channel that is run for long works at a steeper place


def require_possible(dataset: Dataset, model: Model, place: str) -> None:
    """Refuse beliefs that no curve can keep, given what was spent and what came in over the whole history.

    Args:
        dataset: The history.
        model: Its beliefs.
        place: The model file, for messages.

    Raises:
        InputError: The channels are told to have brought more than the whole outcome, or one of them to move more of
            the outcome than what it brought.
    """
    outcome = float(dataset.outcome.sum())
    if not outcome > 0:
        return
    units = dict(zip(dataset.channels, dataset.spend.sum(axis=(0, 1)) / outcome, strict=True))
    told = {name: _share(channel, float(units[name])) for name, channel in model.channels.items()}
    faults = [
        f"{place}: channel {shown(name)}: to move the outcome by {channel.elasticity.low:g} % for 1 % more, it must "
        f"have brought {percent(channel.elasticity.low / STEEPEST)} of it or more, and {_named(channel)} allows "
        f"{percent(told[name][1])} at most; correct one of them"
        for name, channel in model.channels.items()
        if channel.elasticity and channel.elasticity.low > STEEPEST * told[name][1]
    ]
    least = {name: low for name, (low, _) in told.items() if low > 0}
    if sum(least.values()) > 1:
        listed = ", ".join(f"{shown(name)} {percent(low)}" for name, low in least.items())
        faults.append(
            f"{place}: the low ends of roas and share ask for {percent(sum(least.values()))} of all "
            f"{shown(dataset.outcome_name)} ({listed}); lower them, or bring the outcome to the unit that they count in"
        )
    if faults:
        refuse(faults)


def _share(channel: ChannelColumns, unit: float) -> tuple[float, float]:
    """The range of a channel's share of the outcome; from nothing to all of it where none was told."""
    if channel.share:
        return channel.share.low, channel.share.high
    return (channel.roas.low * unit, channel.roas.high * unit) if channel.roas else (0.0, 1.0)


def _named(channel: ChannelColumns) -> str:
    return f"roas.high = {channel.roas.high:g}" if channel.roas else "share.high"

"""Selecting: which entries of the curves a scenario speaks of, by name, whole, kind, role, geo or segment.

An entry is what the plan gives money to: a channel, or a part of one. The name of a channel with parts stands for all
of them together; the name of a part for that part.
"""

import difflib

import numpy as np
from jaxtyping import Bool

from engine.config.scenario import ChannelRules, Group, Scenario
from engine.config.strategy import AXES, Axis
from engine.errors import InputError
from engine.response.curves import KINDS, ROLES, Channel, Curves, Role

EACH_ALONE = ("minimum_flight", "step", "tiers", "least_marginal_roas")  # not of a sum


def is_named(channel: Channel, names: tuple[str, ...]) -> bool:
    """Whether an entry, or the channel that it is a part of, is among some names."""
    return channel.name in names or channel.part_of in names


def role_of(channel: Channel, scenario: Scenario) -> Role | None:
    """What an entry is for: as the scenario says of it, or of its whole, or else as the curves do."""
    for name in (channel.name, channel.part_of):
        for role, names in scenario.roles.items():
            if name in names:
                return role
    return channel.role


def label_of(channel: Channel, axis: Axis, scenario: Scenario) -> str | None:
    """Where an entry belongs along an axis of the split above; None: nowhere."""
    if axis == "roles":
        return role_of(channel, scenario)
    return {"kinds": channel.kind, "geos": channel.geo, "segments": channel.segment}[axis]


def rules_of(channel: Channel, scenario: Scenario) -> ChannelRules:
    """The rules of one entry alone.

    They are those under its own name; those for every channel where neither it nor its whole is named. Rules of a whole
    are about a sum (`wholes_of`), but its open dates are those of each part without dates of its own.
    """
    whole = None if channel.part_of is None else scenario.channels.get(channel.part_of)
    if whole is None:
        return scenario.channels.get(channel.name, scenario.every_channel) or ChannelRules()
    own = scenario.channels.get(channel.name, ChannelRules())
    return own if own.flight or not whole.flight else own.model_copy(update={"flight": whole.flight})


def wholes_of(curves: Curves, scenario: Scenario) -> tuple[tuple[str, Bool[np.ndarray, " channel"], ChannelRules], ...]:
    """The channels with parts that the scenario has rules for: name, which entries are parts, and the rules."""
    return tuple(
        (name, np.array([channel.part_of == name for channel in curves.channels]), scenario.channels[name])
        for name in curves.wholes
        if name in scenario.channels
    )


def members(curves: Curves, scenario: Scenario, group: Group) -> Bool[np.ndarray, " channel"]:
    """The entries of a group: those that are of each sort it names."""
    return np.array([_is_member(channel, scenario, group) for channel in curves.channels])


def _is_member(channel: Channel, scenario: Scenario, group: Group) -> bool:
    asked = {"roles": group.roles, "kinds": group.kinds, "geos": group.geos, "segments": group.segments}
    along = all(label_of(channel, axis, scenario) in asked[axis] for axis in AXES if asked[axis])
    return along and (not group.channels or is_named(channel, group.channels))


def labels(curves: Curves, axis: Axis, scenario: Scenario) -> tuple[str, ...]:
    """What there is along an axis: roles and kinds in their usual order, geos and segments in that of the entries."""
    found = [label_of(channel, axis, scenario) for channel in curves.channels]
    usual = [label for label in {"roles": ROLES, "kinds": KINDS}.get(axis, ()) if label in found]
    return tuple(usual or dict.fromkeys(label for label in found if label is not None))


def require_known(curves: Curves, scenario: Scenario) -> None:
    """Refuse names, geos, segments, roles and kinds that no entry has, and groups without a member.

    Raises:
        InputError: Naming the place, with what there is instead.
    """
    named = [("channels", name) for name in scenario.channels]
    named += [(f"groups.{group}", name) for group, rules in scenario.groups.items() for name in rules.channels]
    named += [(f"shock {shock.name!r}", name) for shock in scenario.shocks for name in shock.channels]
    named += [(f"roles.{role}", name) for role, names in scenario.roles.items() for name in names]
    known = (*curves.names, *curves.wholes)
    for place, name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"scenario {scenario.name!r}: {place} names {name!r}, which the curves do not have; "
                f"{hint}channels there: {', '.join(known)}"
            )
    _require_sums(curves, scenario)
    for name, group in scenario.groups.items():
        _require_labels(curves, scenario, f"groups.{name}", {"geos": group.geos, "segments": group.segments})
        if not members(curves, scenario, group).any():
            sorts = [" or ".join(sort) for sort in (group.kinds, group.roles, group.geos, group.segments) if sort]
            raise InputError(
                f"scenario {scenario.name!r}: groups.{name} holds no channel: no channel of the curves is "
                f"{' and '.join(sorts)}{' and among those named' if group.channels else ''}; "
                "remove the group or name other kinds, roles, geos, segments or channels"
            )
    if scenario.strategy:
        asked = {axis: tuple(shares) for axis, shares in scenario.strategy.asked.items()}
        _require_labels(curves, scenario, "strategy", asked)


def _require_sums(curves: Curves, scenario: Scenario) -> None:
    """Refuse rules of a channel with parts that say nothing of the sum of these."""
    for whole, parts, rules in wholes_of(curves, scenario):
        key = next((key for key in EACH_ALONE if key in rules.model_fields_set), None)
        if key:
            inside = ", ".join(name for name, is_part in zip(curves.names, parts, strict=True) if is_part)
            raise InputError(
                f"scenario {scenario.name!r}: channels.{whole}.{key}: {whole!r} has parts, and this can be asked of "
                f"each alone, not of their sum; give each a {key} of its own ({inside})"
            )


def _require_labels(curves: Curves, scenario: Scenario, place: str, asked: dict[Axis, tuple[str, ...]]) -> None:
    for axis, wanted in asked.items():
        there = labels(curves, axis, scenario)
        for name in wanted:
            if name in there:
                continue
            told = f"scenario {scenario.name!r}: {place} names the {AXES[axis]} {name!r}, and no channel has it; "
            if axis == "roles":
                raise InputError(f"{told}say which do under [roles], or by role in curves.json")
            raise InputError(f"{told}{AXES[axis]}s of the curves: {', '.join(there) or 'none'}")

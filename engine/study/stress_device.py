"""What money brings on many paths, worked out by JAX on the device that it uses: the same formulas, compiled."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from engine.axes import Array
from engine.compiling import quickly
from engine.double import jnp
from engine.response.curves import Family, Mixture, saturated
from engine.stress.play import Paths, works
from engine.stress.setting import Setting, Working


@dataclass(frozen=True)
class Placed(Working):
    """How one channel's money works on some draws, its arrays on the device."""

    families: tuple[str, ...]  # of the saturation, part by part
    held: tuple[Array, ...]  # the parameters of each part, then shares, offset and what comes anyway

    def brought(self, bought: Float[np.ndarray, "repeat draw period"]) -> Float[np.ndarray, "repeat draw row"]:
        """What `Working.brought` says, but for rounding."""
        return np.asarray(_compiled(self.families, self.held, jnp.asarray(bought)))


def works_on_device(setting: Setting, paths: Paths) -> tuple[Working, ...]:
    """How the money of each channel works on the draws of some paths, in double precision on JAX's device."""
    return tuple(_placed(one) for one in works(setting, paths))


def _placed(one: Working) -> Placed:
    parts = one.channel.saturation.parts
    parameters = tuple({name: jnp.asarray(values) for name, values in part.parameters.items()} for part in parts)
    arrays = tuple(map(jnp.asarray, (one.shares, one.offset, one.without)))
    same = {field.name: getattr(one, field.name) for field in fields(Working)}
    return Placed(**same, families=tuple(part.name for part in parts), held=(*parameters, *arrays))


def _brought(families: tuple[str, ...], held: tuple[Array, ...], bought: Array) -> Array:
    *parameters, shares, offset, without = held
    parts = tuple(Family(name, values) for name, values in zip(families, parameters, strict=True))
    stock = jnp.einsum("adp,drp->adr", bought, shares) + offset
    came = saturated(parts[0] if len(parts) == 1 else Mixture(parts), stock.swapaxes(-1, -2))
    return came.swapaxes(-1, -2) - without


_compiled = quickly(_brought)
"""Once for each table of families and each count of paths."""

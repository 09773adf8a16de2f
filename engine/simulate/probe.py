"""Whether JAX has a device and computes in double precision on it."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from engine.errors import DeviceError


@dataclass(frozen=True)
class DeviceProbe:
    """The devices JAX sees, the first of which it uses, and whether float64 works there."""

    platform: str
    devices: tuple[str, ...]
    double: bool


def probe_device() -> DeviceProbe:
    """What JAX computes on.

    Raises:
        DeviceError: JAX cannot start on any device.
    """
    try:
        devices = jax.devices()
        with jax.enable_x64(True):
            step = jax.jit(lambda tiny: (1.0 + tiny) - 1.0)(jnp.asarray(2.0**-40))
    except (RuntimeError, AssertionError) as fault:  # JAX asserts where JAX_PLATFORMS names a device it lacks
        told = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise DeviceError(f"JAX found no device to compute on ({told}); set JAX_PLATFORMS=cpu to use the CPU") from None
    return DeviceProbe(devices[0].platform, tuple(str(device) for device in devices), float(step) == 2.0**-40)

"""jax in 64 bits, from where every room that works with it in double precision takes it.

Marginal likelihoods of a few hundred periods lose the curvature that the bands rest on in 32 bits, journeys of years
their hours. The switch is made once, here, before any array exists; and not with a room, since who reads a fit or a
world needs no jax.
"""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

__all__ = ["jax", "jnp"]

"""The truth: journeys of people through the touches of a market, in double precision."""

import jax

jax.config.update("jax_enable_x64", True)

"""From history to curves: what each channel's spend did, with joint draws and a verdict on the fit.

Calibration works in 64 bits: marginal likelihoods of a few hundred periods lose the curvature that the
bands rest on in 32. The switch is made once, here, before any array exists.
"""

import jax

jax.config.update("jax_enable_x64", True)

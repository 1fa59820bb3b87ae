"""Every test runs with 64-bit types on, so that a function which forgets its dtype is caught."""

import jax

jax.config.update("jax_enable_x64", True)

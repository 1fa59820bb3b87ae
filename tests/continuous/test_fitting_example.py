"""The worked example in docs/examples: the parameters come back, and the uncertainties mean what they say."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous import closed_forms
from tests.continuous.tolerances import LAW

PATH = Path(__file__).parents[2] / "docs" / "examples" / "fitting_decay_times.py"
spec = importlib.util.spec_from_file_location("fitting_decay_times", PATH)
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)

TRUE = jnp.array([*example.TRUE["amplitudes"], *example.TRUE["decay_times"], example.TRUE["width"]])


def test_the_model_is_the_closed_form():
    t = jnp.linspace(-1.5, 12, 40)
    a1, a2, tau1, tau2, width = TRUE
    part = lambda a, tau: a * tau * closed_forms.exponential_gaussian(t, rate=1 / tau, std=width)
    np.testing.assert_allclose(example.signal(TRUE, t), part(a1, tau1) + part(a2, tau2), atol=4 * LAW)


def test_parameters_and_their_uncertainties():
    t, noise = jnp.linspace(-1.5, 12, 300), 0.01
    start = jnp.array([0.7, 0.7, 0.3, 5.0, 0.5])
    pulls = []
    for seed in range(3):
        result = example.fit(t, example.measured(jax.random.key(seed), t, noise), noise, start)
        np.testing.assert_allclose(result.parameters, TRUE, rtol=0.15)
        assert 0.8 < result.chi_squared < 1.2
        pulls.append((result.parameters - TRUE) / result.standard_errors)
    # Fifteen pulls of unit variance: beyond 4 once in a thousand such tests.
    assert np.max(np.abs(np.array(pulls))) < 4
    assert np.sqrt(np.mean(np.square(pulls))) < 2

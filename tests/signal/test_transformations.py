"""jit = eager, vmap = loop and gradients in both modes, for every public function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jconv import signal
from tests.signal.problems import PROBLEMS, STATIC

# The rest is swept by the slow run.
OFTEN = {"convolve", "fftconvolve", "oaconvolve", "convolve2d", "upfirdn", "lfilter", "medfilt", "richardson_lucy"}
OFTEN |= {"normalized_convolve", "long_convolve", "ConvolutionOperator", "stream"}
CASES = [
    pytest.param(*case, id=f"{name}-{i}", marks=[] if name in OFTEN and i == 0 else pytest.mark.slow)
    for name, cases in PROBLEMS.items()
    for i, case in enumerate(cases)
]


def test_every_public_function_is_in_the_table():
    assert set(PROBLEMS) | STATIC == set(signal.__all__)


@pytest.mark.parametrize(("function", "arrays"), CASES)
def test_gradients_in_both_modes(function, arrays):
    check_grads(jax.jit(function), arrays, order=1, modes=("fwd", "rev"), atol=2e-5, rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convolve", "fftconvolve", "lfilter", "upfirdn"])
def test_second_order_gradients(name):
    function, arrays = PROBLEMS[name][0]
    check_grads(jax.jit(lambda *a: function(*a) ** 2), arrays, order=2, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("function", "arrays"), CASES)
def test_jit_is_eager_and_vmap_is_a_loop(function, arrays):
    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)

    eager = function(*arrays)
    batches = [np.stack([a, 0.9 * a]) for a in arrays]
    both = jax.jit(lambda a, b: (function(*a), jax.vmap(function)(*b)))
    jitted, mapped = both([jnp.asarray(a) for a in arrays], [jnp.asarray(b) for b in batches])
    jax.tree.map(close, jitted, eager)
    looped = [function(*(b[i] for b in batches)) for i in range(2)]
    jax.tree.map(close, mapped, jax.tree.map(lambda *rows: np.stack(rows), *looped))

"""Windows as rows of a matrix, beside JAX's own patches."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jconv.engine.algorithms._parts import windows
from tests.engine.helpers import problem_of

SPACE = (13, 11, 9)
CHANNELS = (1, 3, windows.LONG_RUN)
GEOMETRIES = [((3, 2, 4), (1, 1, 1), (1, 1, 1)), ((2, 3, 3), (2, 1, 2), (1, 2, 1)), ((3, 1, 2), (1, 2, 3), (2, 1, 3))]
CASES = [*itertools.product((1, 2, 3), CHANNELS, GEOMETRIES)]


def case(ndim, channels, geometry):
    """A problem, its images, and JAX's patches of them, taps before channels."""
    taps, strides, dilation = (part[-ndim:] for part in geometry)
    x = np.random.default_rng(0).standard_normal((2, *SPACE[-ndim:], channels), np.float32)
    problem = problem_of(x.shape, (*taps, channels, 1), strides, rhs_dilation=dilation)
    letters = "DHW"[-ndim:]
    layout = (f"N{letters}C", f"{letters}IO", f"N{letters}C")
    expected = lax.conv_general_dilated_patches(
        x, taps, strides, "VALID", rhs_dilation=dilation, dimension_numbers=layout
    )
    return problem, jnp.asarray(x), jnp.swapaxes(expected.reshape(*expected.shape[:-1], channels, -1), -1, -2)


@pytest.mark.parametrize(("ndim", "channels", "geometry"), CASES)
def test_patches_equal_jax_patches(ndim, channels, geometry):
    problem, x, expected = case(ndim, channels, geometry)
    np.testing.assert_array_equal(windows.patches(problem, x), expected)


@pytest.mark.parametrize(("ndim", "channels", "geometry"), CASES)
@pytest.mark.parametrize("halves", [1, 2])
def test_gathered_windows_equal_jax_patches(ndim, channels, geometry, halves):
    """Some of the channels of the second image alone, found by an offset."""
    problem, x, expected = case(ndim, channels * halves, geometry)
    grid = windows.Grid.of(problem, x.shape, channels)
    offset = x[0].size + (halves - 1) * channels
    found = windows.gather_runs(x, [*grid.outputs, *grid.taps], grid.run, offset)
    expected = expected[1, ..., (halves - 1) * channels :]
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)

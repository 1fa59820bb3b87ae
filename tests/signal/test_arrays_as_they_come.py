"""Foreign arrays in every public function: the result is that of the plain array, or a refusal with the remedy."""

import jax
import numpy as np
import pytest

from jconv import signal
from tests.signal.problems import PROBLEMS


class Foreign:
    """An object that only NumPy can turn into an array, as those of pandas and xarray."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __getitem__(self, index):
        return Foreign(self.values[index])


def wide(x):
    return x.astype(np.clongdouble if x.dtype.kind == "c" else np.longdouble)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


FORMS = {
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "extended precision": wide,
    "read-only": read_only,
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "foreign object": Foreign,
}

# These take their arrays apart before a function of jconv sees them.
PREPARED = {"sosfilt", "sosfilt_zi", "firwin2", "stream"}
CASES = [(name, *cases[0]) for name, cases in PROBLEMS.items() if name not in PREPARED]


# SciPy's filters of ranks refuse extended precision, and so do these.
REFUSE_EXTENDED = {"medfilt", "medfilt2d", "order_filter"}


def forms(name, arrays):
    """The arrays in every foreign form that a function takes."""
    converters = [f for form, f in FORMS.items() if form != "extended precision" or name not in REFUSE_EXTENDED]
    return [tuple(convert(np.asarray(a)) for a in arrays) for convert in converters]


@pytest.mark.parametrize(("name", "function", "arrays"), CASES, ids=[case[0] for case in CASES])
def test_every_function_takes_foreign_arrays(name, function, arrays):
    expected = jax.eval_shape(lambda: function(*arrays))  # traced only: what fails, fails at the door
    for foreign in forms(name, arrays):
        assert jax.eval_shape(lambda foreign=foreign: function(*foreign)) == expected


@pytest.mark.parametrize(
    ("name", "function", "arrays"),
    [
        pytest.param(*case, id=case[0], marks=() if case[0] in ("convolve", "firwin", "wiener") else pytest.mark.slow)
        for case in CASES
    ],
)
def test_values_of_foreign_arrays(name, function, arrays):
    expected = jax.tree.leaves(function(*arrays))
    for foreign in forms(name, arrays):
        for a, b in zip(jax.tree.leaves(function(*foreign)), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_lists_scalars_matrices_and_traced_lists():
    np.testing.assert_array_equal(signal.convolve([1, 2], [1.0, 0.5]), [1.0, 2.5, 1.0])
    assert signal.convolve(2, 3).dtype == np.int64
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(signal.convolve2d(matrix, [[1, 1]]), [[1, 3, 2], [3, 7, 4]])
    traced = jax.jit(lambda a: signal.convolve([a, 2 * a], [1.0, 1.0]))(1.0)
    np.testing.assert_array_equal(traced, [1.0, 3.0, 2.0])


def test_refusals_name_the_argument_and_the_remedy():
    masked = np.ma.masked_array([1.0, 2.0, 30.0], [0, 0, 1])
    with pytest.raises(TypeError, match=r"`in1` is a masked array.*in1\.filled\(number\).*normalized_convolve"):
        signal.convolve(masked, [1.0, 1.0])
    # Where gaps have a meaning, the mask is one.
    np.testing.assert_array_equal(signal.normalized_convolve(masked, [1.0, 1.0, 1.0]), [1.0, 1.5, 1.0])
    for bad in (np.array(["a"]), np.zeros(2, [("a", float)]), np.zeros(2, "M8[D]"), None):
        with pytest.raises(TypeError, match=r"`in2` has dtype .*which JAX cannot hold"):
            signal.convolve([1.0, 2.0], bad)
    with pytest.raises(ValueError, match="`in1` is not a rectangular array"):
        signal.convolve([[1, 2], [3]], [1])


EMPTY, ROWS, X, IMAGE = np.zeros(0), np.zeros((0, 3)), np.ones(5), np.ones((4, 3))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("convolve", (EMPTY, X, "same")),
        ("fftconvolve", (EMPTY, X)),
        ("oaconvolve", (X, EMPTY)),
        ("convolve2d", (ROWS, IMAGE)),
        ("convolve2d", (IMAGE, ROWS)),
        ("convolve2d", (ROWS, IMAGE, "same")),
        ("convolve2d", (IMAGE, ROWS, "valid")),
        ("correlate2d", (IMAGE, ROWS, "same")),
        ("sepfir2d", (ROWS, [1.0], [1.0])),
        ("wiener", (EMPTY,)),
        ("wiener", (ROWS,)),
    ],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_empty_arrays_give_what_scipy_gives(name, arguments):
    import scipy.signal

    expected = getattr(scipy.signal, name)(*arguments)
    got = getattr(signal, name)(*arguments)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)

"""SciPy's own filter tests, from its wheel, with jconv.ndimage in SciPy's place.

Each exclusion below has its reason. Results are handed to the tests as NumPy arrays, which is what they compare.
By default the first case of every test runs; the rest is marked slow.
"""

import functools
import re
import types as module_types
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import jconv.ndimage

# The harness follows the private helpers of SciPy 1.17's test suite; SciPy 1.18 moved them.
numpy_namespace = pytest.importorskip("scipy._lib.array_api_compat.numpy", exc_type=ImportError)
original = pytest.importorskip("scipy.ndimage.tests.test_filters", exc_type=ImportError)

# pattern of the test's name (with its parameters): why it does not apply
EXCLUDED = {
    r"test_generic_filter1d01.*": "the function writes into its second argument; JAX arrays do not change",
    r"test_gh_5430": "a test of SciPy's private helper _ni_support._normalize_sequence",
    r"test_multiple_modes_sequentially": "wants a filter's two axes at once and one by one to agree in the last bit of "
    "0.4; small boxes are one pass here, and they agree to rounding",
    r"test_gaussian_filter_float16": "expects float16 to be refused; it is supported here",
}

hypothesis.settings.register_profile("jit", deadline=None, max_examples=20)
hypothesis.settings.load_profile("jit")  # the first call of each shape compiles


def _numpy(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        return result if isinstance(result, np.ndarray) else np.array(result)  # one that the test may write to

    return call


def _in_place_of_scipy():
    ours = module_types.SimpleNamespace(__name__="scipy.ndimage")
    for name in jconv.ndimage.__all__:
        setattr(ours, name, _numpy(getattr(jconv.ndimage, name)))
    return ours


def _load():
    source = Path(original.__file__).read_text()
    source = source.replace("from scipy import ndimage\n", "").replace(
        "from . import types", "from scipy.ndimage.tests import types"
    )
    # The decorators that spread the tests over array libraries look the functions up in SciPy's own tables.
    source = source.replace("    make_xp_test_case,\n    make_xp_pytest_param,\n", "")
    names = {
        "__name__": __name__,
        "ndimage": _in_place_of_scipy(),
        "make_xp_test_case": lambda *functions, **kwargs: lambda test: test,
        "make_xp_pytest_param": lambda *args, **kwargs: pytest.param(*args),
    }
    exec(compile(source, original.__file__, "exec"), names)
    return {name: value for name, value in names.items() if name.startswith(("test_", "Test"))}


globals().update(_load())


@pytest.fixture
def xp():
    return numpy_namespace


@pytest.fixture
def num_parallel_threads():
    return 1


@pytest.fixture(autouse=True)
def _skip_what_is_excluded(request):
    for pattern, reason in EXCLUDED.items():
        if re.fullmatch(pattern, request.node.name):
            pytest.skip(reason)


pytestmark = [
    pytest.mark.filterwarnings("ignore:results from .* are possible and wrap around:RuntimeWarning"),
]

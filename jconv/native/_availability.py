"""Whether native loops can be used here: asked once in a process."""

from __future__ import annotations

import functools
import importlib.util
import struct
import sys
import warnings

import jax
import numpy as np

from jconv._core.environment import switch
from jconv.native._build import Kernel, register

_PROBE = Kernel("jconv.native._probe_loop", "probe", "int32")


@functools.cache
def refusal() -> str | None:
    """Say why native loops are not used in this process.

    Returns
    -------
    str or None
        None where they are used on CPU, else the reason why JAX's own operations take their place.

    Notes
    -----
    `JCONV_NATIVE=0` switches them off. A reason that calls for a repair (the layout of XLA's call frame is not the one
    that the loops know, or a loop does not compile) is also given as a warning, once.

    Examples
    --------
    >>> refusal() is None or isinstance(refusal(), str)
    True
    """
    if switch("JCONV_NATIVE") is False:
        return "switched off by JCONV_NATIVE"
    if sys.byteorder != "little" or struct.calcsize("P") != 8:
        return "the loops are written for little-endian processors of 64 bits"
    for package in ("numba", "llvmlite"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed; pip install 'jconv[native]' brings it"
    try:
        device = jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return "JAX has no CPU backend here"
    try:
        matches = _probe(device)
    except Exception as error:
        reason = f"a native loop did not run: {type(error).__name__}: {str(error)[:200]}"
    else:
        if matches:
            return None
        reason = f"the call frame of this jaxlib is not laid out as the loops expect (JAX {jax.__version__})"
    warnings.warn(
        f"{reason}; jconv uses JAX's own operations instead, which are slower and as exact",
        RuntimeWarning,
        stacklevel=2,
    )
    return reason


def _probe(device: jax.Device) -> bool:  # pyright: ignore[reportInvalidTypeForm]
    """Whether a call reads its operands, sizes, parameters and the frame's own sizes as they are."""
    with jax.ensure_compile_time_eval(), jax.default_device(device):
        target = register(_PROBE)
        call = jax.ffi.ffi_call(target, jax.ShapeDtypeStruct((8,), np.int32))
        facts = jax.jit(lambda x: call(x, parameters=np.array([5, 17], np.int64)))(np.array([[2, 3, 4]], np.int32))
        return np.asarray(facts).tolist() == [1, 2, 1, 3, 4, 17, 1, 8]

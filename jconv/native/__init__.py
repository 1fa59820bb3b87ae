"""Sequential work as compiled loops inside `jit`: recursive filters and order statistics on CPU.

XLA's CPU compiler has no good form for work that is sequential or that branches. Such work is a loop written in Python
here, compiled by numba and registered with `jax.ffi` as a custom call. Programs that contain it run without Python,
can be serialised and cached, and use XLA's own threads. numba is optional (`pip install 'jconv[native]'`) and imported
only where a loop's machine code is not in jconv's cache directory. Which programs contain a loop is decided when they
are lowered: programs for a GPU or a TPU, exported ones, and ones that XLA partitions over several devices by itself
(outside `shard_map`) contain the `fallback` instead, as everything does where `refusal()` gives a reason.

- `lfilter`, `sosfilt`: recursive filters, linear primitives in the signal and the initial states: both modes, `vmap` as
  one call. Coefficients are constants there: wrap the call in a `jax.custom_jvp` for derivatives in them.
- `rank_windows`, `pick`, `Footprint`, `is_ordered`: order statistics of sliding windows, and the linear map that is
  their derivative. `jconv._order` puts the two together.
- `float64_bits`, `from_float64_bits`: float64 numbers as pairs of 32-bit words, for fallbacks.
- `refusal`: None, or why loops are not used in this process.
- `unsuitable`: for operations elsewhere that choose a loop when they are lowered.

`import jconv.native.register` registers all loops at once, for a program that another process compiled and serialised.
"""

from jconv.native._availability import refusal
from jconv.native._bits import float64_bits, from_float64_bits
from jconv.native._calls import unsuitable as unsuitable
from jconv.native._order import Footprint as Footprint
from jconv.native._order import is_ordered as is_ordered
from jconv.native._order import pick as pick
from jconv.native._order import rank_windows as rank_windows
from jconv.native._recursion import lfilter, sosfilt

__all__ = [
    "float64_bits",
    "from_float64_bits",
    "lfilter",
    "refusal",
    "sosfilt",
]

"""Try jaxlib's oneDNN calls, and print "right" if they give the right numbers; may abort the process.

`jconv.engine._onednn_probe` runs it in a child process, with `JCONV_ONEDNN_CHILD=1`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.engine._api.lax import conv_general_dilated
from jconv.engine.algorithms._parts import products

CONVOLUTIONS = (  # shape of the input, of the kernel, strides, padding, dilation, groups; channels last
    ((2, 9, 11, 5), (3, 2, 5, 7), (2, 1), ((1, 0), (2, 1)), (1, 2), 1),
    ((1, 8, 8, 32), (3, 3, 1, 32), (1, 1), ((1, 1), (1, 1)), (1, 1), 32),
    ((2, 33, 16), (5, 8, 32), (3,), ((2, 2),), (1,), 2),
    ((1, 5, 6, 7, 3), (3, 3, 3, 3, 4), (1, 1, 2), ((1, 1),) * 3, (1, 1, 1), 1),
    ((5, 8, 9, 4), (7, 8, 4, 6), (1, 1), ((1, 1), (0, 1)), (1, 1), 1),
    ((1, 30, 30, 8), (5, 5, 1, 8), (1, 1), ((4, 4), (4, 4)), (2, 2), 8),
    ((2, 33, 16), (31, 1, 16), (1,), ((15, 15),), (1,), 16),
    ((1, 3, 6, 6, 16), (3, 6, 6, 1, 16), (1, 1, 1), ((0, 0), (1, 1), (1, 1)), (1, 1, 1), 16),
)


def main() -> None:
    """Compare every form of call that the engine makes."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    for shape, kernel, strides, padding, dilation, groups in CONVOLUTIONS:
        space = "DHW"[3 - len(strides) :]
        options = {
            "rhs_dilation": dilation,
            "dimension_numbers": (f"N{space}C", f"{space}IO", f"N{space}C"),
            "feature_group_count": groups,
        }
        x, w = draw(*shape), draw(*kernel)
        got = conv_general_dilated(x, w, strides, padding, **options, algorithm="onednn")
        want = jax.lax.conv_general_dilated(jnp.asarray(x), jnp.asarray(w), strides, padding, **options)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    for batch in ((), (3,)):
        a, b = draw(*batch, 5, 17), draw(*batch, 17, 6)
        np.testing.assert_allclose(jax.jit(products.onednn_product)(a, b), a @ b, rtol=1e-4, atol=1e-4)
    a, b = draw(2, 3, 1, 17, 5), draw(2, 1, 4, 17, 6)
    pairs = jax.jit(lambda a, b: products.onednn_product(a, b, transpose_a=True))(a, b)
    np.testing.assert_allclose(pairs, np.swapaxes(a, -1, -2) @ b, rtol=1e-4, atol=1e-4)
    print("right")


if __name__ == "__main__":
    main()

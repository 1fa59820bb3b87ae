"""Convolution with a fixed kernel as a linear operator: product, adjoint, norm and inverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from jconv._core import check, html
from jconv._core.concrete import host
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type, real_type
from jconv.signal.convolution._convolve import convolve
from jconv.signal.convolution._extent import Mode, check_mode
from jconv.signal.convolution._linear import boundary_rule
from jconv.signal.convolution._transfer import transfer

if TYPE_CHECKING:
    from lineax import FunctionLinearOperator  # pyright: ignore[reportMissingImports]


@partial(jax.tree_util.register_dataclass, data_fields=["kernel"], meta_fields=["shape", "mode", "boundary"])
class ConvolutionOperator:
    r"""Represent the linear map x ↦ `convolve(x, kernel, mode, boundary=boundary)` on arrays of one shape.

    .. math:: A x = h * x, \qquad \langle A x, y \rangle = \langle x, A^{*} y \rangle

    Parameters
    ----------
    kernel : array_like, shape (k1, …)
        The kernel h.
    shape : tuple of ints
        The shape of x, of the rank of `kernel`.
    mode : {"same", "full", "valid"}
        As in `convolve`. Default "same".
    boundary : str
        As in `convolve`. "wrap" with mode "same" is the circular convolution, which the FFT diagonalises. Default
        "fill".

    Raises
    ------
    ValueError
        If ranks do not fit, a word is unknown or an array is empty.

    Notes
    -----
    A pytree whose leaf is the kernel: it passes through `jit`, `grad` and `vmap`, and its methods are differentiable.

    Examples
    --------
    >>> A = ConvolutionOperator([1.0, 2.0, 1.0], (4,), boundary="wrap")
    >>> A.matvec([1.0, 0, 0, 0]).tolist(), float(A.singular_values().max())
    ([2.0, 1.0, 0.0, 1.0], 4.0)
    """

    def __init__(self, kernel: ArrayLike, shape: Sequence[int], *, mode: Mode = "same", boundary: str = "fill") -> None:
        h = as_array("kernel", kernel)
        self.kernel = cast(h, inexact_type(h))
        self.shape = tuple(check.positive_int(f"shape[{i}]", s) for i, s in enumerate(shape))
        check.rank("kernel", h, len(self.shape), "give it the rank of `shape`")
        check.not_empty("kernel", h)
        check_mode(mode)
        self.mode: Mode = mode
        self.boundary = boundary
        boundary_rule(boundary)

    def __repr__(self) -> str:
        taps = " × ".join(map(str, jnp.shape(self.kernel)))
        return f"ConvolutionOperator(kernel {taps}, shape={self.shape}, mode={self.mode!r}, boundary={self.boundary!r})"

    def _repr_html_(self) -> str:
        kernel = host(self.kernel)
        rows = [
            ("input", self.shape),
            ("output", self.out_structure.shape),
            ("dtype", self.kernel.dtype),
            ("mode", self.mode),
            ("boundary", self.boundary),
            ("diagonalised by the FFT", "yes" if self.is_circular else "no"),
        ]
        shown = "" if kernel is None else html.cells(kernel)
        return html.table(rows, caption=repr(self)) + shown

    @property
    def is_circular(self) -> bool:
        """Whether the FFT diagonalises the operator."""
        fits = all(k <= n for k, n in zip(self.kernel.shape, self.shape, strict=True))
        return self.mode == "same" and boundary_rule(self.boundary) == "wrap" and fits

    @property
    def in_structure(self) -> jax.ShapeDtypeStruct:
        """Shape and dtype of x."""
        return jax.ShapeDtypeStruct(self.shape, self.kernel.dtype)

    @property
    def out_structure(self) -> jax.ShapeDtypeStruct:
        """Shape and dtype of A x."""
        return jax.eval_shape(self.matvec, self.in_structure)

    def matvec(self, x: ArrayLike) -> jax.Array:
        """Compute A x."""
        x = cast(as_array("x", x), self.kernel.dtype)
        if x.shape != self.shape:
            raise ValueError(f"`x` must have the operator's shape {self.shape}, got {x.shape}")
        return convolve(x, self.kernel, self.mode, boundary=self.boundary)

    def adjoint(self, y: ArrayLike) -> jax.Array:
        """Compute A* y, the conjugate transpose."""
        y = cast(as_array("y", y), self.kernel.dtype)
        if y.shape != self.out_structure.shape:
            raise ValueError(f"`y` must have the operator's output shape {self.out_structure.shape}, got {y.shape}")
        transpose = jax.linear_transpose(self.matvec, self.in_structure)
        return transpose(y.conj())[0].conj() if jnp.iscomplexobj(y) else transpose(y)[0]

    def singular_values(self) -> jax.Array:
        """All singular values of a circular operator, |H| at every frequency, in an array of `shape`.

        Raises a ValueError for other operators; see `norm_bounds`.
        """
        if not self.is_circular:
            raise ValueError(
                "singular values are known exactly for mode='same' with boundary='wrap' and a kernel that fits; got "
                f"mode={self.mode!r}, boundary={self.boundary!r}; use norm_bounds()"
            )
        return jnp.abs(transfer(self.kernel, self.shape))

    def norm_bounds(self, *, iterations: int = 20) -> tuple[jax.Array, jax.Array]:
        r"""Numbers (lower, upper) with lower ≤ ‖A‖₂ ≤ upper, up to rounding.

        Lower: ‖A v‖ / ‖v‖ after some power iterations. Upper: with zeros outside, the maximum of |H(ω)| over all
        frequencies, bounded from a grid of N_i points by :math:`\max |H|^2 \le \max_{grid} |H|^2 \prod_i
        1 / \cos(\pi (k_i - 1) / N_i)` (Ehlich and Zeller, Math. Z. 86, 1964); under another rule
        :math:`\sqrt{\|A\|_1 \|A\|_\infty}` of |h|, exactly computed.
        """
        start = jnp.ones(self.shape, self.kernel.dtype) + jnp.linspace(0, 0.5, math.prod(self.shape)).reshape(
            self.shape
        ).astype(self.kernel.dtype)

        def power(_: jax.Array, v: jax.Array) -> jax.Array:
            w = self.adjoint(self.matvec(v))
            return w / jnp.maximum(_norm(w), jnp.finfo(w.dtype).tiny)

        v = jax.lax.fori_loop(0, iterations, power, start)
        lower = _norm(self.matvec(v)) / jnp.maximum(_norm(v), jnp.finfo(v.dtype).tiny)
        if self.is_circular:
            return lower, jnp.max(self.singular_values())
        if boundary_rule(self.boundary) == "constant":
            grid = tuple(16 * k for k in self.kernel.shape)
            spectrum = transfer(self.kernel, grid)
            slack = math.prod(math.cos(math.pi * (k - 1) / n) for k, n in zip(self.kernel.shape, grid, strict=True))
            return lower, jnp.max(jnp.abs(spectrum)) / math.sqrt(slack)
        size = ConvolutionOperator(jnp.abs(self.kernel), self.shape, mode=self.mode, boundary=self.boundary)
        rows = size.matvec(jnp.ones(self.shape, size.kernel.dtype))
        columns = size.adjoint(jnp.ones(self.out_structure.shape, size.kernel.dtype))
        return lower, jnp.sqrt(jnp.max(rows) * jnp.max(columns))

    def solve(
        self, y: ArrayLike, *, damping: ArrayLike = 0.0, iterations: int = 100, tolerance: float = 1e-10
    ) -> jax.Array:
        r"""Find the x that minimises :math:`\|A x - y\|^2 + \lambda \|x\|^2`.

        One division of spectra for a circular operator, else conjugate gradients on
        :math:`(A^* A + \lambda) x = A^* y`. `damping` is λ; `iterations` and `tolerance` stop the gradients.
        """
        y = cast(as_array("y", y), self.kernel.dtype)
        damping = as_array("damping", damping).astype(real_type(self.kernel.dtype))
        right = self.adjoint(y)
        if self.is_circular:
            power = self.singular_values() ** 2 + damping
            x = jnp.fft.ifftn(jnp.fft.fftn(right) / power)
            return x if jnp.iscomplexobj(y) else x.real.astype(y.dtype)

        def normal(x: jax.Array) -> jax.Array:
            return self.adjoint(self.matvec(x)) + damping * x

        x, _ = jax.scipy.sparse.linalg.cg(normal, right, tol=tolerance, maxiter=iterations)
        return x

    def as_lineax(self) -> FunctionLinearOperator:
        """Return the operator as a `lineax.FunctionLinearOperator`; needs lineax."""
        import lineax  # pyright: ignore[reportMissingImports]

        return lineax.FunctionLinearOperator(self.matvec, self.in_structure)


def _norm(x: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(jnp.abs(x) ** 2))

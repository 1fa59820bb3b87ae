"""The tests of SciPy that jconv does not pass, by pattern, each with its reason.

A pattern that matches no failing test is an error of its own; see `test_scipy_own.py`.
"""

EXCLUDED: dict[str, str] = {
    r"test_convolve_longdtype_input": "extended precision: JAX has no longdouble",
    r"TestLinearFilter(Float|Complex)Extended": "extended precision: JAX has no longdouble",
}

"""The tests of SciPy that jconv does not pass, each with its reason.

Each is held to fail: one that passes must leave the list.
"""

EXCLUDED: dict[str, str] = {
    r"test_convolve_longdtype_input": "extended precision: JAX has no longdouble",
}

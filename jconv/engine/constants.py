"""The cost model's constants: seconds for each unit of each feature that an algorithm names.

Fitted by `python -m benchmarks.fit` (least squares on the logarithm of the ratio) to the layers, filters and signals
of `benchmarks/`, in float32 on two cores of an AMD EPYC (Zen 4, AVX-512) with JAX 0.10. Other
processors scale all of them alike, more or less, which leaves the choice as it is; where it does not,
`effort="measure"` asks the device itself.
"""

from __future__ import annotations

MARGIN = 1.0
"""Another algorithm must be estimated at less than this share of XLA's time to be chosen."""

DEFAULTS = {"calls": 2e-5, "steps": 3e-6, "bytes": 1e-10, "loop_flops": 1e-9}
"""For features of which no measurement of an algorithm has told anything."""

XLA_PRODUCTS = 1.6
"""How much longer XLA's own matrix products take than oneDNN's, for the shapes that convolutions make of them."""

CONSTANTS: dict[str, dict[str, float]] = {
    "xla": {
        "bytes": 4.12e-10,
        "calls": 7.89e-05,
        "dense_flops": 5.92e-12,
        "depthwise_flops": 8.4e-10,
        "dilated_dense_flops": 1.05e-12,
        "dilated_depthwise_flops": 2.72e-09,
        "dilated_few_gradient_flops": 1.04e-10,
        "dilated_gradient_flops": 5.14e-11,
        "dilated_grouped_flops": 3.72e-11,
        "dilated_narrow_flops": 7.83e-13,
        "few_gradient_flops": 4.49e-11,
        "gradient_flops": 7.89e-12,
        "grouped_flops": 6.09e-11,
        "grouped_gradient_flops": 1.68e-09,
        "groups": 4.37e-06,
        "narrow_flops": 7.3e-12,
        "pointwise_flops": 3.42e-12,
        "single_flops": 2.21e-10,
        "volume_dense_flops": 2.16e-11,
        "volume_depthwise_flops": 5.26e-09,
        "volume_dilated_dense_flops": 1.13e-10,
        "volume_dilated_few_gradient_flops": 3.43e-11,
        "volume_few_gradient_flops": 4.35e-11,
        "volume_grouped_gradient_flops": 1.58e-09,
        "volume_narrow_flops": 4.55e-10,
    },
    "onednn": {
        "bytes": 1.43e-10,
        "calls": 0.000125,
        "dense_flops": 4.64e-12,
        "depthwise_flops": 7.8e-12,
        "gradient_flops": 5.85e-12,
        "grouped_flops": 5.99e-12,
        "narrow_flops": 1.02e-12,
    },
    "direct": {
        "bytes": 9.11e-11,
        "calls": 4.02e-05,
        "depthwise_flops": 2.49e-11,
        "depthwise_looped_flops": 8.52e-11,
        "grouped_flops": 1.19e-10,
        "grouped_looped_flops": 2.58e-10,
        "image_bytes": 3e-11,
        "image_flops": 9.3e-12,
        "image_tall_flops": 5e-11,
        "loop_bytes": 2e-11,
        "matmul_flops": 1.32e-11,
        "matmul_looped_flops": 1.35e-11,
        "narrow_flops": 2.7e-10,
        "narrow_looped_flops": 4.63e-11,
        "signal_bytes": 4.14e-11,
        "signal_calls": 1.84e-05,
        "signal_flops": 1.75e-11,
        "single_flops": 2.71e-11,
        "single_looped_flops": 2.88e-11,
        "steps": 3e-06,
    },
    "im2col": {
        "calls": 0.000121,
        "grouped_patch_bytes": 2.41e-10,
        "onednn_flops": 8.19e-12,
        "patch_bytes": 2.82e-10,
        "steps": 3e-06,
    },
    "winograd": {
        "calls": 0.00058,
        "input_bytes": 5.3e-10,
        "kernel_bytes": 1.21e-09,
        "output_bytes": 3.44e-10,
        "steps": 3e-06,
    },
    "winograd_gradient": {
        "calls": 2e-05,
        "input_bytes": 1.33e-10,
        "kernel_bytes": 5.78e-10,
        "onednn_flops": 6.18e-13,
        "output_bytes": 3.15e-10,
        "steps": 0.000506,
    },
    "fft": {
        "bytes": 2.68e-10,
        "calls": 0.000192,
        "channel_bytes": 9.85e-11,
        "fft_flops": 3.16e-11,
        "matrix_flops": 5.4e-11,
        "product_flops": 2e-10,
        "signal_bytes": 2e-11,
        "signal_calls": 1.2e-05,
        "signal_flops": 6.56e-11,
    },
    "overlap_add": {"bytes": 2.52e-10, "calls": 1.2e-05, "channel_bytes": 7.81e-10, "fft_flops": 3.47e-11},
    "toeplitz": {
        "bytes": 3.04e-11,
        "calls": 1.2e-05,
        "direct_flops": 1.01e-11,
        "onednn_flops": 4.49e-12,
        "tap_bytes": 1e-11,
        "xla_flops": 1.02e-11,
    },
    "overlap_save": {"bytes": 3e-11, "calls": 1e-4, "fft_flops": 1.6e-11, "steps": 3e-05, "tile_bytes": 3e-10},
    "banded": {"band_bytes": 3e-11, "bytes": 3e-11, "calls": 5e-5, "onednn_flops": 2.8e-12, "piece_bytes": 1e-10},
    "polyphase": {"bytes": 3e-11, "calls": 2e-05},
    "kernel_gradient": {
        "bytes": 1.5e-10,
        "calls": 7.45e-05,
        "grouped_patch_bytes": 7.27e-11,
        "onednn_flops": 4.49e-12,
        "patch_bytes": 2.33e-10,
        "steps": 3e-06,
    },
    "channel_sum": {"bytes": 1.6e-10, "calls": 2e-05, "steps": 3e-06},
    "complex_split": {},
}


def seconds(name: str, features: dict[str, float]) -> float:
    """The estimated time of an algorithm with these features."""
    table = CONSTANTS.get(name, {})

    def constant(feature: str) -> float:
        if feature == "xla_flops" and feature not in table:
            return XLA_PRODUCTS * table.get("onednn_flops", 1e-11)
        return table.get(feature, DEFAULTS.get(feature, 0.0))

    return sum(constant(feature) * amount for feature, amount in features.items())

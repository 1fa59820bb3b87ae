"""The cost model's constants: seconds for each unit of each feature that an algorithm names.

Fitted by `python -m benchmarks.fit` (least squares on the logarithm of the ratio) to the layers, filters and signals
of `benchmarks/`, in float32 on two cores of an AMD EPYC (Zen 4, AVX-512) with JAX 0.10. Other
processors scale all of them alike, more or less, which leaves the choice as it is; where it does not,
`effort="measure"` asks the device itself.
"""

from __future__ import annotations

MARGIN = 0.95
"""Another algorithm must be estimated at less than this share of XLA's time to be chosen: estimates err."""

DEFAULTS = {"calls": 2e-5, "steps": 3e-6, "bytes": 1e-10, "loop_flops": 1e-9}
"""For features of which no measurement of an algorithm has told anything."""

CONSTANTS: dict[str, dict[str, float]] = {
    "xla": {
        "bytes": 3.88e-10,
        "calls": 0.0003,
        "dense_flops": 5.84e-12,
        "depthwise_flops": 6.89e-10,
        "dilated_dense_flops": 9.48e-13,
        "dilated_depthwise_flops": 2.55e-09,
        "dilated_gradient_flops": 5.13e-11,
        "dilated_grouped_flops": 3.14e-11,
        "dilated_narrow_flops": 7.29e-13,
        "few_gradient_flops": 4.61e-11,
        "gradient_flops": 7.41e-12,
        "grouped_flops": 5.34e-11,
        "grouped_gradient_flops": 1.5e-09,
        "groups": 4.66e-05,
        "narrow_flops": 2.62e-12,
        "pointwise_flops": 3.41e-12,
        "single_flops": 2.1e-10,
        "volume_dense_flops": 2.16e-11,
        "volume_depthwise_flops": 5.24e-09,
        "volume_dilated_dense_flops": 1.13e-10,
        "volume_dilated_few_gradient_flops": 3.42e-11,
        "volume_few_gradient_flops": 4.35e-11,
        "volume_grouped_gradient_flops": 1.55e-09,
        "volume_narrow_flops": 4.55e-10,
    },
    "onednn": {
        "bytes": 1.14e-10,
        "calls": 0.000417,
        "dense_flops": 4.39e-12,
        "depthwise_flops": 7.28e-12,
        "gradient_flops": 5.03e-12,
        "grouped_flops": 5.64e-12,
        "narrow_flops": 6.67e-13,
    },
    "direct": {
        "bytes": 6.96e-11,
        "calls": 3.49e-05,
        "depthwise_flops": 3.8e-11,
        "depthwise_looped_flops": 4.81e-11,
        "grouped_flops": 1.5e-10,
        "grouped_looped_flops": 2.45e-10,
        "loop_bytes": 3.28e-11,
        "matmul_flops": 1.29e-11,
        "matmul_looped_flops": 9.24e-12,
        "narrow_flops": 1.97e-10,
        "narrow_looped_flops": 2.12e-11,
        "single_flops": 2.87e-11,
        "single_looped_flops": 2.91e-11,
        "steps": 3e-06,
    },
    "im2col": {
        "calls": 0.00082,
        "grouped_patch_bytes": 2.21e-10,
        "onednn_flops": 5.29e-12,
        "patch_bytes": 2.35e-10,
        "steps": 3.82e-05,
    },
    "winograd": {
        "calls": 0.00114,
        "input_bytes": 5.1e-10,
        "kernel_bytes": 1.21e-09,
        "output_bytes": 2.59e-10,
        "steps": 3e-06,
    },
    "winograd_gradient": {
        "calls": 2e-05,
        "input_bytes": 1.28e-10,
        "kernel_bytes": 5.68e-10,
        "output_bytes": 2.14e-10,
        "steps": 0.00101,
    },
    "fft": {
        "bytes": 1.35e-10,
        "calls": 0.000328,
        "channel_bytes": 9.89e-11,
        "fft_flops": 4.27e-11,
        "matrix_flops": 2.1e-10,
        "product_flops": 3.63e-10,
    },
    "overlap_add": {"bytes": 4.42e-10, "calls": 0.000113, "channel_bytes": 7.81e-10, "fft_flops": 2.64e-11},
    "toeplitz": {"bytes": 1.66e-10, "calls": 0.000188, "onednn_flops": 1.01e-11},
    "polyphase": {"bytes": 3e-11, "calls": 2e-05},
    "kernel_gradient": {
        "bytes": 3e-11,
        "calls": 0.00109,
        "grouped_patch_bytes": 1.3e-10,
        "onednn_flops": 4.69e-12,
        "patch_bytes": 1.48e-10,
        "steps": 2.57e-05,
    },
    "channel_sum": {"bytes": 1.58e-10, "calls": 2e-05, "steps": 3e-06},
    "complex_split": {},
}


def seconds(name: str, features: dict[str, float]) -> float:
    """The estimated time of an algorithm with these features."""
    table = CONSTANTS.get(name, {})
    return sum(table.get(feature, DEFAULTS.get(feature, 0.0)) * amount for feature, amount in features.items())

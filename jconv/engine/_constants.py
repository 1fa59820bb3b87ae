"""The cost model's constants: seconds for each unit of each feature that an algorithm names.

Fitted by `python -m benchmarks.fit` (least squares on the logarithm of the ratio) to the layers, filters and signals
of `benchmarks/`, in float32 on two cores of AMD EPYCs (Zen 4 and 5, AVX-512), with JAX 0.10 and 0.12 together, with
oneDNN and without; those of FFTs, overlap-save and channel sums anew with JAX 0.12, those of oneDNN, kernel gradients
and Winograd's transforms with both and the layers of the tasks' models too, with contenders that are awake, that is,
called in a loop. Some were then set by hand, and want to be set again after a fit: oneDNN's `kernel_bytes` and
`narrow_bytes` by whole training steps; the calls and gradients of XLA up to JAX 0.11 so that small layers are chosen
well and training steps stay as fast; and by layers that were chosen wrongly, timed beside their other candidates,
oneDNN's `few_outputs_flops`, the sum's `stem_…`, the narrow and strided patches of im2col, the single patches of kernel
gradients, and, without oneDNN, the products of kernel gradients and the calls of Winograd's algorithm.
XLA's own convolutions have two sets: it works with Eigen up to JAX 0.11, with YNNPACK since 0.12.
Other processors scale all constants alike, more or less, which leaves the choice as it is; where it does not,
`effort="measure"` asks the device itself.
"""

from __future__ import annotations

MARGINS = {"onednn": 0.85, "kernel_gradient": 0.9}
MARGIN = 0.8
"""Another algorithm must be estimated at less than this share of XLA's time to be chosen."""

SPREADING = 5e-5
"""Seconds that an algorithm which spreads rounding errors must save: below that nobody notices, and zeros stay zero."""

DEFAULTS = {"calls": 2e-5, "steps": 3e-6, "bytes": 1e-10, "parts": 1.0, "depthwise_parts": 1.0}
"""For features of which no measurement of an algorithm has told anything."""

LOOP = 1e-9
"""The same for XLA's floating-point operations: what it has no library for runs in a plain loop."""

XLA_PRODUCTS = 1.6
"""How much longer XLA's own matrix products take than oneDNN's, for the shapes that convolutions make of them."""

CONSTANTS: dict[str, dict[str, float]] = {
    "xla": {
        "eigen_bytes": 1.56e-10,
        "eigen_calls": 0.00013,
        "eigen_dense_flops": 3.15e-12,
        "eigen_depthwise_flops": 3.62e-10,
        "eigen_dilated_dense_flops": 5.26e-13,
        "eigen_dilated_depthwise_flops": 2.28e-09,
        "eigen_dilated_few_gradient_flops": 1.04e-10,
        "eigen_dilated_gradient_flops": 9.58e-11,
        "eigen_dilated_grouped_flops": 3.02e-11,
        "eigen_dilated_narrow_flops": 1.07e-12,
        "eigen_few_gradient_flops": 3.06e-11,
        "eigen_gradient_flops": 6.9e-12,
        "eigen_grouped_flops": 2.88e-11,
        "eigen_grouped_gradient_flops": 5.66e-10,
        "eigen_groups": 3.41e-05,
        "eigen_narrow_flops": 3.99e-12,
        "eigen_pointwise_flops": 1.28e-12,
        "eigen_single_flops": 2.21e-10,
        "eigen_volume_dense_flops": 2.16e-11,
        "eigen_volume_depthwise_flops": 5.26e-09,
        "eigen_volume_dilated_dense_flops": 1.13e-10,
        "eigen_volume_dilated_few_gradient_flops": 3.43e-11,
        "eigen_volume_few_gradient_flops": 4.35e-11,
        "eigen_volume_grouped_gradient_flops": 1.58e-09,
        "eigen_volume_narrow_flops": 4.55e-10,
        "ynn_bytes": 1.92e-10,
        "ynn_calls": 7.25e-05,
        "ynn_dense_flops": 2.16e-12,
        "ynn_depthwise_flops": 4.95e-10,
        "ynn_dilated_dense_flops": 6.69e-13,
        "ynn_dilated_depthwise_flops": 1.72e-09,
        "ynn_dilated_few_gradient_flops": 1.04e-10,
        "ynn_dilated_gradient_flops": 5.14e-11,
        "ynn_dilated_grouped_flops": 3.2e-11,
        "ynn_dilated_narrow_flops": 8.98e-13,
        "ynn_few_gradient_flops": 1.19e-11,
        "ynn_gradient_flops": 5.71e-12,
        "ynn_grouped_flops": 2.44e-11,
        "ynn_grouped_gradient_flops": 1.07e-09,
        "ynn_groups": 3.55e-06,
        "ynn_narrow_flops": 3.2e-12,
        "ynn_pointwise_flops": 6.27e-13,
        "ynn_single_flops": 2.21e-10,
        "ynn_volume_dense_flops": 1.51e-11,
        "ynn_volume_depthwise_flops": 3.54e-09,
        "ynn_volume_dilated_dense_flops": 7.91e-11,
        "ynn_volume_dilated_few_gradient_flops": 3.43e-11,
        "ynn_volume_few_gradient_flops": 3.73e-11,
        "ynn_volume_grouped_gradient_flops": 1.27e-09,
        "ynn_volume_narrow_flops": 3.5e-10,
        "ynn_dilated_pointwise_flops": 0.0,
        "eigen_dilated_pointwise_flops": 0.0,
    },
    "onednn": {
        "bytes": 3e-11,
        "calls": 2.24e-05,
        "dense_flops": 2.08e-12,
        "depthwise_flops": 2.52e-12,
        "few_outputs_flops": 8e-13,
        "gradient_flops": 5.58e-12,
        "grouped_flops": 2.52e-12,
        "narrow_flops": 4.55e-13,
        "flops": 0.0,
        "kernel_bytes": 8e-11,
        "strided_flops": 0.0,
        "narrow_bytes": 5e-11,
    },
    "direct": {
        "bytes": 9.11e-11,
        "calls": 4.02e-05,
        "depthwise_flops": 6.05e-12,
        "depthwise_looped_flops": 2.71e-11,
        "eigen_pointwise_flops": 2e-12,
        "grouped_flops": 8.19e-11,
        "grouped_looped_flops": 6.35e-11,
        "image_bytes": 3e-11,
        "image_calls": 1.2e-05,
        "image_flops": 9.3e-12,
        "image_tall_flops": 5e-11,
        "loop_bytes": 2e-11,
        "matmul_flops": 6.84e-12,
        "matmul_looped_flops": 5.71e-12,
        "narrow_flops": 1.17e-10,
        "narrow_looped_flops": 1.13e-11,
        "pointwise_bytes": 2.5e-11,
        "pointwise_calls": 1.2e-05,
        "signal_bytes": 4.14e-11,
        "signal_calls": 1.84e-05,
        "signal_flops": 1.75e-11,
        "single_flops": 2.71e-11,
        "single_looped_flops": 2.88e-11,
        "stem_bytes": 1e-11,
        "stem_flops": 1.3e-11,
        "stem_looped_flops": 2.71e-11,
        "steps": 3e-06,
        "strided_flops": 0.0,
        "volume_grouped_looped_flops": 2e-12,
        "volume_matmul_flops": 2.01e-11,
        "volume_matmul_looped_flops": 2e-12,
        "volume_narrow_flops": 5.46e-10,
        "volume_narrow_looped_flops": 3.95e-11,
        "ynn_pointwise_flops": 1.2e-12,
    },
    "im2col": {
        "calls": 2.55e-05,
        "grouped_patch_bytes": 4.43e-11,
        "onednn_flops": 3.8e-12,
        "patch_bytes": 4.92e-11,
        "steps": 1.52e-05,
        "narrow_patch_bytes": 1e-10,
        "ynn_flops": 3.8e-12,
        "eigen_flops": 1.8e-11,
        "gradient_patch_bytes": 3.47e-10,
        "strided_patch_bytes": 2.9e-10,
    },
    "winograd": {
        "eigen_calls": 6e-05,
        "eigen_flops": 2e-12,
        "eigen_input_bytes": 1.74e-10,
        "eigen_output_bytes": 9.57e-11,
        "kernel_bytes": 8.13e-11,
        "onednn_calls": 2e-05,
        "onednn_flops": 2e-12,
        "steps": 1.84e-05,
        "ynn_calls": 6e-05,
        "ynn_flops": 2.4e-12,
        "ynn_input_bytes": 9.69e-11,
        "ynn_output_bytes": 5.52e-11,
    },
    "winograd_gradient": {
        "calls": 2e-05,
        "eigen_flops": 2e-12,
        "eigen_input_bytes": 1.46e-10,
        "eigen_output_bytes": 1.4e-10,
        "kernel_bytes": 4.64e-11,
        "onednn_flops": 2e-12,
        "steps": 3e-06,
        "ynn_flops": 2e-12,
        "ynn_input_bytes": 1.09e-10,
        "ynn_output_bytes": 8.95e-11,
    },
    "fft": {
        "bytes": 1.24e-10,
        "calls": 3.19e-05,
        "channel_bytes": 4.47e-11,
        "fft_flops": 0.0,
        "matrix_flops": 8.61e-11,
        "product_flops": 1.28e-10,
        "signal_bytes": 0.0,
        "signal_calls": 0.0,
        "signal_flops": 5.97e-11,
    },
    "overlap_add": {"bytes": 2.52e-10, "calls": 1.2e-05, "channel_bytes": 7.81e-10, "fft_flops": 3.47e-11},
    "overlap_save": {"bytes": 3e-11, "calls": 2e-05, "fft_flops": 7.61e-12, "steps": 3e-06, "tile_bytes": 3.92e-10},
    "toeplitz": {
        "bytes": 3.04e-11,
        "calls": 1.2e-05,
        "direct_flops": 1.01e-11,
        "image_flops": 2.2e-12,
        "onednn_flops": 4.49e-12,
        "tap_bytes": 1e-11,
        "eigen_flops": 4.49e-12,
        "ynn_flops": 4.49e-12,
    },
    "banded": {"band_bytes": 3e-11, "bytes": 3e-11, "calls": 5e-05, "onednn_flops": 2.8e-12, "piece_bytes": 1e-10},
    "columns": {"bytes": 3e-11, "calls": 1e-05},
    "polyphase": {"bytes": 3e-11, "calls": 2e-05, "depthwise_parts": 0.0, "parts": 0.66},
    "phase_sum": {"bytes": 2e-11, "calls": 2e-05, "term_flops": 1e-11},
    "exchange": {"calls": 2e-05, "parts": 0.75},
    "kernel_gradient": {
        "bytes": 3e-11,
        "calls": 2e-05,
        "onednn_flops": 2e-12,
        "eigen_patch_bytes": 7.1e-11,
        "eigen_single_patch_bytes": 1.8e-10,
        "ynn_single_patch_bytes": 0.0,
        "ynn_patch_bytes": 3.6e-11,
        "result_bytes": 2.45e-10,
        "steps": 3e-06,
        "ynn_flops": 4.4e-12,
        "eigen_flops": 2e-12,
    },
    "channel_sum": {"bytes": 3e-11, "calls": 2e-05, "steps": 3e-06, "parts": 0.637},
    "complex_split": {},
}


CUDA: dict[str, dict[str, float]] = {
    "xla": {
        "calls": 5e-5,
        "depthwise_flops": 1.9e-12,
        "depthwise_gradient_flops": 1.3e-12,
        "depthwise_small_flops": 2e-13,
        "single_flops": 3.3e-13,
    },
    "direct": {
        "calls": 4e-5,
        "depthwise_flops": 2.5e-13,
        "depthwise_looped_flops": 1.4e-12,
        "image_flops": 2e-12,
        "image_tall_flops": 0.0,
        "signal_flops": 2e-12,
        "single_flops": 2e-12,
        "single_looped_flops": 2e-12,
        "strided_flops": 0.0,
    },
    "fft": {
        "calls": 9e-5,
        "bytes": 1.7e-12,
        "fft_flops": 0.0,
        "matrix_flops": 0.0,
        "product_flops": 0.0,
        "signal_bytes": 1.7e-12,
        "signal_flops": 0.0,
    },
}
"""The same on NVIDIA's GPUs, from what `python -m benchmarks.gpu` took in float32 on an H100, for convolutions that mix
no channels. There is no estimate where an algorithm does operations that are not named: cuDNN is the fastest then."""

CUDA_MARGIN = 0.6


def margin(name: str, platform: str = "cpu") -> float:
    """The share of XLA's estimated time below which an algorithm is preferred to it."""
    return CUDA_MARGIN if platform == "cuda" else MARGINS.get(name, MARGIN)


def seconds(name: str, features: dict[str, float], platform: str = "cpu") -> float:
    """The estimated time of an algorithm with these features; infinite where there is no estimate."""
    if platform == "cpu":
        return _cpu_seconds(name, features)
    table = CUDA.get(name, {}) if platform == "cuda" else {}
    if any(amount and feature.endswith("_flops") and feature not in table for feature, amount in features.items()):
        return float("inf")
    rest = sum(table.get(feature, 0.0) * amount for feature, amount in features.items() if feature != "calls")
    return table.get("calls", float("inf")) + rest


def _cpu_seconds(name: str, features: dict[str, float]) -> float:
    table = CONSTANTS.get(name, {})

    def constant(feature: str) -> float:
        if feature in ("eigen_flops", "ynn_flops") and feature not in table:
            return XLA_PRODUCTS * table.get("onednn_flops", 1e-11)
        if name == "xla" and feature.endswith("_flops"):
            return table.get(feature, LOOP)
        return table.get(feature, DEFAULTS.get(feature, 0.0))

    return sum(constant(feature) * amount for feature, amount in features.items())

"""Single-channel cases: image filters and long signals, as layers of one channel."""

from __future__ import annotations

from benchmarks.layers import Layer

FILTER_SIZES = (3, 5, 7, 9, 11, 15, 21, 31, 45, 63)
IMAGES = ((724, 724), (1024, 1024), (1080, 1920), (2160, 3840))
SIGNALS = ((1 << 14, (16, 64, 256, 1024)), (1 << 17, (16, 64, 512, 4096)), (1 << 20, (4, 16, 64, 256, 1024, 16384)))

SINGLES = [
    *(
        Layer(f"filter {k}×{k}", (1, *size, 1), (k, k, 1, 1))
        for size in ((300, 400), (1024, 1024))
        for k in FILTER_SIZES[:-1]
    ),
    *(
        Layer("filter {}×{}".format(*taps), (1, 1024, 1024, 1), (*taps, 1, 1))
        for k in (9, 17, 33, 65, 129)
        for taps in ((k, 1), (1, k))
    ),
    *(Layer(f"signal * {k}", (1, n, 1), (k, 1, 1)) for n, kernels in SIGNALS for k in kernels),
]

"""The layer cases: shapes of convolutional networks, and some that no network has."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Layer:
    """One convolution layer, channels last: `x` (N, *space, C), `kernel` (*taps, C // groups, O)."""

    name: str
    x: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: int = 1
    dilation: int = 1
    groups: int = 1
    transposed: bool = False
    padding: str = "SAME"

    @property
    def ndim(self) -> int:
        return len(self.x) - 2


def label(layer: Layer) -> str:
    """A layer's name with its shapes."""
    return f"{layer.name}, {'×'.join(map(str, layer.x))}→{layer.kernel[-1]}"


def _square(name, n, size, c, o, k, **options) -> Layer:
    groups = options.get("groups", 1)
    return Layer(name, (n, size, size, c), (k, k, c // groups, o), **options)


def _depthwise(n, size, c, k, **options) -> Layer:
    name = f"depthwise {k}×{k}" + (f" /{options['strides']}" if "strides" in options else "")
    return _square(name, n, size, c, c, k, groups=c, **options)


LAYERS = [
    _square("3×3", 8, 56, 64, 64, 3),
    _square("3×3", 8, 28, 128, 128, 3),
    _square("3×3", 8, 14, 256, 256, 3),
    _square("3×3", 8, 7, 512, 512, 3),
    _square("3×3", 1, 56, 64, 64, 3),
    _square("3×3 odd", 3, 37, 48, 80, 3),
    _square("3×3 wide image", 1, 224, 16, 16, 3),
    _square("stem 7×7 /2", 4, 160, 3, 64, 7, strides=2),
    _square("stem 3×3", 16, 32, 3, 32, 3),
    _square("grey 5×5", 32, 64, 1, 16, 5),
    _square("3×3 /2", 8, 56, 64, 128, 3, strides=2),
    _square("3×3 /2", 8, 28, 128, 256, 3, strides=2),
    _square("1×1 /2", 8, 56, 64, 128, 1, strides=2),
    _square("1×1", 8, 56, 256, 64, 1),
    _square("1×1", 8, 56, 64, 256, 1),
    _square("1×1", 8, 14, 512, 128, 1),
    _square("1×1", 8, 7, 320, 1280, 1),
    _square("5×5", 8, 28, 32, 64, 5),
    _square("7×7", 4, 28, 64, 64, 7),
    _square("3×3 dilated 2", 4, 48, 64, 64, 3, dilation=2),
    _square("3×3 dilated 3", 8, 48, 48, 48, 3, dilation=3),
    _square("patches 4×4 /4", 8, 128, 3, 96, 4, strides=4, padding="VALID"),
    _square("patches 16×16 /16", 8, 224, 3, 192, 16, strides=16, padding="VALID"),
    _square("2×2 /2", 8, 32, 96, 192, 2, strides=2, padding="VALID"),
    _square("32 groups 3×3", 8, 28, 128, 128, 3, groups=32),
    _square("32 groups 3×3 /2", 8, 28, 256, 256, 3, groups=32, strides=2),
    _square("8 groups 3×3", 8, 28, 128, 128, 3, groups=8),
    _square("2 groups 5×5", 4, 27, 96, 128, 5, groups=2),
    _depthwise(8, 56, 128, 3),
    _depthwise(8, 28, 192, 3),
    _depthwise(8, 14, 384, 3),
    _depthwise(8, 112, 32, 3, strides=2),
    _depthwise(8, 56, 144, 3, strides=2),
    _depthwise(8, 28, 240, 5),
    _depthwise(8, 56, 96, 7),
    _depthwise(8, 14, 384, 7),
    _depthwise(4, 56, 64, 13),
    _depthwise(4, 56, 64, 31),
    _depthwise(2, 32, 100, 21),
    _square("small 3×3", 32, 8, 16, 32, 3),
    _square("small 5×5", 4, 12, 8, 16, 5),
    _square("small 1×1", 2, 7, 64, 64, 1),
    _square("small 3×3 /2", 4, 16, 32, 64, 3, strides=2),
    _square("small 4 groups", 2, 14, 32, 32, 3, groups=4),
    _depthwise(2, 14, 64, 3),
    _depthwise(1, 28, 32, 5, strides=2),
    _square("small transposed", 2, 8, 32, 32, 2, strides=2, transposed=True),
    Layer("small 1-D", (4, 128, 16), (5, 16, 16)),
    _square("transposed 2×2 /2", 4, 28, 128, 64, 2, strides=2, transposed=True),
    _square("transposed 4×4 /2", 4, 28, 128, 64, 4, strides=2, transposed=True),
    _square("transposed 3×3 /2", 8, 16, 64, 64, 3, strides=2, transposed=True),
    _square("transposed 8×8 /2", 2, 259, 4, 1, 8, strides=2, transposed=True),
    Layer("1-D 9", (4, 16384, 64), (9, 64, 64)),
    Layer("1-D 3", (16, 1024, 128), (3, 128, 128)),
    Layer("1-D depthwise 4", (8, 4096, 256), (4, 1, 256), groups=256),
    Layer("1-D stem 25 /4", (8, 16000, 1), (25, 1, 32), strides=4),
    Layer("1-D windows 256 /512", (4, 88456, 1), (256, 1, 12), strides=512, padding="VALID"),
    Layer("1-D windows 256 /128", (4, 88456, 1), (256, 1, 12), strides=128, padding="VALID"),
    Layer("1-D transposed 16 /8", (4, 512, 64), (16, 64, 32), strides=8, transposed=True),
    Layer("3-D 3×3×3", (2, 24, 48, 48, 16), (3, 3, 3, 16, 32)),
    Layer("3-D 3×3×3", (2, 12, 24, 24, 64), (3, 3, 3, 64, 64)),
    Layer("3-D stem", (2, 16, 64, 64, 1), (3, 3, 3, 1, 16)),
    Layer("3-D depthwise", (2, 16, 28, 28, 64), (3, 3, 3, 1, 64), groups=64),
    Layer("3-D 2×2×2 /2", (2, 16, 32, 32, 32), (2, 2, 2, 32, 64), strides=2, padding="VALID"),
    Layer("3-D transposed 2 /2", (2, 8, 16, 16, 64), (2, 2, 2, 64, 32), strides=2, transposed=True),
]

MODEL_LAYERS = [
    _square("ResNet 3×3", 16, 64, 32, 32, 3),
    _square("ResNet 3×3 /2", 16, 64, 32, 64, 3, strides=2),
    _square("ResNet 1×1 /2", 16, 32, 64, 128, 1, strides=2),
    _square("MobileNet 1×1 up", 16, 64, 16, 64, 1),
    _square("MobileNet 1×1 down", 16, 32, 96, 24, 1),
    _depthwise(16, 64, 64, 3, strides=2),
    _depthwise(16, 16, 160, 3),
    _depthwise(16, 32, 40, 7),
    _depthwise(8, 112, 32, 3),
    _depthwise(2, 224, 16, 5),
    _square("U-Net 3×3", 16, 64, 16, 16, 3),
    _square("U-Net 3×3 merge", 16, 32, 64, 32, 3),
    _square("U-Net transposed", 16, 16, 64, 32, 2, strides=2, transposed=True),
    _square("U-Net 3×3", 16, 32, 32, 32, 3),
    _square("U-Net 3×3", 16, 16, 64, 64, 3),
    _square("U-Net 3×3", 16, 8, 64, 128, 3),
    _square("U-Net 1×1 head", 16, 32, 32, 11, 1),
    _square("digits 3×3", 128, 8, 1, 32, 3),
    _square("digits 3×3", 128, 8, 32, 32, 3),
    _square("digits 3×3", 128, 4, 32, 64, 3),
    Layer("spectrogram 3×3 /2", (32, 31, 20, 16), (3, 3, 16, 32), strides=2),
    Layer("spectrogram 3×3 /2", (32, 16, 10, 32), (3, 3, 32, 64), strides=2),
    _square("detector 3×3 /2", 16, 48, 16, 32, 3, strides=2),
    _square("detector 3×3", 16, 12, 48, 48, 3),
    _square("video 3×3", 256, 16, 1, 16, 3),
    _square("video 3×3 /2", 256, 16, 16, 32, 3, strides=2),
    Layer("video 3×1×1", (32, 8, 16, 16, 16), (3, 1, 1, 16, 16)),
    Layer("video 3×1×1", (32, 8, 8, 8, 32), (3, 1, 1, 32, 32)),
    _square("ResNet 3×3", 16, 8, 256, 256, 3),
]
"""Layers of the models of the training benchmarks: the planner is fitted to them too."""

"""Train a small ResNet to tell four photographs by a patch, and draw what it learned and what it looks at.

    python examples/see_what_it_learned.py [--out learned]

Makes kernels.png, features.png, saliency.png and field.png. Needs the `data` and `plot` extras.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from skimage import data

from jconv import plotting
from jconv.nn import Conv, ResNet, effective_receptive_field, receptive_field, saliency
from jconv.training import fit, functional, trainer

SIDE = 32


def patches(photographs, count: int, seed: int):
    """Squares cut at random, and the number of the photograph that each is from."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(photographs), count)
    images = []
    for photograph in (photographs[label] for label in labels):
        row, col = (rng.integers(0, size - SIDE) for size in photograph.shape[:2])
        images.append(photograph[row : row + SIDE, col : col + SIDE])
    return jnp.asarray(np.stack(images)), jnp.asarray(labels)


def train(photographs, steps: int = 200) -> tuple[ResNet, float]:
    """The network in evaluation mode, and its accuracy on other patches."""
    model = ResNet(3, len(photographs), width=16, stem="small", rngs=nnx.Rngs(0))
    # Large enough to look at, and small at first, which the normalisation makes up for: what is learned stands out.
    small = nnx.initializers.normal(0.01)
    model.conv1 = Conv(3, 16, (7, 7), use_bias=False, kernel_init=small, rngs=nnx.Rngs(1))
    apply, params, variables = functional(model)

    def loss(params, variables, batch, key):
        images, labels = batch
        logits, variables = apply(params, variables, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), (variables, {})

    def batch(data, step):
        chosen = jax.random.choice(jax.random.fold_in(jax.random.key(1), step), len(data[1]), (32,))
        return jax.tree.map(lambda array: array[chosen], data)

    pair = trainer(loss, optax.adam(2e-3))
    start = pair.init(params, jax.random.key(0), variables)
    state, _ = fit(pair, start, batch, patches(photographs, 4096, 0), steps=steps)
    nnx.update(model, state.params, state.variables)
    model.eval()
    images, labels = patches(photographs, 256, 1)
    return model, float((jax.jit(model.__call__)(images).argmax(-1) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("learned"))
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photographs = [
        np.float32(p[..., :3] / 255) for p in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    ]
    model, accuracy = train(photographs, options.steps)
    print(f"{accuracy:.1%} of the other patches right")

    image = jnp.asarray(photographs[2][60:188, 120:248])[None]
    picture = np.asarray(image[0])
    kernels = plotting.kernel_bank(np.asarray(model.conv1.kernel[...]), title="Kernels of the first layer")
    plotting.save(kernels, options.out / "kernels.png")
    stages = [np.asarray(stage[0]) for stage in jax.jit(model.features)(image)]
    plotting.save(
        plotting.feature_maps(picture, stages, title="What each stage makes of it"), options.out / "features.png"
    )
    smooth = saliency(model, image, noise=0.1, key=jax.random.key(3))
    maps = {"gradient": np.asarray(saliency(model, image)[0]), "SmoothGrad": np.asarray(smooth[0])}
    plotting.save(plotting.saliency_maps(picture, maps, title="What the answer hangs on"), options.out / "saliency.png")
    second = lambda x: model.features(x)[1]
    field, effective = receptive_field(second, image.shape), effective_receptive_field(second, image)
    title = "What one position of the second stage sees"
    made = plotting.receptive_field(picture, np.asarray(effective), field.start, field.size, title=title)
    plotting.save(made, options.out / "field.png")


if __name__ == "__main__":
    main()

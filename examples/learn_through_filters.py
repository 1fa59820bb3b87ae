"""Find a blur's parameters from a sharp and a blurred photograph, by gradient descent through the filter.

    python examples/learn_through_filters.py [--out learned_blur.png]

Needs the `data` and `plot` extras.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import optax

import jconv.ndimage as ndi


def descend(loss, start, rate=0.05, steps=200):
    """Adam with a falling rate; returns the parameter after every step."""
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def step(carry, _):
        value, state = carry
        update, state = optimizer.update(jax.grad(loss)(value), state)
        value = optax.apply_updates(value, update)
        return (value, state), value

    return jax.jit(lambda v: jax.lax.scan(step, (v, optimizer.init(v)), length=steps)[1])(start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="learned_blur.png")
    options = parser.parse_args()

    import matplotlib.pyplot as plt
    from skimage import data

    sharp = jnp.asarray(data.camera()[60:188, 150:278] / 255, jnp.float32)
    jobs = {
        "sigma of a Gaussian": (lambda s: ndi.gaussian_filter(sharp, s, radius=10), 2.3, 1.0),
        "angle of a motion blur": (lambda a: ndi.motion_blur(sharp, 9, a), 0.7, 0.2),
    }
    figure, axes = plt.subplots(len(jobs), 3, figsize=(9, 6), layout="constrained")
    for row, (name, (blur, truth, start)) in zip(axes, jobs.items()):
        target = blur(truth)
        path = descend(lambda p, f=blur, t=target: jnp.mean((f(p) - t) ** 2), jnp.asarray(start, jnp.float32))
        print(f"{name}: truth {truth}, found {float(path[-1]):.4f}")
        for axis, picture, title in ((row[0], sharp, "sharp"), (row[1], target, "blurred")):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
            axis.set_title(title)
            axis.axis("off")
        row[2].plot(path, label="found")
        row[2].axhline(truth, color="black", linestyle=":", label="truth")
        row[2].set(title=name, xlabel="step")
        row[2].legend()
    figure.savefig(options.out, dpi=120)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()

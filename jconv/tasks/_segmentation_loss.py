"""The loss of segmentation: which pixels belong to which class, where most belong to none."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax


def segmentation_loss(logits: jax.Array, mask: jax.Array) -> jax.Array:
    r"""Add up the cross-entropy of all pixels, that of the class where there is ink, and the Dice loss.

    .. math:: -\frac{1}{P} \sum_p \log q(y_p) - \frac{1}{I} \sum_{y_p > 0} \log q(y_p \mid y_p > 0)
        + 1 - \frac{1}{|C|} \sum_{c \in C} \frac{2 \sum_p q_p(c)\, [y_p = c]}{\sum_p q_p(c) + \sum_p [y_p = c]}

    Parameters
    ----------
    logits : array (..., classes)
        Whose softmax is q; class 0 is the background.
    mask : int array (...)
        The class y of each of the P pixels, I of which are ink.

    Returns
    -------
    array ()

    Notes
    -----
    Ink is one pixel in twenty: in the first term alone, which class it is hardly counts. The second asks that, given
    ink, so that it moves no border. The third counts the classes C that occur, each alike, as the intersection over
    union does: F. Milletari et al., V-Net, 3DV 2016.
    """
    axes = tuple(range(mask.ndim))
    truth = jax.nn.one_hot(mask, logits.shape[-1], dtype=logits.dtype)
    shares = jax.nn.softmax(logits)
    sizes = truth.sum(axes)
    dice = 2 * (shares * truth).sum(axes) / (shares.sum(axes) + sizes + 1e-6)
    occurring = sizes > 0
    dice = jnp.where(occurring, dice, 0).sum() / jnp.maximum(occurring.sum(), 1)
    ink = mask > 0
    which = optax.softmax_cross_entropy_with_integer_labels(logits[..., 1:], jnp.maximum(mask - 1, 0))
    which = jnp.where(ink, which, 0).sum() / jnp.maximum(ink.sum(), 1)
    return optax.softmax_cross_entropy_with_integer_labels(logits, mask).mean() + which + 1 - dice

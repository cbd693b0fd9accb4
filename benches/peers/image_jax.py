"""A network of the size of MNIST in plain JAX: mean-field variational inference written by hand.

All weights are one vector, as in the script for torch, and all steps one compiled `lax.scan`.
"""

import math
import os
import time

import common

OPTIONS = common.arguments("steps")
os.environ["JAX_PLATFORMS"] = OPTIONS.device
# Products of single precision are meant as such on a GPU, too.
os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax, random  # noqa: E402

SIZES = [common.PIXELS, OPTIONS.hidden, OPTIONS.hidden, common.CLASSES]
SHAPES = [shape for i, o in zip(SIZES, SIZES[1:]) for shape in ((i, o), (o,))]
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def split(z):
    """The weights and biases in the vector of all parameters."""
    ends = np.cumsum([math.prod(shape) for shape in SHAPES])[:-1]
    return [part.reshape(shape) for part, shape in zip(jnp.split(z, ends), SHAPES)]


def main():
    pixels, labels = map(jnp.asarray, common.images(OPTIONS.data))
    rows, batch = len(labels), OPTIONS.batch
    keys = random.split(random.key(1), len(SHAPES))
    starts = [
        random.normal(key, shape) / math.sqrt(shape[0]) if len(shape) == 2 else jnp.zeros(shape)
        for key, shape in zip(keys, SHAPES)
    ]
    mu = jnp.concatenate([start.ravel() for start in starts])
    count = len(mu)
    start = {"mu": mu, "rho": jnp.full(count, math.log(math.expm1(0.1)))}

    def loss(guide, x, y, eps):
        sd = jax.nn.softplus(guide["rho"])
        z = guide["mu"] + sd * eps
        w1, b1, w2, b2, w3, b3 = split(z)
        h = jax.nn.relu(x @ w1 + b1)
        h = jax.nn.relu(h @ w2 + b2)
        log_p = jax.nn.log_softmax(h @ w3 + b3)
        fit = -jnp.take_along_axis(log_p, y[:, None], axis=1).sum()
        prior = 0.5 * (z * z).sum() + 0.5 * count * math.log(2 * math.pi)
        entropy = jnp.log(sd).sum() + 0.5 * count * (1 + math.log(2 * math.pi))
        return fit * (rows / batch) + prior - entropy

    def step(carry, at):
        guide, m, v, t, key = carry
        key, now = random.split(key)
        eps = random.normal(now, (count,))
        value, grad = jax.value_and_grad(loss)(guide, pixels[at], labels[at], eps)
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, grad)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, grad)
        rate = OPTIONS.learning_rate * jnp.sqrt(1 - BETA2**t) / (1 - BETA1**t)
        move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON)
        return (jax.tree.map(move, guide, m, v), m, v, t, key), value

    epochs = -(-OPTIONS.steps * batch // rows)
    order = [random.permutation(random.key(2 + e), rows) for e in range(epochs + 1)]
    order = jnp.concatenate([rows_of[: rows // batch * batch] for rows_of in order])
    order = order.reshape(-1, batch)[: OPTIONS.steps]

    zeros = jax.tree.map(jnp.zeros_like, start)
    carry = (start, zeros, zeros, jnp.float32(0), random.key(3))
    begin = time.perf_counter()
    fit = jax.jit(lambda carry, order: lax.scan(step, carry, order)).lower(carry, order).compile()
    compiled = time.perf_counter()
    _, losses = jax.block_until_ready(fit(carry, order))
    fitted = time.perf_counter()
    common.report(
        ms_per_step=1e3 * (fitted - compiled) / OPTIONS.steps,
        compile_seconds=compiled - begin,
        elbo=-common.last(losses),
    )


if __name__ == "__main__":
    main()

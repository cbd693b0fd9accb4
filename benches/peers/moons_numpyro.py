"""The two-moons network in NumPyro: steps of SVI, a whole process, the surface of a grid.

All steps are one compiled `lax.scan` over `svi.update`, as in `svi.run`, and timed once compiled.
"""

import os
import time

import common

OPTIONS = common.arguments("steps", "epochs", "process", "grid")
os.environ["JAX_PLATFORMS"] = OPTIONS.device
# Products of single precision are meant as such on a GPU, too.
os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import numpyro  # noqa: E402
import numpyro.distributions as dist  # noqa: E402
from jax import lax, random  # noqa: E402
from numpyro.infer import SVI, Predictive, Trace_ELBO  # noqa: E402
from numpyro.infer.autoguide import AutoDiagonalNormal  # noqa: E402

numpyro.enable_x64(OPTIONS.precision == "f64")
CALLS = 5


def model(x, y=None, batch=None, scale=1.0):
    """2-5-5-1, tanh, no biases, standard normal priors.

    Minibatches are drawn inside by the plate (`batch`), or cut outside (`scale` is then N / B).
    """
    w1 = numpyro.sample("w1", dist.Normal(0, 1).expand([2, 5]).to_event(2))
    w2 = numpyro.sample("w2", dist.Normal(0, 1).expand([5, 5]).to_event(2))
    w3 = numpyro.sample("w3", dist.Normal(0, 1).expand([5, 1]).to_event(2))
    with numpyro.plate("rows", x.shape[0], subsample_size=batch):
        if batch is not None:
            x = numpyro.subsample(x, event_dim=1)
            y = numpyro.subsample(y, event_dim=0)
        logits = (jnp.tanh(jnp.tanh(x @ w1) @ w2) @ w3)[:, 0]
        logits = numpyro.deterministic("logits", logits)
        with numpyro.handlers.scale(scale=scale):
            numpyro.sample("y", dist.Bernoulli(logits=logits), obs=y)


def steps(svi, x, y):
    """A function from the state of SVI to the state after all steps, and the losses."""

    def full(state, _):
        return svi.update(state, x, y, batch=OPTIONS.batch)

    def part(state, rows):
        return svi.update(state, x[rows], y[rows], scale=len(x) / OPTIONS.batch)

    def epoch(carry, _):
        state, key = carry
        key, now = random.split(key)
        batches = random.permutation(now, len(x)).reshape(-1, OPTIONS.batch)
        state, losses = lax.scan(part, state, batches)
        return (state, key), losses

    def in_epochs(state):
        epochs = OPTIONS.steps * OPTIONS.batch // len(x)
        (state, _), losses = lax.scan(epoch, (state, random.key(3)), None, length=epochs)
        return state, losses.ravel()

    def all_at_once(state):
        return lax.scan(full, state, None, length=OPTIONS.steps)

    return in_epochs if OPTIONS.mode == "epochs" else all_at_once


def main():
    dtype = np.dtype("float64" if OPTIONS.precision == "f64" else "float32")
    x, y, x_test, y_test = common.moons(OPTIONS.data, dtype)
    x, y = jnp.asarray(x), jnp.asarray(y)
    guide = AutoDiagonalNormal(model, init_scale=0.1)
    svi = SVI(model, guide, numpyro.optim.Adam(OPTIONS.learning_rate), Trace_ELBO())
    state = svi.init(random.key(1), x, y)

    begin = time.perf_counter()
    fit = jax.jit(steps(svi, x, y)).lower(state).compile()
    compiled = time.perf_counter()
    state, losses = jax.block_until_ready(fit(state))
    fitted = time.perf_counter()
    params = svi.get_params(state)
    elbo = common.last(-losses)

    if OPTIONS.mode in ("steps", "epochs"):
        common.report(
            steps_per_second=OPTIONS.steps / (fitted - compiled),
            compile_seconds=compiled - begin,
            elbo=elbo,
        )
        return

    def of_block(key, points):
        """Mean probability, expected entropy and mutual information of each point."""
        predictive = Predictive(
            model,
            guide=guide,
            params=params,
            num_samples=OPTIONS.draws,
            return_sites=["logits"],
            parallel=True,
        )
        logits = predictive(key, points)["logits"]
        p = jax.nn.sigmoid(logits)
        aleatoric = (jax.nn.softplus(logits) - p * logits).mean(0)
        mean = p.mean(0)
        total = -(jax.scipy.special.xlogy(mean, mean) + jax.scipy.special.xlog1py(1 - mean, -mean))
        return mean, aleatoric, total - aleatoric

    @jax.jit
    def probability(key, points):
        """The same, block by block where all points at once do not fit memory."""
        if OPTIONS.block is None or len(points) <= OPTIONS.block:
            return of_block(key, points)
        blocks = points.reshape(-1, OPTIONS.block, 2)
        parts = lax.map(lambda block: of_block(key, block), blocks)
        return [part.ravel() for part in parts]

    def predict(points):
        """What the host gets to see."""
        return jax.device_get(probability(random.key(2), points))[0]

    accuracy = float(((predict(x_test) > 0.5) == y_test).mean())
    if OPTIONS.mode == "process":
        common.report(elbo=elbo, accuracy=accuracy)
        return

    points = common.grid(OPTIONS.side, dtype)
    begin = time.perf_counter()
    predict(points)
    compiled = time.perf_counter()
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        predict(points)
        seconds.append(time.perf_counter() - start)
    common.report(
        seconds=float(np.median(seconds)),
        compile_seconds=compiled - begin - float(np.median(seconds)),
        accuracy=accuracy,
    )


if __name__ == "__main__":
    main()

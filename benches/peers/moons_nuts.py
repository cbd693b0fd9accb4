"""The two-moons network by NUTS, in NumPyro and in nutpie with a PyMC model: effective draws a second."""

import os
import pathlib
import time

import common

OPTIONS = common.arguments("numpyro", "nutpie")
TEST_ROWS = 50
# What is compiled stays in the data's folder, beside nothing of the user's.
CACHE = pathlib.Path(OPTIONS.data, "pytensor").resolve()
os.environ["PYTENSOR_FLAGS"] = common.flags(f"floatX=float64,base_compiledir={CACHE}")
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np  # noqa: E402


def by_numpyro(x, y):
    """Weights [chains, draws, ...] of each layer, seconds, seconds to compile, divergences."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from jax import random
    from numpyro.infer import MCMC, NUTS

    numpyro.enable_x64(OPTIONS.precision == "f64")
    numpyro.set_host_device_count(OPTIONS.chains)

    def model(x, y):
        w1 = numpyro.sample("w1", dist.Normal(0, 1).expand([2, 5]).to_event(2))
        w2 = numpyro.sample("w2", dist.Normal(0, 1).expand([5, 5]).to_event(2))
        w3 = numpyro.sample("w3", dist.Normal(0, 1).expand([5, 1]).to_event(2))
        logits = (jnp.tanh(jnp.tanh(x @ w1) @ w2) @ w3)[:, 0]
        numpyro.sample("y", dist.Bernoulli(logits=logits), obs=y)

    def run(draws):
        mcmc = MCMC(
            NUTS(model),
            num_warmup=draws,
            num_samples=draws,
            num_chains=OPTIONS.chains,
            chain_method="parallel",
            progress_bar=False,
        )
        begin = time.perf_counter()
        mcmc.run(random.key(OPTIONS.seed), jnp.asarray(x), jnp.asarray(y))
        draws = mcmc.get_samples(group_by_chain=True)
        weights = [np.asarray(draws[name]) for name in ("w1", "w2", "w3")]
        return mcmc, weights, time.perf_counter() - begin

    _, _, compiling = run(1)
    mcmc, weights, seconds = run(OPTIONS.steps)
    return weights, seconds - compiling, compiling, int(mcmc.get_extra_fields()["diverging"].sum())


def by_nutpie(x, y):
    """The same."""
    import nutpie
    import pymc as pm

    with pm.Model() as model:
        w1 = pm.Normal("w1", 0, 1, shape=(2, 5))
        w2 = pm.Normal("w2", 0, 1, shape=(5, 5))
        w3 = pm.Normal("w3", 0, 1, shape=(5, 1))
        logits = (pm.math.tanh(pm.math.tanh(x @ w1) @ w2) @ w3)[:, 0]
        pm.Bernoulli("y", logit_p=logits, observed=y)
    begin = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model)
    ready = time.perf_counter()
    trace = nutpie.sample(
        compiled,
        draws=OPTIONS.steps,
        tune=OPTIONS.steps,
        chains=OPTIONS.chains,
        cores=OPTIONS.chains,
        seed=OPTIONS.seed,
        progress_bar=False,
    )
    end = time.perf_counter()
    weights = [trace.posterior[name].to_numpy() for name in ("w1", "w2", "w3")]
    return weights, end - ready, ready - begin, int(trace.sample_stats["diverging"].sum())


def main():
    x, y, x_test, _ = common.moons(OPTIONS.data, "float64")
    sample = {"numpyro": by_numpyro, "nutpie": by_nutpie}[OPTIONS.mode]
    (w1, w2, w3), seconds, compiling, divergences = sample(x, y)
    hidden = np.tanh(np.tanh(x_test[:TEST_ROWS] @ w1) @ w2)
    ess = common.smallest_ess(OPTIONS.programs, (hidden @ w3)[..., 0])
    common.report(
        ess_per_second=ess / seconds,
        ess=ess,
        seconds=seconds,
        compile_seconds=compiling,
        divergences=divergences,
    )


if __name__ == "__main__":
    main()

"""The two-moons network in PyMC: steps of ADVI, and a whole process."""

import os
import pathlib
import time

import common

OPTIONS = common.arguments("steps", "process")
FLOAT = {"f32": "float32", "f64": "float64"}[OPTIONS.precision]
# What is compiled stays in the data's folder, beside nothing of the user's.
CACHE = pathlib.Path(OPTIONS.data, "pytensor").resolve()
os.environ["PYTENSOR_FLAGS"] = common.flags(f"floatX={FLOAT},base_compiledir={CACHE}")

import pymc as pm  # noqa: E402


def network(x, y):
    """2-5-5-1, tanh, no biases, standard normal priors."""
    with pm.Model() as model:
        if OPTIONS.batch is None:
            x_in, y_in = pm.Data("x", x), pm.Data("labels", y)
        else:
            x_in, y_in = pm.Minibatch(x, y, batch_size=OPTIONS.batch)
        w1 = pm.Normal("w1", 0, 1, shape=(2, 5))
        w2 = pm.Normal("w2", 0, 1, shape=(5, 5))
        w3 = pm.Normal("w3", 0, 1, shape=(5, 1))
        logits = (pm.math.tanh(pm.math.tanh(x_in @ w1) @ w2) @ w3)[:, 0]
        pm.Bernoulli("y", logit_p=logits, observed=y_in, total_size=len(y))
    return model


def fit(callbacks=None):
    """`pm.fit` as in the documentation, with Adam."""
    return pm.fit(
        OPTIONS.steps,
        method="advi",
        obj_optimizer=pm.adam(learning_rate=OPTIONS.learning_rate),
        random_seed=1,
        callbacks=callbacks,
        progressbar=False,
    )


def steps():
    """Times `pm.fit` from the end of its first step, when all is compiled."""
    first = []

    def clock(_approx, _losses, i):
        if i == 1:
            first.append(time.perf_counter())

    begin = time.perf_counter()
    approx = fit([clock])
    seconds = time.perf_counter() - first[0]
    common.report(
        steps_per_second=(OPTIONS.steps - 1) / seconds,
        compile_seconds=first[0] - begin,
        elbo=-common.last(approx.hist),
    )


def process(x_test, y_test):
    """Fits and predicts the test rows."""
    approx = fit()
    draws = approx.sample(OPTIONS.draws, random_seed=2)
    pm.set_data({"x": x_test})
    predicted = pm.sample_posterior_predictive(draws, random_seed=3, progressbar=False)
    mean = predicted.posterior_predictive["y"].mean(("chain", "draw")).to_numpy()
    common.report(
        elbo=-common.last(approx.hist),
        accuracy=float(((mean > 0.5) == (y_test == 1)).mean()),
    )


def main():
    x, y, x_test, y_test = common.moons(OPTIONS.data, FLOAT)
    with network(x, y):
        if OPTIONS.mode == "steps":
            steps()
        else:
            process(x_test, y_test)


if __name__ == "__main__":
    main()

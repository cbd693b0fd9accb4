"""Opens stores of ours with ArviZ and compares its numbers with ours.

    python check.py FOLDER

FOLDER has `numbers.json`: for each store its groups, and our summaries of every element of every
variable of the posterior. Exits with 1 where a difference is beyond its tolerance.
"""

import json
import pathlib
import sys
import warnings

import arviz
import numpy as np
import xarray

CHAINS = 1e-10
LOO = 1e-6
# The tails of the paper and of Stan, which are ours; ArviZ has 11 % and 89 % unless it is told.
TAILS = (0.05, 0.95)

warnings.simplefilter("ignore")


def by_variable(data, diagnostic, **options):
    """Values of every variable, as far as one dataset of results goes."""
    result = diagnostic(data, **options)
    return {name: result[name].values for name in result.data_vars}


def of_chains(data):
    """Our names for the diagnostics, with ArviZ's values."""
    summary = arviz.summary(data, round_to="none")
    posterior = data.posterior
    columns = {"mean": "mean", "sd": "sd", "ess_tail_of_summary": "ess_tail"}
    found = {}
    for ours, theirs in columns.items():
        values, offset = {}, 0
        for name, variable in posterior.data_vars.items():
            size = int(np.prod(variable.shape[2:]))
            values[name] = summary[theirs].values[offset : offset + size].astype(float)
            offset += size
        found[ours] = values
    return found | {
        "ess_bulk": by_variable(data, arviz.ess, method="bulk"),
        "ess_tail": by_variable(data, arviz.ess, method="tail", prob=TAILS),
        "ess_mean": by_variable(data, arviz.ess, method="mean"),
        "ess_quantile": by_variable(data, arviz.ess, method="quantile", prob=0.3),
        "r_hat": by_variable(data, arviz.rhat, method="rank"),
        "mcse_mean": by_variable(data, arviz.mcse, method="mean"),
        "mcse_sd": by_variable(data, arviz.mcse, method="sd"),
        "mcse_quantile": by_variable(data, arviz.mcse, method="quantile", prob=0.3),
    }


def difference(ours, theirs):
    """The largest relative difference; infinite where only one of two has a value."""
    ours = np.array(ours, dtype=float)
    theirs = np.asarray(theirs, dtype=float).ravel()
    if ours.shape != theirs.shape or np.any(np.isnan(ours) != np.isnan(theirs)):
        return np.inf
    known = ~np.isnan(ours)
    distance = np.abs(ours[known] - theirs[known]) / np.maximum(np.abs(theirs[known]), 1e-300)
    return float(np.max(distance, initial=0.0))


def of_equal_draws(data, name):
    """By how much LOO-PIT of each value may differ by the order of equal draws, as those of a chain that
    stayed where it was: smoothed weights are quantiles, one each, and which of equal draws has which is up
    to the sorting, while what they predict differs."""
    likelihood = data.log_likelihood[name]
    draws = likelihood.chain.size * likelihood.draw.size

    def by_draw(values):
        return values.stack(all=("chain", "draw")).values.reshape(-1, draws)

    # As in ArviZ, the mean over the unknowns.
    ess = arviz.ess(data, method="mean")
    efficiency = np.mean(np.hstack([ess[v].values.ravel() for v in ess.data_vars])) / draws
    weights, _ = likelihood.azstats.psislw(r_eff=efficiency, dim=["chain", "draw"])
    weights, likelihood = by_draw(weights), by_draw(likelihood)
    predicted = by_draw(data.posterior_predictive[name])
    slack = []
    for own, equal, drawn, y in zip(
        weights, likelihood, predicted, data.observed_data[name].values.ravel(), strict=True
    ):
        own = np.exp(own - own.max())
        own /= own.sum()
        _, group, count = np.unique(equal, return_inverse=True, return_counts=True)
        slack.append(0.0)
        for ties in np.flatnonzero(count > 1):
            ordered = np.sort(own[group == ties])
            below = np.sum(drawn[group == ties] < y)
            slack[-1] += ordered[len(ordered) - below :].sum() - ordered[:below].sum()
    return np.array(slack)


def check(folder, case):
    path = folder / case["store"]
    data = xarray.open_datatree(path, engine="zarr", consolidated=True)
    assert arviz.from_zarr(path).groups == data.groups
    problems = []
    for group, variables in case["groups"].items():
        there = {name: list(v.dims) for name, v in data[group].data_vars.items()}
        if there != variables:
            problems.append(f"{group} has {there}, should have {variables}")
    extra = {group.lstrip("/") for group in data.groups} - {"", *case["groups"]}
    if extra:
        problems.append(f"more groups than declared: {extra}")
    for dimension, labels in case["coords"].items():
        group, dimension = dimension.split("/")
        if data[group][dimension].values.tolist() != labels:
            problems.append(f"{dimension}: {data[group][dimension].values} for {labels}")
    if data.posterior.attrs.get("inference_library") != "bayes-nn":
        problems.append("no inference_library")

    rows = []
    for name, values in of_chains(data).items():
        largest = max(difference(case["posterior"][v][name], values[v]) for v in values)
        rows.append((name, largest, CHAINS))
    for name, ours in case["loo"].items():
        theirs = arviz.loo(data, var_name=name, pointwise=True)
        pairs = {
            "elpd": theirs.elpd,
            "se": theirs.se,
            "p": theirs.p,
            "elpd_i": theirs.elpd_i.values,
            "pareto_k": theirs.pareto_k.values,
        }
        for quantity, value in pairs.items():
            rows.append((f"loo({name}) {quantity}", difference(ours[quantity], value), LOO))
    for name, ours in case.get("loo_pit", {}).items():
        theirs = arviz.loo_pit(data, var_names=name)[name].values.ravel()
        beyond = np.abs(np.array(ours) - theirs) - of_equal_draws(data, name)
        rows.append((f"loo_pit({name})", float(np.max(np.maximum(beyond, 0.0) / theirs)), LOO))
    print(f"\n{case['store']}: {', '.join(case['groups'])}")
    print(f"{'':28}{'difference':>12}{'at most':>12}")
    for name, largest, tolerance in rows:
        mark = "" if largest <= tolerance else "   DISAGREES"
        print(f"{name:28}{largest:12.1e}{tolerance:12.0e}{mark}")
    for problem in problems:
        print(f"WRONG: {problem}")
    return not problems and all(largest <= tolerance for _, largest, tolerance in rows)


def main():
    folder = pathlib.Path(sys.argv[1])
    numbers = json.loads((folder / "numbers.json").read_text())
    print(f"arviz {arviz.__version__}, xarray {xarray.__version__}")
    passed = [check(folder, case) for case in numbers]
    print(f"\n{sum(passed)} of {len(passed)} stores agree")
    sys.exit(not all(passed))


main()

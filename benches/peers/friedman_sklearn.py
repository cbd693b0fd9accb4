"""Which columns matter, by lasso and by a random forest, for the CSV files that the example `sparse` writes.

`cargo run --release --example sparse -- --out DIR`, then `python friedman_sklearn.py DIR/friedman-*.csv`: the
area under the ROC curve of each file, of which the first ten columns matter and the last is the target.
"""

import sys
import time

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LassoCV
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

MATTER = 10


def lasso(x, y):
    """Sizes of the coefficients at the penalty that five-fold cross-validation chooses."""
    return np.abs(LassoCV(cv=5, random_state=0).fit(StandardScaler().fit_transform(x), y).coef_)


def forest(x, y):
    """Mean decrease in impurity over 1,000 trees."""
    return RandomForestRegressor(1000, random_state=0, n_jobs=1).fit(x, y).feature_importances_


def main():
    """A line for each method: the area of each file, their mean, seconds a file."""
    files = sys.argv[1:]
    tables = [np.loadtxt(name, delimiter=",") for name in files]
    for method in lasso, forest:
        begin = time.perf_counter()
        areas = []
        for table in tables:
            matters = np.arange(table.shape[1] - 1) < MATTER
            areas.append(roc_auc_score(matters, method(table[:, :-1], table[:, -1])))
        seconds = (time.perf_counter() - begin) / len(tables)
        shown = " ".join(f"{area:.3f}" for area in areas)
        print(f"{method.__name__}: {shown}, mean {np.mean(areas):.3f}, {seconds:.1f} s")


main()

"""What the peers' scripts share: the command line, the data, the report."""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np

PIXELS = 784
CLASSES = 10


def arguments(*modes):
    """The options of `cargo xtask bench --peers` and `cargo xtask gpu`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=modes)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--precision", choices=["f32", "f64"], default="f32")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--side", type=int, default=100)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--hidden", type=int, default=400)
    parser.add_argument("--block", type=int)
    return parser.parse_args()


def flags(ours):
    """Flags of PyTensor behind those that the environment has."""
    return ",".join(filter(None, [os.environ.get("PYTENSOR_FLAGS"), ours]))


def moons(folder, dtype):
    """Training and test rows: x [500, 2], y [500] each."""
    table = np.genfromtxt(folder / "moons.csv", delimiter=",", skip_header=1)
    x, y, is_test = table[:, :2].astype(dtype), table[:, 2].astype(dtype), table[:, 3] == 1
    return x[~is_test], y[~is_test], x[is_test], y[is_test]


def images(folder):
    """Pixels [10000, 784] and labels [10000]."""
    pixels = np.fromfile(folder / "images.f32", dtype=np.float32).reshape(-1, PIXELS)
    return pixels, np.fromfile(folder / "labels.f32", dtype=np.float32).astype(np.int64)


def grid(side, dtype):
    """The points of a square grid from -3 to 3, [side * side, 2]."""
    axis = np.linspace(-3, 3, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(dtype)


def last(elbos):
    """The mean of the last tenth of the ELBOs of the steps."""
    elbos = np.asarray(elbos, dtype=np.float64)
    return float(elbos[-max(1, -(-len(elbos) // 10)) :].mean())


def smallest_ess(programs, scalars):
    """The smallest bulk ESS of scalars [chains, draws, scalars], by our program."""
    chains, draws, _ = scalars.shape
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.ascontiguousarray(scalars, dtype="<f8").tobytes())
        file.flush()
        shape = ["--chains", str(chains), "--draws", str(draws)]
        command = [programs / "workload", "ess", file.name, *shape]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)["ess"]


def report(**values):
    """Prints the one line that is read."""
    print(json.dumps(values))

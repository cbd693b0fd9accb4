"""A 784-400-400-10 network in torch: mean-field variational inference written by hand.

All weights are one vector, so that noise, priors and Adam are a few large operations, and Adam is
the fused one. The loss runs as written, or through `torch.compile`.
"""

import math
import os
import time

import common

OPTIONS = common.arguments("steps", "compiled")
# Threads that spin while they wait lose an order of magnitude when anything else runs.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import numpy as np  # noqa: E402
import torch  # noqa: E402

SIZES = [common.PIXELS, 400, 400, common.CLASSES]
SHAPES = [shape for i, o in zip(SIZES, SIZES[1:]) for shape in ((i, o), (o,))]
WARM_UP = 10


def main():
    torch.set_num_threads(OPTIONS.threads)
    torch.manual_seed(1)
    pixels, labels = common.images(OPTIONS.data)
    pixels, labels = torch.from_numpy(pixels), torch.from_numpy(labels)
    rows = len(labels)
    starts = [
        torch.randn(shape) / math.sqrt(shape[0]) if len(shape) == 2 else torch.zeros(shape)
        for shape in SHAPES
    ]
    lengths = [start.numel() for start in starts]
    mu = torch.cat([start.ravel() for start in starts]).requires_grad_()
    rho = torch.full((sum(lengths),), math.log(math.expm1(0.1)), requires_grad=True)
    adam = torch.optim.Adam([mu, rho], lr=OPTIONS.learning_rate, fused=True)

    def loss(x, y, eps):
        sd = torch.nn.functional.softplus(rho)
        z = mu + sd * eps
        w1, b1, w2, b2, w3, b3 = (
            part.view(shape) for part, shape in zip(z.split(lengths), SHAPES)
        )
        h = torch.relu(torch.addmm(b1, x, w1))
        h = torch.relu(torch.addmm(b2, h, w2))
        fit = torch.nn.functional.cross_entropy(torch.addmm(b3, h, w3), y, reduction="sum")
        prior = 0.5 * (z * z).sum() + 0.5 * len(z) * math.log(2 * math.pi)
        entropy = sd.log().sum() + 0.5 * len(z) * (1 + math.log(2 * math.pi))
        return fit * (rows / OPTIONS.batch) + prior - entropy

    if OPTIONS.mode == "compiled":
        loss = torch.compile(loss)

    def batches():
        while True:
            yield from torch.randperm(rows).split(OPTIONS.batch)[: rows // OPTIONS.batch]

    def step(at):
        adam.zero_grad()
        value = loss(pixels[at], labels[at], torch.randn(len(mu)))
        value.backward()
        adam.step()
        return value.item()

    order = batches()
    begin = time.perf_counter()
    for _ in range(WARM_UP):
        step(next(order))
    compiled = time.perf_counter()
    losses = [step(next(order)) for _ in range(OPTIONS.steps)]
    fitted = time.perf_counter()
    each = (fitted - compiled) / OPTIONS.steps
    common.report(
        ms_per_step=1e3 * each,
        compile_seconds=max(0.0, compiled - begin - WARM_UP * each),
        elbo=-common.last(np.array(losses)),
    )


if __name__ == "__main__":
    main()

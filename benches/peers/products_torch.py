"""Networks of the size of MNIST in torch, by the estimator that networks have here unless told
otherwise: the products with weights are drawn instead of weights (Kingma et al. 2015), and the KL
divergence from N(0, 1) is in closed form. The loss runs as written, or through `torch.compile`.
"""

import math
import os
import time

import common

OPTIONS = common.arguments("dense", "dense-compiled", "conv", "conv-compiled")
# Threads that spin while they wait lose an order of magnitude when anything else runs.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

WARM_UP = 10
CONV = OPTIONS.mode.startswith("conv")
COMPILED = OPTIONS.mode.endswith("compiled")
DENSE = [common.PIXELS, OPTIONS.hidden, OPTIONS.hidden, common.CLASSES]
SHAPES = (
    [(20, 1, 5, 5), (50, 20, 5, 5), (500, 800), (common.CLASSES, 500)]
    if CONV
    else [(o, i) for i, o in zip(DENSE, DENSE[1:])]
)


def drawn(operation, x, mean, sd):
    """A draw of the product of x with normal weights and biases, given their means and sds."""
    (w, b), (w_sd, b_sd) = mean, sd
    center = operation(x, w, b)
    variance = operation(x * x, w_sd * w_sd, b_sd * b_sd)
    return center + variance.sqrt() * torch.randn_like(center)


def network(x, means, sds):
    """Logits of images [rows, 784]."""
    if CONV:
        x = x.view(-1, 1, 28, 28)
        for layer in range(2):
            x = functional.relu(drawn(functional.conv2d, x, means[layer], sds[layer]))
            x = functional.max_pool2d(x, 2)
        x = x.flatten(1)
    for layer in range(2 if CONV else 0, len(means)):
        x = drawn(functional.linear, x, means[layer], sds[layer])
        if layer + 1 < len(means):
            x = functional.relu(x)
    return x


def main():
    torch.set_num_threads(OPTIONS.threads)
    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(1)
    pixels, labels = (torch.from_numpy(a) for a in common.images(OPTIONS.data))
    rows = len(labels)
    means, spreads = [], []
    for shape in SHAPES:
        fan_in = math.prod(shape[1:])
        w = torch.randn(shape) * math.sqrt(2 / fan_in)
        means.append((w.requires_grad_(), torch.zeros(shape[0], requires_grad=True)))
        spread = math.log(math.expm1(0.01 / math.sqrt(fan_in)))
        full = [torch.full_like(t, spread, requires_grad=True) for t in means[-1]]
        spreads.append(tuple(full))
    parameters = [t for pair in means + spreads for t in pair]
    adam = torch.optim.Adam(parameters, lr=OPTIONS.learning_rate, fused=True)

    def loss(x, y):
        sds = [tuple(functional.softplus(t) for t in pair) for pair in spreads]
        fit = functional.cross_entropy(network(x, means, sds), y, reduction="sum")
        kl = 0.0
        for mean, sd in zip(means, sds):
            for m, s in zip(mean, sd):
                kl = kl + (0.5 * (m * m + s * s - 1) - s.log()).sum()
        return fit * (rows / OPTIONS.batch) + kl

    if COMPILED:
        loss = torch.compile(loss)

    steps = OPTIONS.steps + WARM_UP
    whole = rows // OPTIONS.batch
    epochs = [torch.randperm(rows)[: whole * OPTIONS.batch] for _ in range(-(-steps // whole))]
    order = torch.cat(epochs).view(-1, OPTIONS.batch)
    losses = torch.zeros(len(order))

    def step(number):
        at = order[number]
        adam.zero_grad()
        value = loss(pixels[at], labels[at])
        value.backward()
        adam.step()
        losses[number] = value.detach()

    begin = time.perf_counter()
    for number in range(WARM_UP):
        step(number)
    ready = time.perf_counter()
    for number in range(WARM_UP, steps):
        step(number)
    each = (time.perf_counter() - ready) / OPTIONS.steps
    common.report(
        ms_per_step=1e3 * each,
        compile_seconds=max(0.0, ready - begin - WARM_UP * each),
        elbo=-common.last(losses[:steps].numpy()),
    )


if __name__ == "__main__":
    main()

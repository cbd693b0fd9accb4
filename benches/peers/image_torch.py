"""A network of the size of MNIST in torch: mean-field variational inference written by hand.

All weights are one vector, so that noise, priors and Adam are a few large operations, and Adam is
the fused one. The loss runs as written, or through `torch.compile`; on a GPU a whole step may be
one CUDA graph, captured once and launched for every step.
"""

import math
import os
import time

import common

OPTIONS = common.arguments("steps", "compiled", "graphs", "compiled-graphs", "predict")
# Threads that spin while they wait lose an order of magnitude when anything else runs.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import torch  # noqa: E402

SIZES = [common.PIXELS, OPTIONS.hidden, OPTIONS.hidden, common.CLASSES]
SHAPES = [shape for i, o in zip(SIZES, SIZES[1:]) for shape in ((i, o), (o,))]
WARM_UP = 10
COMPILED = OPTIONS.mode.startswith("compiled")
GRAPHS = OPTIONS.mode.endswith("graphs")


def wait():
    """Returns when the device is done."""
    if OPTIONS.device == "cuda":
        torch.cuda.synchronize()


def captured(step):
    """A function that launches the graph of one step, after enough steps to have compiled it."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def warmed_up(step):
    """The same function, after enough steps to have compiled it."""
    for _ in range(WARM_UP):
        step()
    return step


def predicted(pixels, mu, rho, lengths):
    """Seconds of predicting all rows: mean probabilities, entropies of them and of each draw."""
    calls = []
    with torch.inference_mode():
        for _ in range(5):
            begin = time.perf_counter()
            mean = torch.zeros(len(pixels), common.CLASSES)
            aleatoric = torch.zeros(len(pixels))
            for _ in range(OPTIONS.draws):
                z = mu + torch.nn.functional.softplus(rho) * torch.randn(len(mu))
                w1, b1, w2, b2, w3, b3 = (
                    part.view(shape) for part, shape in zip(z.split(lengths), SHAPES)
                )
                h = torch.relu(torch.addmm(b1, pixels, w1))
                h = torch.relu(torch.addmm(b2, h, w2))
                p = torch.softmax(torch.addmm(b3, h, w3), 1)
                mean += p
                aleatoric -= torch.xlogy(p, p).sum(1)
            mean /= OPTIONS.draws
            entropy = -torch.xlogy(mean, mean).sum(1)
            assert torch.isfinite(entropy - aleatoric / OPTIONS.draws).all()
            calls.append(time.perf_counter() - begin)
    return sorted(calls)[2]


def main():
    if GRAPHS and OPTIONS.device != "cuda":
        raise SystemExit("error: graphs are captured on a GPU: --device cuda")
    torch.set_num_threads(OPTIONS.threads)
    device = torch.device(OPTIONS.device)
    # Products of single precision are meant as such.
    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(1)
    pixels, labels = (torch.from_numpy(a).to(device) for a in common.images(OPTIONS.data))
    rows = len(labels)
    starts = [
        torch.randn(shape) / math.sqrt(shape[0]) if len(shape) == 2 else torch.zeros(shape)
        for shape in SHAPES
    ]
    lengths = [start.numel() for start in starts]
    mu = torch.cat([start.ravel() for start in starts]).to(device).requires_grad_()
    rho = torch.full_like(mu, math.log(math.expm1(0.1)), requires_grad=True)
    adam = torch.optim.Adam([mu, rho], lr=OPTIONS.learning_rate, fused=True, capturable=GRAPHS)

    if OPTIONS.mode == "predict":
        common.report(seconds=predicted(pixels, mu.detach(), rho.detach(), lengths))
        return

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

    if COMPILED:
        loss = torch.compile(loss)

    steps = OPTIONS.steps + WARM_UP
    whole = rows // OPTIONS.batch
    epochs = [torch.randperm(rows)[: whole * OPTIONS.batch] for _ in range(-(-steps // whole))]
    order = torch.cat(epochs).view(-1, OPTIONS.batch).to(device)
    losses = torch.zeros(len(order), device=device)
    done = torch.zeros(1, dtype=torch.int64, device=device)

    def step():
        """One step; which rows and where its loss goes is read on the device."""
        at = order.index_select(0, done)[0]
        adam.zero_grad()
        value = loss(pixels[at], labels[at], torch.randn(len(mu), device=device))
        value.backward()
        adam.step()
        losses.index_copy_(0, done, value.detach()[None])
        done.add_(1)

    begin = time.perf_counter()
    launch = captured(step) if GRAPHS else warmed_up(step)
    wait()
    ready = time.perf_counter()
    for _ in range(OPTIONS.steps):
        launch()
    wait()
    fitted = time.perf_counter()
    each = (fitted - ready) / OPTIONS.steps
    common.report(
        ms_per_step=1e3 * each,
        compile_seconds=max(0.0, ready - begin - WARM_UP * each),
        elbo=-common.last(losses[:steps].cpu().numpy()),
    )


if __name__ == "__main__":
    main()

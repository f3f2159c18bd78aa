"""Makes ../golden-ops/ops.safetensors: operations as PyTorch computes them, with gradients of a weighted sum.

    python tests/golden/ops.py

Needs torch, numpy and safetensors; one thread. Inputs are f32, computed with in f64, and the results rounded to f32. Names are `case.tensor`: inputs, `out`, `weights` of the sum, and `grad_*`
of the inputs that have one. The arguments of each case are repeated in tests/operations/pytorch.rs.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1)
rng = np.random.default_rng(20261124)
tensors = {}


def uniform(*shape):
    return torch.tensor(rng.uniform(-1, 1, shape).astype(np.float32)).double()


def coarse(*shape, low=-4, high=4):
    """Quarters, so that many are equal."""
    return torch.tensor(rng.integers(low, high + 1, shape) / 4)


def record(case, out, grads, **others):
    """Notes `out`, the inputs `grads` with their gradients, and `others` as they are."""
    weights = uniform(*out.shape)
    gradients = torch.autograd.grad((out * weights).sum(), list(grads.values()))
    tensors[f"{case}.out"] = out.detach()
    tensors[f"{case}.weights"] = weights
    for (name, value), gradient in zip(grads.items(), gradients):
        tensors[f"{case}.{name}"] = value.detach()
        tensors[f"{case}.grad_{name}"] = gradient
    for name, value in others.items():
        tensors[f"{case}.{name}"] = value.detach()


def leaf(tensor):
    """An input: values that f32 holds."""
    return tensor.float().double().requires_grad_()


# ResNet's pooling, windows that overlap, on ties and on values that are all negative.
for case, x in {
    "pool_ties": coarse(2, 3, 9, 12),
    "pool_negative": uniform(2, 3, 8, 7) - 1.5,
}.items():
    x = leaf(x)
    out, indices = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    record(case, out, {"x": x}, indices=indices.to(torch.uint32))

# SegNet's pooling of odd sizes, and the way back to them.
x = leaf(coarse(2, 2, 7, 9))
out, indices = F.max_pool2d(x, 2, 2, return_indices=True)
record("pool_halves", out, {"x": x}, indices=indices.to(torch.uint32))
y = leaf(uniform(*out.shape))
unpooled = F.max_unpool2d(y, indices, 2, 2, output_size=(7, 9))
record("unpool", unpooled, {"x": y}, indices=indices.to(torch.uint32))

# Also values far from 0, whose variance and normalised values lose digits when sums are made in f32.
for case, x in {"norm": uniform(3, 4, 5, 7), "norm_far": uniform(3, 4, 5, 7) * 0.1 + 20}.items():
    x, weight, bias = leaf(x), leaf(uniform(4)), leaf(uniform(4))
    # With momentum 1 the running averages become the batch's own statistics.
    mean, variance = torch.zeros(4).double(), torch.ones(4).double()
    out = F.batch_norm(x, mean, variance, weight, bias, training=True, momentum=1.0, eps=1e-5)
    record(case, out, {"x": x, "weight": weight, "bias": bias}, mean=mean, variance=variance)

x, weight, bias = leaf(uniform(2, 4, 3, 5)), leaf(uniform(4)), leaf(uniform(4))
mean, variance = uniform(4), uniform(4).abs() + 0.125
out = F.batch_norm(x, mean, variance, weight, bias, training=False, eps=1e-5)
record("norm_fixed", out, {"x": x, "weight": weight, "bias": bias}, mean=mean, variance=variance)

for case, x in {"divide": uniform(2, 3, 4, 5), "divide_ties": coarse(2, 3, 4, 5, low=-4, high=3)}.items():
    x = leaf(x)
    record(case, x / x.max(), {"x": x})

# LinkNet's: from odd sizes to even ones, and a kernel that does not fill the stride.
for case, (k, stride, padding, extra) in {"transposed": (3, 2, 1, 1), "transposed_wide": (2, 3, 0, 2)}.items():
    x, weight, bias = leaf(uniform(2, 3, 5, 4)), leaf(uniform(3, 2, k, k)), leaf(uniform(2))
    out = F.conv_transpose2d(x, weight, bias, stride, padding, extra)
    record(case, out, {"x": x, "weight": weight, "bias": bias})

x, weight = leaf(uniform(2, 3, 8, 7)), leaf(uniform(4, 3, 3, 3))
record("convolution", F.conv2d(x, weight, None, 2, 1), {"x": x, "weight": weight})

folder = Path(__file__).resolve().parent.parent / "golden-ops"
folder.mkdir(exist_ok=True)
metadata = {"torch": torch.__version__.split("+")[0]}
single = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
save_file({name: t.contiguous() for name, t in single.items()}, folder / "ops.safetensors", metadata)

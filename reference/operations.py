"""The golden tensors of single operations: outputs, and gradients of a weighted sum of them, as PyTorch computes them.

Inputs are values that f32 holds, computed with in f64; results are rounded to f32. Names are `case.tensor`: the
inputs, `out`, the `weights` of the sum, and a `grad_*` for each input that has one. The arguments of each case are
repeated in harness/learn/tests/operations/pytorch.rs.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor


class Cases:
    """Draws inputs, and collects the tensors of all cases."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}

    def uniform(self, *shape: int) -> Tensor:
        values = self.rng.uniform(-1, 1, shape)
        return torch.tensor(values.astype(np.float32)).double()

    def coarse(self, *shape: int, low: int = -4, high: int = 4) -> Tensor:
        """Quarters, so that many are equal."""
        return torch.tensor(self.rng.integers(low, high + 1, shape) / 4)

    def record(self, case: str, out: Tensor, inputs: dict[str, Tensor], **others: Tensor) -> None:
        """Notes `out`, the `inputs` with their gradients, and `others` as they are."""
        weights = self.uniform(*out.shape)
        total = (out * weights).sum()
        gradients = torch.autograd.grad(total, list(inputs.values()))
        found = {"out": out, "weights": weights}
        for (name, value), gradient in zip(inputs.items(), gradients):
            found |= {name: value, f"grad_{name}": gradient}
        found |= others
        self.tensors |= {f"{case}.{name}": t.detach() for name, t in found.items()}


def leaf(tensor: Tensor) -> Tensor:
    """An input: values that f32 holds."""
    return tensor.float().double().requires_grad_()


def pooling(c: Cases) -> None:
    # ResNet's pooling, windows that overlap, on ties and on values that are all negative.
    for case, values in {
        "pool_ties": c.coarse(2, 3, 9, 12),
        "pool_negative": c.uniform(2, 3, 8, 7) - 1.5,
    }.items():
        x = leaf(values)
        out, indices = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        c.record(case, out, {"x": x}, indices=indices.to(torch.uint32))

    # SegNet's pooling of odd sizes, and the way back to them.
    x = leaf(c.coarse(2, 2, 7, 9))
    out, indices = F.max_pool2d(x, 2, 2, return_indices=True)
    c.record("pool_halves", out, {"x": x}, indices=indices.to(torch.uint32))
    y = leaf(c.uniform(*out.shape))
    unpooled = F.max_unpool2d(y, indices, 2, 2, output_size=(7, 9))
    c.record("unpool", unpooled, {"x": y}, indices=indices.to(torch.uint32))


def batch_norm(c: Cases) -> None:
    # Also values far from 0, whose variance and normalised values lose digits when sums are made in f32.
    for case, values in {
        "norm": c.uniform(3, 4, 5, 7),
        "norm_far": c.uniform(3, 4, 5, 7) * 0.1 + 20,
    }.items():
        x, weight, bias = leaf(values), leaf(c.uniform(4)), leaf(c.uniform(4))
        # With momentum 1 the running averages become the batch's own statistics.
        mean, variance = torch.zeros(4).double(), torch.ones(4).double()
        out = F.batch_norm(x, mean, variance, weight, bias, True, 1.0, 1e-5)
        inputs = {"x": x, "weight": weight, "bias": bias}
        c.record(case, out, inputs, mean=mean, variance=variance)

    x, weight, bias = (
        leaf(c.uniform(2, 4, 3, 5)),
        leaf(c.uniform(4)),
        leaf(c.uniform(4)),
    )
    mean, variance = c.uniform(4), c.uniform(4).abs() + 0.125
    out = F.batch_norm(x, mean, variance, weight, bias, training=False, eps=1e-5)
    inputs = {"x": x, "weight": weight, "bias": bias}
    c.record("norm_fixed", out, inputs, mean=mean, variance=variance)


def division(c: Cases) -> None:
    for case, values in {
        "divide": c.uniform(2, 3, 4, 5),
        "divide_ties": c.coarse(2, 3, 4, 5, low=-4, high=3),
    }.items():
        x = leaf(values)
        c.record(case, x / x.max(), {"x": x})


def convolutions(c: Cases) -> None:
    # LinkNet's: from odd sizes to even ones, and a kernel that does not fill the stride.
    for case, (k, stride, padding, extra) in {
        "transposed": (3, 2, 1, 1),
        "transposed_wide": (2, 3, 0, 2),
    }.items():
        x, weight = leaf(c.uniform(2, 3, 5, 4)), leaf(c.uniform(3, 2, k, k))
        bias = leaf(c.uniform(2))
        out = F.conv_transpose2d(x, weight, bias, stride, padding, extra)
        c.record(case, out, {"x": x, "weight": weight, "bias": bias})

    x, weight = leaf(c.uniform(2, 3, 8, 7)), leaf(c.uniform(4, 3, 3, 3))
    out = F.conv2d(x, weight, None, 2, 1)
    c.record("convolution", out, {"x": x, "weight": weight})


def operations(out: Path) -> None:
    cases = Cases(20261124)
    for add in (pooling, batch_norm, division, convolutions):
        add(cases)
    tensors = {name: (t.float() if t.is_floating_point() else t).contiguous() for name, t in cases.tensors.items()}
    save_file(tensors, out, {"torch": torch.__version__.split("+")[0]})

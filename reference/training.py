"""The golden numbers of optimisers, clipping, learning-rate schedules and losses, by PyTorch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    ReduceLROnPlateau,
    SequentialLR,
)

SHAPES = {"a": (7, 5), "b": (5,), "c": (2, 3, 3, 2)}

OPTIMISERS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "adam": (Adam, {"lr": 1e-2}),
    "adam-odd": (Adam, {"lr": 3e-2, "betas": (0.8, 0.95), "eps": 1e-3}),
    "adamw": (AdamW, {"lr": 1e-2}),
    "adamw-strong": (AdamW, {"lr": 1e-1, "betas": (0.5, 0.9), "weight_decay": 0.3}),
}


def optimisers(out: Path, steps: int = 8) -> None:
    """Weights after each of some steps, of which the last three are at a tenth of the rate."""
    torch.manual_seed(1)
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    # Gradients of very different sizes, some of them zero.
    gradients = [
        {name: torch.randn(shape) * 10.0 ** torch.randint(-5, 2, shape) for name, shape in SHAPES.items()}
        for _ in range(steps)
    ]
    gradients[2]["b"][:2] = 0.0
    tensors = {f"weight.{name}": value for name, value in start.items()}
    for i, gradient in enumerate(gradients):
        tensors |= {f"gradient.{i}.{name}": g for name, g in gradient.items()}
    for kind, (make, how) in OPTIMISERS.items():
        weights = {k: v.clone().requires_grad_() for k, v in start.items()}
        optimizer = make(list(weights.values()), **how)
        for i, gradient in enumerate(gradients):
            if i == steps - 3:
                for group in optimizer.param_groups:
                    group["lr"] = how["lr"] / 10
            for name, weight in weights.items():
                weight.grad = gradient[name].clone()
            optimizer.step()
            after = {f"{kind}.{i}.{k}": w.detach().clone() for k, w in weights.items()}
            tensors |= after
    save_file(tensors, out)


def clipping(out: Path) -> None:
    torch.manual_seed(2)
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    tensors = {f"gradient.{name}": value for name, value in start.items()}
    for most in ["0.5", "3.0", "1000.0"]:
        weights = {k: torch.zeros(v, requires_grad=True) for k, v in SHAPES.items()}
        for name, weight in weights.items():
            weight.grad = start[name].clone()
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), float(most))
        tensors[f"norm.{most}"] = norm.reshape(1)
        for name, weight in weights.items():
            assert weight.grad is not None
            tensors[f"clipped.{most}.{name}"] = weight.grad
    save_file(tensors, out)


def rates(schedule: LRScheduler, losses: list[float]) -> list[float]:
    """The rate of each epoch, when the validation losses are these."""
    found = []
    for loss in losses:
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        if isinstance(schedule, ReduceLROnPlateau):
            schedule.step(loss)
        else:
            schedule.step()
    return found


def optimizer(base: float) -> Optimizer:
    return SGD([torch.zeros(1, requires_grad=True)], lr=base)


def cosine(base: float, epochs: int, warmup: int, floor: float) -> LRScheduler:
    of = optimizer(base)
    fall = CosineAnnealingLR(of, T_max=epochs - warmup, eta_min=floor)
    if warmup == 0:
        return fall
    rise = LinearLR(of, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(of, [rise, fall], milestones=[warmup])


def schedules(out: Path) -> None:
    cases = []

    def add(spec: dict[str, Any], base: float, losses: list[float], schedule: LRScheduler) -> None:
        case = {"schedule": spec, "base": base, "losses": losses}
        cases.append(case | {"rates": rates(schedule, losses)})

    torch.manual_seed(3)
    noisy = [float(2.0 * 0.9**i + 0.3 * torch.rand(())) for i in range(60)]
    # Falls too small to count, falls that just count, rises, equal losses.
    narrow = [1.0, 0.99995, 0.9999, 0.99989, 0.9998, 1.0, 0.99979]
    narrow += [0.9997, 0.9997, 0.9997, 0.9997, 0.5, 0.5, 0.5, 0.5, 0.4]
    for base, patience, factor, losses in [
        (1e-2, 2, 0.5, noisy),
        (1e-3, 0, 0.1, noisy),  # sinks until a change would be too small
        (1e-5, 5, 0.1, noisy),
        (1e-2, 1, 0.1, narrow),
    ]:
        schedule = ReduceLROnPlateau(optimizer(base), patience=patience, factor=factor)
        spec = {"plateau": {"patience": patience, "factor": factor}}
        add(spec, base, losses, schedule)
    for base, epochs, warmup, floor in [
        (1e-3, 20, 0, 0.0),
        (1e-2, 12, 5, 1e-4),
        (0.5, 7, 1, 0.1),
        (1e-3, 2, 1, 0.0),
    ]:
        spec = {"cosine": {"warmup": warmup, "floor": floor}}
        add(spec, base, [1.0] * epochs, cosine(base, epochs, warmup, floor))
    out.write_text(json.dumps(cases, indent=1) + "\n")


def losses(out: Path) -> None:
    """Every term, a sum, and a term after the division of the published SegNet, in double precision."""
    torch.manual_seed(4)
    scales = torch.tensor([0.5, 3.0, 20.0]).reshape(3, 1, 1, 1)
    channels = torch.randn(3, 3, 6, 5) * scales
    target = torch.randint(0, 3, (3, 6, 5))
    target[1][target[1] == 2] = 1  # an image without one of the classes
    hot = F.one_hot(target, 3).permute(0, 3, 1, 2).double()

    def soft_dice(x: Tensor) -> Tensor:
        p = x.softmax(1)
        overlap, sizes = (p * hot).sum((2, 3)), p.sum((2, 3)) + hot.sum((2, 3))
        return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()

    def cross_entropy(x: Tensor) -> Tensor:
        return F.cross_entropy(x, target)

    def mse(x: Tensor) -> Tensor:
        return F.mse_loss(x, hot)

    def total(x: Tensor) -> Tensor:
        return 0.5 * mse(x) + cross_entropy(x) + 2.0 * soft_dice(x)

    cases: dict[str, Callable[[Tensor], Tensor]] = {
        "mse": mse,
        "cross-entropy": cross_entropy,
        "sigmoid-cross-entropy": lambda x: cross_entropy(x.sigmoid()),
        "soft-dice": soft_dice,
        "sum": total,
        "divided": lambda x: mse(x / x.max()),
    }
    tensors = {"channels": channels, "target": target.to(torch.uint8)}
    for name, loss in cases.items():
        x = channels.double().requires_grad_()
        value = loss(x)
        (gradient,) = torch.autograd.grad(value, x)
        tensors[f"value.{name}"] = value.detach().reshape(1).float()
        tensors[f"gradient.{name}"] = gradient.float()
    save_file(tensors, out)

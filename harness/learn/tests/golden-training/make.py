"""Golden numbers of optimisers, schedules, clipping and losses, by PyTorch.

    OMP_NUM_THREADS=1 python harness/learn/tests/golden-training/make.py

writes optimisers.safetensors, clipping.safetensors, schedules.json and losses.safetensors beside this file. Needs torch,
numpy and safetensors; made with torch 2.15 on a CPU.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
SHAPES = {"a": (7, 5), "b": (5,), "c": (2, 3, 3, 2)}


def optimisers(steps=8):
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
    tensors |= {f"gradient.{i}.{name}": g for i, step in enumerate(gradients) for name, g in step.items()}
    kinds = {
        "adam": (torch.optim.Adam, {"lr": 1e-2}),
        "adam-odd": (torch.optim.Adam, {"lr": 3e-2, "betas": (0.8, 0.95), "eps": 1e-3}),
        "adamw": (torch.optim.AdamW, {"lr": 1e-2}),
        "adamw-strong": (torch.optim.AdamW, {"lr": 1e-1, "betas": (0.5, 0.9), "weight_decay": 0.3}),
    }
    for kind, (make, options) in kinds.items():
        weights = {name: value.clone().requires_grad_() for name, value in start.items()}
        optimizer = make(list(weights.values()), **options)
        for i, step in enumerate(gradients):
            if i == steps - 3:
                for group in optimizer.param_groups:
                    group["lr"] = options["lr"] / 10
            for name, weight in weights.items():
                weight.grad = step[name].clone()
            optimizer.step()
            tensors |= {f"{kind}.{i}.{name}": weight.detach().clone() for name, weight in weights.items()}
    save_file(tensors, HERE / "optimisers.safetensors")


def clipping():
    torch.manual_seed(2)
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    tensors = {f"gradient.{name}": value for name, value in start.items()}
    for most in ["0.5", "3.0", "1000.0"]:
        weights = [torch.zeros(shape, requires_grad=True) for shape in SHAPES.values()]
        for weight, gradient in zip(weights, start.values()):
            weight.grad = gradient.clone()
        tensors[f"norm.{most}"] = torch.nn.utils.clip_grad_norm_(weights, float(most)).reshape(1)
        tensors |= {f"clipped.{most}.{name}": weight.grad for name, weight in zip(SHAPES, weights)}
    save_file(tensors, HERE / "clipping.safetensors")


def rates(make, losses, base):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = make(optimizer)
    found = []
    for loss in losses:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
            schedule.step(loss)
        else:
            schedule.step()
    return found


def schedules():
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, ReduceLROnPlateau, SequentialLR

    cases = []
    torch.manual_seed(3)
    noisy = [float(2.0 * 0.9**i + 0.3 * torch.rand(())) for i in range(60)]
    # Falls too small to count, falls that just count, rises, equal losses.
    narrow = [1.0, 0.99995, 0.9999, 0.99989, 0.9998, 1.0, 0.99979, 0.9997, 0.9997, 0.9997, 0.9997, 0.5, 0.5, 0.5, 0.5, 0.4]
    for base, patience, factor, losses in [
        (1e-2, 2, 0.5, noisy),
        (1e-3, 0, 0.1, noisy),  # sinks until a change would be too small
        (1e-5, 5, 0.1, noisy),
        (1e-2, 1, 0.1, narrow),
    ]:
        found = rates(lambda o: ReduceLROnPlateau(o, patience=patience, factor=factor), losses, base)
        spec = {"plateau": {"patience": patience, "factor": factor}}
        cases.append({"schedule": spec, "base": base, "losses": losses, "rates": found})
    for base, epochs, warmup, floor in [(1e-3, 20, 0, 0.0), (1e-2, 12, 5, 1e-4), (0.5, 7, 1, 0.1), (1e-3, 2, 1, 0.0)]:

        def make(o):
            cosine = CosineAnnealingLR(o, T_max=epochs - warmup, eta_min=floor)
            if warmup == 0:
                return cosine
            rise = LinearLR(o, start_factor=1 / (warmup + 1), total_iters=warmup)
            return SequentialLR(o, [rise, cosine], milestones=[warmup])

        found = rates(make, [1.0] * epochs, base)
        spec = {"cosine": {"warmup": warmup, "floor": floor}}
        cases.append({"schedule": spec, "base": base, "losses": [1.0] * epochs, "rates": found})
    (HERE / "schedules.json").write_text(json.dumps(cases, indent=1) + "\n")


def losses():
    """Every term, a sum, and a term after the division of the published SegNet, in double precision."""
    torch.manual_seed(4)
    channels = torch.randn(3, 3, 6, 5) * torch.tensor([0.5, 3.0, 20.0]).reshape(3, 1, 1, 1)
    target = torch.randint(0, 3, (3, 6, 5))
    target[1][target[1] == 2] = 1  # an image without one of the classes
    x = channels.double().requires_grad_()
    hot = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2).double()

    def soft_dice(x):
        p = x.softmax(1)
        overlap, sizes = (p * hot).sum((2, 3)), p.sum((2, 3)) + hot.sum((2, 3))
        return 1 - ((2 * overlap + 1) / (sizes + 1)).mean()

    cross_entropy = lambda x: torch.nn.functional.cross_entropy(x, target)  # noqa: E731
    mse = lambda x: torch.nn.functional.mse_loss(x, hot)  # noqa: E731
    cases = {
        "mse": mse,
        "cross-entropy": cross_entropy,
        "sigmoid-cross-entropy": lambda x: cross_entropy(x.sigmoid()),
        "soft-dice": soft_dice,
        "sum": lambda x: 0.5 * mse(x) + cross_entropy(x) + 2.0 * soft_dice(x),
        "divided": lambda x: mse(x / x.max()),
    }
    tensors = {"channels": channels, "target": target.to(torch.uint8)}
    for name, loss in cases.items():
        value = loss(x)
        (gradient,) = torch.autograd.grad(value, x)
        tensors |= {f"value.{name}": value.detach().reshape(1).float(), f"gradient.{name}": gradient.float()}
    save_file(tensors, HERE / "losses.safetensors")


optimisers()
clipping()
schedules()
losses()

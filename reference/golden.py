#!/usr/bin/env python3
"""Write the golden tensors of a network: one step of training by PyTorch, with all that a port must repeat.

    python reference/golden.py --model segnet --batch 2 --size 37 --seed 7 --out segnet.safetensors [--width 16 ...]

--width and the like set the sizes of the network; without them it has the published ones. The committed goldens are
made by remake.py. CONTRIBUTING.md says what a file holds.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from models import MODELS, add_options, options

State = dict[str, Tensor]


def own(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().contiguous()


def network(
    out: Path,
    model: str,
    sizes: dict[str, int],
    *,
    batch: int = 2,
    size: int,
    seed: int,
    mode: str = "train",
) -> None:
    """The golden of a network with random weights."""
    torch.manual_seed(seed)
    net = MODELS[model](**sizes)
    record = {f"weight.{k}": own(v) for k, v in net.state_dict().items()}
    record |= step(net, batch, size, mode)
    save(out, record, model, sizes, mode=mode)


def linknet(out: Path, weights: Path, *, size: int, seed: int, mode: str = "train") -> None:
    """The golden of a LinkNet with the weights of a state dict.

    LinkNet has 88,000 weights at its narrowest. To keep its goldens small, its weights lie once, as half floats, in
    the file that the metadata name; and after the step only the buffers are kept. The step itself is Adam's, which
    the goldens of the other networks check.

    So narrow, decoder1.conv3 has one input, and in training the batch norm behind it takes away any factor as well
    as any shift. Its gradient is 0 but for rounding, in PyTorch itself off by 1e-4 of its size, and is left out.
    """
    sizes = {"width": 4}
    net = MODELS["linknet"](**sizes)
    net.load_state_dict(read_state(weights))
    torch.manual_seed(seed)
    record = step(net, 2, size, mode)
    left_out = "decoder1.conv3." if mode == "train" else ""
    dropped = ["commitment", *(f"after.{k}" for k, _ in net.named_parameters())]
    if left_out:
        dropped += [k for k in record if k.startswith(f"grad.{left_out}")]
    record = {k: v for k, v in record.items() if k not in dropped}
    names = {"weights": f"../weights/{weights.name}", "left_out": left_out}
    save(out, record, "linknet", sizes, mode=mode, **names)


def step(net: nn.Module, batch: int, size: int, mode: str) -> State:
    """Runs a step on random images, and returns all of its tensors."""
    net.train(mode == "train")
    x = torch.rand(batch, 3, size, size)
    y = torch.randint(0, 3, (batch, size, size))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    out, commitment = net(x)
    loss = F.cross_entropy(out, y)
    record = {"input": x, "target": y.to(torch.uint8)}
    record |= {"output": own(out), "loss": own(loss).reshape(1)}
    total = loss
    record["commitment"] = torch.zeros(1)
    if commitment is not None:
        total = loss + 0.25 * commitment
        record["commitment"] = own(commitment).reshape(1)
    total.backward()
    for name, parameter in net.named_parameters():
        if parameter.grad is not None:
            record[f"grad.{name}"] = own(parameter.grad)
    optimizer.step()
    return record | {f"after.{k}": own(v) for k, v in net.state_dict().items()}


def save(out: Path, record: State, model: str, sizes: dict[str, int], **more: str) -> None:
    metadata = {"model": model, "options": json.dumps(sizes)}
    save_file(record, out, metadata | more | {"torch": torch.__version__})


def trained(net: nn.Module, size: int) -> nn.Module:
    """Moves scales, running statistics and codebook away from their first values, and rounds all to half floats.

    So narrow a network dies easily: shifts above 0 keep its ReLUs alive.
    """
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, 0.2, 1.0)
    net.train()
    for _ in range(40):
        net(torch.rand(2, 3, size, size))
    return net.half().float()


def state_dict(
    out: Path,
    committed: Path,
    sizes: dict[str, int],
    *,
    seed: int,
    size: int,
    write: Callable[[State, Path], None],
) -> None:
    """A state dict, and what the network gives for an image of whole bytes.

    The output is that of the `committed` state dict: arithmetic of other machines may round other weights.
    """
    torch.manual_seed(seed)
    net = trained(MODELS[out.stem](**sizes), size)
    write(net.state_dict(), out)
    image = torch.randint(0, 256, (1, 3, size, size))
    net.load_state_dict(read_state(committed))
    net.eval()
    with torch.no_grad():
        output, _ = net(image / 255)
    record = {"image": image.to(torch.uint8), "output": own(output)}
    save(out.with_suffix(".safetensors"), record, out.stem, sizes)


def write_archive(state: State, out: Path) -> None:
    """As PyTorch writes it today."""
    torch.save(state, out)


def write_plain(state: State, out: Path) -> None:
    """As PyTorch wrote it before 1.6."""
    torch.save(state, out, _use_new_zipfile_serialization=False)


def write_nested(state: State, out: Path) -> None:
    """As training programs write it: among other things, from a wrapped network, in half floats."""
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    wrapped = {f"module.{k}": v for k, v in halves.items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, out)


def read_state(path: Path) -> State:
    """The state dict of a file of any of these kinds."""
    state = torch.load(path)
    state = state.get("state_dict", state)
    return {k.removeprefix("module."): v for k, v in state.items()}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", choices=MODELS, required=True)
    p.add_argument("--batch", type=int, default=2)
    p.add_argument("--size", type=int, default=36)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--eval", action="store_true", help="evaluation mode")
    add_options(p)
    a = p.parse_args()
    mode = "eval" if a.eval else "train"
    given = {"batch": a.batch, "size": a.size, "seed": a.seed, "mode": mode}
    network(a.out, a.model, options(a), **given)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Make the committed goldens of SegNet and LinkNet, and the weight files of tests/weights/.

    PYTHONPATH=<folder of the reference's models.py and golden.py> python make_goldens.py

LinkNet has 88,000 weights at its narrowest. To keep its goldens small, its weights lie once, as half floats, in
tests/weights/linknet.pt, which the golden's metadata names, and after the step only the buffers are kept: the step itself is
Adam's, which the goldens of the other networks check. All else is as golden.py does it.

So narrow, decoder1.conv3 has one input, and in training the batch norm behind it takes away any factor as well as any shift:
its gradient is 0 but for rounding, in PyTorch itself off by 1e-4 of its size, and is left out.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys

import torch
from models import LinkNet, MODELS
from safetensors.torch import save_file
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
WEIGHTS = HERE.parent / "weights"
GOLDEN = importlib.util.find_spec("golden").origin


def own(tensor):
    return tensor.detach().clone().contiguous()


def segnet(name, *options):
    subprocess.run([sys.executable, GOLDEN, "--model", "segnet", "--out", HERE / name, *options], check=True)


def trained(net, size):
    """Moves scales, running statistics and codebook away from their first values, and rounds all to half floats.

    So narrow a network dies easily: shifts above 0 keep its ReLUs alive.
    """
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.uniform_(layer.bias, 0.2, 1.0)
    net.train()
    for _ in range(40):
        net(torch.rand(2, 3, size, size))
    return net.half().float()


def linknet(name, net, mode, size, seed):
    torch.manual_seed(seed)
    net.train(mode == "train")
    x, y = torch.rand(2, 3, size, size), torch.randint(0, 3, (2, size, size))
    buffers = {k for k, _ in net.named_buffers()}
    out, _ = net(x)
    loss = F.cross_entropy(out, y)
    loss.backward()
    record = {"input": x, "target": y.to(torch.uint8), "output": own(out), "loss": own(loss).reshape(1)}
    left_out = "decoder1.conv3." if mode == "train" else ""
    compared = [(k, v) for k, v in net.named_parameters() if not (left_out and k.startswith(left_out))]
    record |= {f"grad.{k}": own(v.grad) for k, v in compared}
    record |= {f"after.{k}": own(v) for k, v in net.state_dict().items() if k in buffers}
    options = json.dumps({"width": 4})
    save_file(record, HERE / name, metadata={"model": "linknet", "options": options, "mode": mode,
                                             "weights": "../weights/linknet.pt", "left_out": left_out,
                                             "torch": torch.__version__})


def weights(name, options, seed, size, save):
    """A state dict as PyTorch writes it, and what the network gives for an image of whole bytes."""
    torch.manual_seed(seed)
    net = trained(MODELS[name](**options), size)
    save(net.state_dict(), WEIGHTS / f"{name}.pt")
    net.eval()
    image = torch.randint(0, 256, (1, 3, size, size))
    with torch.no_grad():
        out, _ = net(image / 255)
    save_file({"image": image.to(torch.uint8), "output": own(out)}, WEIGHTS / f"{name}.safetensors",
              metadata={"model": name, "options": json.dumps(options), "torch": torch.__version__})
    return net


WEIGHTS.mkdir(exist_ok=True)
segnet("segnet-odd.safetensors", "--width", "2", "--batch", "2", "--size", "37", "--seed", "11")
segnet("segnet-eval.safetensors", "--width", "1", "--batch", "2", "--size", "22", "--seed", "12", "--eval")
vqvae = dict(width=4, depth=1, inner=4, dim=4, codes=8)
weights("vqvae", vqvae, 1, 16, torch.save)
weights("segnet", {"width": 2}, 2, 21, lambda d, f: torch.save(d, f, _use_new_zipfile_serialization=False))
nested = lambda d, f: torch.save({"epoch": 3, "state_dict": {f"module.{k}": v.half() if v.is_floating_point() else v
                                                             for k, v in d.items()}}, f)
weights("linknet", {"width": 4}, 3, 32, nested)
for file, mode, size, seed in (("linknet-train", "train", 64, 17), ("linknet-eval", "eval", 32, 14)):
    net = LinkNet(width=4)
    state = torch.load(WEIGHTS / "linknet.pt")["state_dict"]
    net.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
    linknet(f"{file}.safetensors", net, mode, size, seed)

"""The three networks in PyTorch: what their outputs, gradients and speed are measured against.

Parameters have the names under which the published checkpoints were saved, so that state dicts can be exchanged.
Tensors are float32 and have the shape [batch, channels, height, width]. Every network returns its output and the
commitment loss, which is None where there is no codebook.
"""

import argparse

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Output = tuple[Tensor, Tensor | None]


class ResidualStack(nn.Module):
    def __init__(self, width: int, depth: int, inner: int):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(width, inner, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(inner, width, 1),
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.layers:
            x = x + block(x)
        return F.relu(x)


class Encoder(nn.Module):
    def __init__(self, width: int, depth: int, inner: int):
        super().__init__()
        half = width // 2
        self.layers = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, half, 4, 2, 1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(half, width, 4, 2, 1), nn.ReLU()),
                nn.Conv2d(width, width, 3, padding=1),
            ]
        )
        self.residual_stack = ResidualStack(width, depth, inner)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.residual_stack(x)


class Decoder(nn.Module):
    def __init__(self, width: int, depth: int, inner: int, dim: int):
        super().__init__()
        half = width // 2
        self.conv = nn.Conv2d(dim, width, 3, padding=1)
        self.residual_stack = ResidualStack(width, depth, inner)
        self.upconv = nn.Sequential()
        self.upconv.add_module("up0", nn.ConvTranspose2d(width, half, 4, 2, 1))
        self.upconv.add_module("relu0", nn.ReLU())
        self.upconv.add_module("up1", nn.ConvTranspose2d(half, 3, 4, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.upconv(self.residual_stack(self.conv(x)))


class Debiased(nn.Module):
    """An exponential moving average that is not biased towards its start at zero."""

    counter: Tensor
    hidden: Tensor
    average: Tensor

    def __init__(self, decay: float, shape: tuple[int, ...]):
        super().__init__()
        self.decay = decay
        # A tensor: torch.compile takes a Python number for a constant, and would compile anew at each step.
        counter = torch.zeros((), dtype=torch.int64)
        self.register_buffer("counter", counter, persistent=False)
        self.register_buffer("hidden", torch.zeros(shape))
        self.register_buffer("average", torch.zeros(shape))

    def push(self, value: Tensor) -> Tensor:
        self.counter += 1
        self.hidden += (value - self.hidden) * (1 - self.decay)
        # In double precision, as Python would compute it: single precision loses digits of 1 - decay.
        self.average = self.hidden / (1 - self.decay ** self.counter.double())
        return self.average


class Quantizer(nn.Module):
    e_i_ts: Tensor

    def __init__(self, dim: int, codes: int, decay: float, eps: float):
        super().__init__()
        self.codes, self.eps = codes, eps
        self.register_buffer("e_i_ts", (torch.rand(dim, codes) * 2 - 1) * 3**0.5)
        self.N_i_ts = Debiased(decay, (codes,))
        self.m_i_ts = Debiased(decay, (dim, codes))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        b, d, h, w = z.shape
        flat = z.permute(0, 2, 3, 1).reshape(-1, d)  # [B, D, H, W] -> [B*H*W, D]
        codes = self.e_i_ts  # [D, K]
        lengths = flat.pow(2).sum(1, keepdim=True), codes.pow(2).sum(0, keepdim=True)
        index = (lengths[0] - 2 * flat @ codes + lengths[1]).argmin(1)
        q = codes.t()[index].reshape(b, h, w, d).permute(0, 3, 1, 2)
        commitment = F.mse_loss(z, q.detach())
        out = z + (q - z).detach()
        if self.training:
            with torch.no_grad():
                hot = F.one_hot(index, self.codes).to(flat.dtype)
                n = self.N_i_ts.push(hot.sum(0))
                m = self.m_i_ts.push(flat.t() @ hot)
                total = n.sum()
                smooth = (n + self.eps) / (total + self.codes * self.eps) * total
                self.e_i_ts = m / smooth
        return out, commitment


class VQVAE(nn.Module):
    def __init__(
        self,
        width: int = 256,
        depth: int = 4,
        inner: int = 256,
        dim: int = 64,
        codes: int = 512,
        decay: float = 0.99,
        eps: float = 1e-5,
    ):
        super().__init__()
        self.encoder = Encoder(width, depth, inner)
        self.pre_vq_conv = nn.Conv2d(width, dim, 1)
        self.vq = Quantizer(dim, codes, decay, eps)
        self.decoder = Decoder(width, depth, inner, dim)

    def forward(self, x: Tensor) -> Output:
        q, commitment = self.vq(self.pre_vq_conv(self.encoder(x)))
        return self.decoder(q), commitment


def conv_bn(cin: int, cout: int) -> list[nn.Module]:
    conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(cout), nn.ReLU()]


class Down(nn.Module):
    def __init__(self, cin: int, cout: int, n: int):
        super().__init__()
        first = conv_bn(cin, cout)
        rest = [m for _ in range(n - 1) for m in conv_bn(cout, cout)]
        self.seq = nn.Sequential(*first, *rest)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, torch.Size]:
        y = self.seq(x)
        pooled, index = F.max_pool2d(y, 2, return_indices=True)
        return pooled, index, y.shape


class Up(nn.Module):
    def __init__(self, cin: int, cout: int, n: int):
        super().__init__()
        rest = [m for _ in range(n - 1) for m in conv_bn(cin, cin)]
        self.seq = nn.Sequential(*rest, *conv_bn(cin, cout))

    def forward(self, x: Tensor, index: Tensor, shape: torch.Size) -> Tensor:
        return self.seq(F.max_unpool2d(x, index, 2, output_size=shape[-2:]))


class SegNet(nn.Module):
    def __init__(self, width: int = 64):
        super().__init__()
        a, b, c, d = width, 2 * width, 4 * width, 8 * width
        self.batch_norm_input = nn.BatchNorm2d(3)
        self.dc_1, self.dc_2 = Down(3, a, 2), Down(a, b, 2)
        self.dc_3, self.dc_4 = Down(b, c, 3), Down(c, d, 3)
        self.uc_4, self.uc_3 = Up(d, c, 3), Up(c, b, 3)
        self.uc_2, self.uc_1 = Up(b, a, 2), Up(a, 3, 2)

    def forward(self, x: Tensor) -> Output:
        x = self.batch_norm_input(x)
        trail = []
        for down in (self.dc_1, self.dc_2, self.dc_3, self.dc_4):
            x, index, shape = down(x)
            trail.append((index, shape))
        for up in (self.uc_4, self.uc_3, self.uc_2, self.uc_1):
            x = up(x, *trail.pop())
        return x / x.max(), None


class Basic(nn.Module):
    def __init__(self, cin: int, cout: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride != 1 or cin != cout:
            conv = nn.Conv2d(cin, cout, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(cout))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class LinkUp(nn.Module):
    def __init__(self, cin: int, cout: int):
        super().__init__()
        m = cin // 4
        self.conv1, self.norm1 = nn.Conv2d(cin, m, 1), nn.BatchNorm2d(m)
        self.deconv2 = nn.ConvTranspose2d(m, m, 3, 2, 1, 1)
        self.norm2 = nn.BatchNorm2d(m)
        self.conv3, self.norm3 = nn.Conv2d(m, cout, 1), nn.BatchNorm2d(cout)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.deconv2(x)))
        return F.relu(self.norm3(self.conv3(x)))


class LinkNet(nn.Module):
    def __init__(self, width: int = 64, classes: int = 3):
        super().__init__()
        a, b, c, d = width, 2 * width, 4 * width, 8 * width

        def layer(cin: int, cout: int, n: int, stride: int) -> nn.Sequential:
            first = Basic(cin, cout, stride)
            return nn.Sequential(first, *[Basic(cout, cout, 1) for _ in range(n - 1)])

        self.conv = nn.Conv2d(3, a, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(a)
        self.encoder1, self.encoder2 = layer(a, a, 3, 1), layer(a, b, 4, 2)
        self.encoder3, self.encoder4 = layer(b, c, 6, 2), layer(c, d, 3, 2)
        self.decoder4, self.decoder3 = LinkUp(d, c), LinkUp(c, b)
        self.decoder2, self.decoder1 = LinkUp(b, a), LinkUp(a, a)
        self.finaldeconv = nn.ConvTranspose2d(a, a // 2, 3, stride=2)
        self.finalconv2 = nn.Conv2d(a // 2, a // 2, 3)
        self.finalconv3 = nn.Conv2d(a // 2, classes, 2, padding=1)

    def forward(self, x: Tensor) -> Output:
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 3, 2, 1)
        e1 = self.encoder1(x)
        e2 = self.encoder2(e1)
        e3 = self.encoder3(e2)
        e4 = self.encoder4(e3)
        y = self.decoder4(e4) + e3
        y = self.decoder3(y) + e2
        y = self.decoder2(y) + e1
        y = self.decoder1(y)
        y = F.relu(self.finalconv2(F.relu(self.finaldeconv(y))))
        return self.finalconv3(y), None


MODELS: dict[str, type[nn.Module]] = {
    "vqvae": VQVAE,
    "segnet": SegNet,
    "linknet": LinkNet,
}

OPTIONS = ("width", "depth", "inner", "dim", "codes")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds an argument for each size of a network; without it the network has its published size."""
    for option in OPTIONS:
        parser.add_argument("--" + option, type=int)


def options(arguments: argparse.Namespace) -> dict[str, int]:
    """The sizes that were given."""
    given = {option: getattr(arguments, option) for option in OPTIONS}
    return {option: value for option, value in given.items() if value is not None}

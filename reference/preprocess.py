#!/usr/bin/env python3
"""Write the golden arrays of a photograph and its trimap, as Pillow and torchvision's transforms make them.

    python reference/preprocess.py --image cat.jpg --trimap cat.png --size 120 --out cat.safetensors

`cat.safetensors` then holds (u8; pictures [height, width, 3]): image (decoded, RGB), resized (bilinear, antialiased),
trimap, trimap_resized (nearest), and of `resized`: grey (ITU-R 601 luma in 3 channels), blur_2, blur_5, blur_7,
blur_10 (GaussianBlur by that radius), brightness_050, contrast_150, saturation_050 (ImageEnhance), rotate_90
(counter-clockwise). `cat.hue.safetensors` holds `resized` with other hues: hue_<turns of the colour circle>.
The committed goldens, and the small pictures that they are of, are made by remake.py.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from safetensors.numpy import save_file

Change = Callable[[Image.Image, Image.Image], Image.Image]


def arrays(image: Path, trimap: Path, size: int, out: Path) -> None:
    """The golden arrays of a picture, in `out` and the file of hues beside it."""
    whole, labels = Image.open(image).convert("RGB"), Image.open(trimap)
    small = whole.resize((size, size), Image.Resampling.BILINEAR)
    made = {
        "image": whole,
        "resized": small,
        "trimap": labels,
        "trimap_resized": labels.resize((size, size), Image.Resampling.NEAREST),
        "grey": small.convert("L").convert("RGB"),
        "brightness_050": ImageEnhance.Brightness(small).enhance(0.5),
        "contrast_150": ImageEnhance.Contrast(small).enhance(1.5),
        "saturation_050": ImageEnhance.Color(small).enhance(0.5),
        "rotate_90": small.rotate(90, expand=True),
    }
    for radius in (2, 5, 7, 10):
        made[f"blur_{radius}"] = small.filter(ImageFilter.GaussianBlur(radius))
    hues = {f"hue_{turns}": other_hue(small, turns) for turns in (-0.5, -0.1, 0.03, 0.25)}
    for path, pictures in ((out, made), (out.with_suffix(".hue.safetensors"), hues)):
        bytes_of = {k: np.asarray(v, dtype=np.uint8) for k, v in pictures.items()}
        save_file({k: np.ascontiguousarray(v) for k, v in bytes_of.items()}, path)


def other_hue(image: Image.Image, turns: float) -> Image.Image:
    """torchvision's `adjust_hue` of a Pillow image."""
    hue, saturation, value = image.convert("HSV").split()
    steps = np.int32(turns * 255).astype(np.uint8)  # cut towards 0, then modulo 256
    turned = Image.fromarray(np.array(hue, dtype=np.uint8) + steps)
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def drawing(random: np.random.Generator, width: int, height: int) -> tuple[Image.Image, Image.Image]:
    """Smooth colours, a hard-edged disc, and noise on one half; and the trimap of the disc."""
    sides = np.array([height, width]).reshape(2, 1, 1)
    y, x = np.mgrid[0:height, 0:width] / sides
    rgb = np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x + 5 * y)], axis=2) * 255
    disc = (x - 0.45) ** 2 + (y - 0.55) ** 2
    rgb[disc < 0.06] = (230, 40, 60)
    rgb += random.normal(0, 40, rgb.shape) * (x > 0.5)[..., None]
    trimap = np.where(disc < 0.06, 1, np.where(disc < 0.1, 3, 2))
    image = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
    return image, Image.fromarray(trimap.astype(np.uint8))


def opaque_where_labelled(image: Image.Image, trimap: Image.Image) -> Image.Image:
    image.putalpha(trimap.point(lambda label: label * 80))
    return image


def indexed(image: Image.Image, _: Image.Image) -> Image.Image:
    return image.convert("P", palette=Image.Palette.ADAPTIVE, colors=60)


def inked(image: Image.Image, _: Image.Image) -> Image.Image:
    return image.convert("CMYK")


def unchanged(image: Image.Image, _: Image.Image) -> Image.Image:
    return image


# What decoders find hard: name, size, what is done to the drawing, how it is saved.
DRAWINGS: list[tuple[str, tuple[int, int], Change, dict[str, Any]]] = [
    ("subsampled.jpg", (61, 47), unchanged, {"quality": 85, "subsampling": 2}),
    (
        "full-chroma.jpg",
        (45, 71),
        unchanged,
        {"quality": 92, "subsampling": 0, "progressive": True},
    ),
    ("alpha.png", (53, 39), opaque_where_labelled, {}),
    ("palette.gif", (37, 33), indexed, {}),
    ("inks.jpg", (29, 27), inked, {"quality": 90}),
    (
        "restarts.jpg",
        (83, 50),
        unchanged,
        {"quality": 90, "subsampling": 1, "restart_marker_blocks": 2},
    ),
]


def drawings(folder: Path) -> None:
    """The small pictures of the tests, and for each its trimap and golden arrays."""
    random = np.random.default_rng(0)
    for name, (width, height), change, how in DRAWINGS:
        image, trimap = drawing(random, width, height)
        path = folder / name
        labels = path.with_suffix(".trimap.png")
        change(image, trimap).save(path, **how)
        trimap.save(labels)
        arrays(path, labels, 32, path.with_suffix(".safetensors"))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--image", type=Path, required=True)
    p.add_argument("--trimap", type=Path, required=True)
    p.add_argument("--size", type=int, default=120)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    arrays(a.image, a.trimap, a.size, a.out)


if __name__ == "__main__":
    main()

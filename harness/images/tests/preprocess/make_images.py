#!/usr/bin/env python3
"""Draw the test images of this folder, each with a trimap (needs pillow and numpy).

Then, for each NAME.EXT:  python preprocess.py --image NAME.EXT --trimap NAME.trimap.png --size 32 --out NAME.safetensors
"""
import numpy as np
from PIL import Image

random = np.random.default_rng(0)


def drawing(width, height):
    """Smooth colours, a hard-edged disc, and noise on one half."""
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    rgb = np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x + 5 * y)], axis=2) * 255
    disc = (x - 0.45) ** 2 + (y - 0.55) ** 2
    rgb[disc < 0.06] = (230, 40, 60)
    rgb += random.normal(0, 40, rgb.shape) * (x > 0.5)[..., None]
    trimap = np.where(disc < 0.06, 1, np.where(disc < 0.1, 3, 2))
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8)), Image.fromarray(trimap.astype(np.uint8))


def save(name, image, trimap, **options):
    image.save(name, **options)
    trimap.save(name.rsplit(".", 1)[0] + ".trimap.png")


image, trimap = drawing(61, 47)
save("subsampled.jpg", image, trimap, quality=85, subsampling=2)
image, trimap = drawing(45, 71)
save("full-chroma.jpg", image, trimap, quality=92, subsampling=0, progressive=True)
image, trimap = drawing(53, 39)
image.putalpha(trimap.point(lambda label: label * 80))
save("alpha.png", image, trimap)
image, trimap = drawing(37, 33)
save("palette.gif", image.convert("P", palette=Image.Palette.ADAPTIVE, colors=60), trimap)
image, trimap = drawing(29, 27)
save("inks.jpg", image.convert("CMYK"), trimap, quality=90)
image, trimap = drawing(83, 50)
save("restarts.jpg", image, trimap, quality=90, subsampling=1, restart_marker_blocks=2)

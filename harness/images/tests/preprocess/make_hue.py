#!/usr/bin/env python3
"""Write NAME.hue.safetensors for each NAME.safetensors given: its `resized` image with other hues (needs pillow, numpy, safetensors).

The arithmetic is torchvision's `adjust_hue` on a Pillow image. Keys: `hue_<turns>`, u8, HWC.
"""
import sys
import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file


def adjust_hue(image, turns):
    hue, saturation, value = image.convert("HSV").split()
    steps = np.int32(turns * 255).astype(np.uint8)  # cut towards 0, then modulo 256
    hue = Image.fromarray(np.array(hue, dtype=np.uint8) + steps)
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


for name in sys.argv[1:]:
    image = Image.fromarray(load_file(name)["resized"])
    arrays = {f"hue_{turns}": np.asarray(adjust_hue(image, turns)) for turns in (-0.5, -0.1, 0.03, 0.25)}
    save_file(arrays, name.removesuffix("safetensors") + "hue.safetensors")

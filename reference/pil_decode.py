#!/usr/bin/env python3
"""Time Pillow's decoding and resizing of a folder's pictures: the yardstick of `harness bench data`.

    python reference/pil_decode.py DIR [--size 120] [--processes 2] [--repeat 3]

Finds every picture below DIR, and with each does `Image.open(...).convert("RGB").resize((size, size), Image.BILINEAR)`,
without scaled decoding, one Python process a core. The processes are started, and the files read once, before the clock runs.
Prints one JSON line: images_per_s (the median of the passes), images, skipped (what Pillow cannot decode), size, processes.
Alternate it with `harness bench data` in one run and compare medians: machines are noisy.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time

import PIL
from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")


def pictures(folder: str) -> list[str]:
    """Paths of the pictures below a folder, sorted; hidden files and folders are no pictures."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            os.path.join(here, name) for name in files if name.lower().endswith(ENDINGS) and not name.startswith(".")
        ]
    return sorted(found)


def resized(job: tuple[str, int]) -> bytes | None:
    """The bytes of a picture made small, or None if it cannot be decoded."""
    path, size = job
    try:
        with Image.open(path) as image:
            return image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR).tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", metavar="DIR")
    p.add_argument("--size", type=int, default=120)
    p.add_argument("--processes", type=int, default=os.cpu_count())
    p.add_argument("--repeat", type=int, default=3)
    a = p.parse_args()
    jobs = [(path, a.size) for path in pictures(a.folder)]
    if not jobs:
        p.error(f"there are no pictures in {a.folder}")
    rates = []
    with multiprocessing.Pool(a.processes) as pool:
        skipped = sum(small is None for small in pool.imap(resized, jobs, chunksize=8))
        for _ in range(a.repeat):
            start = time.perf_counter()
            for _ in pool.imap(resized, jobs, chunksize=8):
                pass
            rates.append((len(jobs) - skipped) / (time.perf_counter() - start))
    result = {
        "engine": f"Pillow {PIL.__version__}",
        "images_per_s": round(statistics.median(rates), 1),
        "images": len(jobs) - skipped,
        "skipped": skipped,
        "size": a.size,
        "processes": a.processes,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""CIFAR-10 in miniature as a Parquet file, as the tools of the Hugging Face hub write it: by pyarrow, with its defaults."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

NAMES = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]
CAT, DOG, FROG = (NAMES.index(name) for name in ("cat", "dog", "frog"))


def picture(shade: int) -> bytes:
    """A PNG file of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (shade, shade + 1, shade + 2)).save(file, "PNG")
    return file.getvalue()


def table(out: Path) -> None:
    """The rows that the tests in Rust expect: for each of five batches a cat, a dog and a frog."""
    rows = [row for batch in range(1, 6) for row in ((CAT, batch * 10), (DOG, batch * 10 + 5), (FROG, 200))]
    features = {
        "img": {"_type": "Image"},
        "label": {"names": NAMES, "_type": "ClassLabel"},
    }
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("img", image), ("label", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    columns = {
        "img": [{"bytes": picture(shade), "path": None} for _, shade in rows],
        "label": [label for label, _ in rows],
    }
    pq.write_table(pa.table(columns, schema=schema), out)

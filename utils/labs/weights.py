"""Trained weights for a lab, in a script that loads on the reader's click.

They are rounded to float16 or int8 first; then the page and Python read the
same file, so that both compute with the same numbers. It is a script because a
page that was opened from a folder (`file://`) can fetch nothing else.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from utils.labs.lab import button, module

Layers = Mapping[str, Mapping[str, Float[np.ndarray, "..."]]]

# The site serves `assets` as `_static`; js/weights.js knows both names.
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "weights"
LOADER = module("js/weights.js")
OPENING = "(globalThis.unrolledWeights ??= {{}})[{name}] ="


class Weights(NamedTuple):
    """A model's layers as the page reads them, and the size of their script."""

    name: str
    layers: dict[str, dict[str, Float[np.ndarray, "..."]]]
    kilobytes: float


def write_weights(
    name: str, layers: Layers, dtype: str = "float16", folder: Path = FOLDER
) -> None:
    """Round a model's weights and write them as a script.

    int8 stands for w ≈ q · scale with one scale an array, max |w| / 127.

    Args:
        name: of the file, without ".js".
        layers: the `params` of each layer, under the layer's name.
        dtype: "float16" or "int8".
        folder: where the site looks for weights.

    Raises:
        ValueError: another dtype, or a weight that it cannot hold.
    """
    if dtype not in ("float16", "int8"):
        raise ValueError(f"dtype is {dtype!r}; use 'float16' or 'int8'")
    packed = {
        layer: {key: _pack(f"{layer}.{key}", w, dtype) for key, w in p.items()}
        for layer, p in layers.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    opening = OPENING.format(name=json.dumps(name))
    text = f"{opening} {json.dumps(packed)};\n"
    (folder / f"{name}.js").write_text(text, encoding="ascii")


def as_stored(
    weights: Float[np.ndarray, "..."], dtype: str
) -> Float[np.ndarray, "..."]:
    """Return an array rounded as `write_weights` rounds it."""
    stored = _unpack(_pack("an array", weights, dtype))
    return stored.astype(weights.dtype)


def load_weights(name: str, folder: Path = FOLDER) -> Weights:
    """Read the weights that the page reads, as float64.

    Raises:
        FileNotFoundError: there is no such file.
    """
    path = folder / f"{name}.js"
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name} is not in {folder.name}; the benchmark that trains "
            "the model writes it, with `write_weights`"
        )
    text = path.read_text(encoding="ascii")
    packed = json.loads(text.partition("] =")[2].rstrip(";\n"))
    layers = {
        layer: {key: _unpack(w) for key, w in params.items()}
        for layer, params in packed.items()
    }
    return Weights(name, layers, path.stat().st_size / 1000)


def weights_button(name: str, label: str, weights: Weights) -> str:
    """Return a button that says how much its click loads.

    A lab with `LOADER` among its modules calls
    `weights.onClick(find("<name>"), use)`: `use` gets the layers.
    """
    size = f"{weights.kilobytes:.0f} KB"
    return button(name, f"{label} ({size})", weights=weights.name)


def _pack(
    name: str, weights: Float[np.ndarray, "..."], dtype: str
) -> dict[str, object]:
    """Return an array as JSON holds it."""
    largest = float(np.abs(weights).max(initial=0))
    if not largest <= np.finfo(np.float16).max:
        raise ValueError(f"{name} reaches {largest}; {dtype} cannot hold it")
    scale = largest / 127 or 1.0
    stored = weights if dtype == "float16" else np.round(weights / scale)
    # Little-endian, whichever machine writes.
    stored = stored.astype({"float16": "<f2", "int8": "i1"}[dtype])
    return {
        "shape": list(weights.shape),
        "dtype": dtype,
        "scale": 1.0 if dtype == "float16" else scale,
        "base64": base64.b64encode(stored.tobytes()).decode("ascii"),
    }


def _unpack(packed: Mapping) -> Float[np.ndarray, "..."]:
    """Undo `_pack`, but for the rounding."""
    dtype = {"float16": "<f2", "int8": "i1"}[packed["dtype"]]
    stored = np.frombuffer(base64.b64decode(packed["base64"]), dtype)
    return stored.reshape(packed["shape"]).astype(float) * packed["scale"]

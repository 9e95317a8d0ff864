"""Does padding change the answer? Poolings with and without a mask, and the
matrix that tells."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from utils.data.batches import mask_from_lengths, pad
from utils.weights import to_keras, to_torch

Outputs = Float[np.ndarray, "batch time feature"]
Mask = Bool[np.ndarray, "batch time"]
Vectors = Float[np.ndarray, "batch feature"]
Pooling = Callable[[Outputs, Mask], Vectors]
Framework = Literal["NumPy", "PyTorch", "Keras"]


def pool_last(outputs: Outputs, mask: Mask) -> Vectors:
    """Take each row's output at the last step that the mask marks."""
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    return outputs[np.arange(len(outputs)), last]


def pool_final_states(outputs: Outputs, mask: Mask) -> Vectors:
    """Take the final state of each direction of a bidirectional layer.

    The forward half of the features at the last step that the mask marks, the
    backward half at the first.
    """
    first = mask.argmax(axis=1)
    half = outputs.shape[2] // 2
    forward = pool_last(outputs[:, :, :half], mask)
    return np.concatenate(
        [forward, outputs[np.arange(len(outputs)), first, half:]], axis=1
    )


def pool_mean(outputs: Outputs, mask: Mask) -> Vectors:
    """Average each row's outputs over the steps that the mask marks."""
    return (outputs * mask[:, :, None]).sum(axis=1) / mask.sum(
        axis=1, keepdims=True
    )


def pool_max(outputs: Outputs, mask: Mask) -> Vectors:
    """Take each feature's largest value over the steps that the mask marks."""
    return np.where(mask[:, :, None], outputs, -np.inf).max(axis=1)


POOLINGS: dict[str, Pooling] = {
    "last": pool_last,
    "final states": pool_final_states,
    "mean": pool_mean,
    "max": pool_max,
}


def run_layer(
    framework: Framework,
    layer: Any,
    x: Float[np.ndarray, "batch time input"],
    mask: Mask | None = None,
) -> Outputs:
    """Run a layer of `utils.scratch` in one of the frameworks, with the same
    weights.

    With a mask each framework is told the lengths its own way: NumPy by
    `lengths`, PyTorch by packing, Keras by the mask itself. The first two have
    no place to say that the padding stands on the left; they read the first
    steps of the row, whatever they hold.
    """
    time = x.shape[1]
    lengths = None if mask is None else mask.sum(axis=1)
    if framework == "NumPy":
        return layer.forward(x, lengths=lengths)[0]
    if framework == "Keras":
        return np.asarray(to_keras(layer)(x, mask=mask))
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    module, inputs = to_torch(layer), torch.from_numpy(x)
    with torch.no_grad():
        if lengths is None:
            return module(inputs)[0].numpy()
        packed = pack_padded_sequence(
            inputs,
            torch.from_numpy(lengths),
            batch_first=True,
            enforce_sorted=False,
        )
        outputs, _ = pad_packed_sequence(
            module(packed)[0], True, total_length=time
        )
        return outputs.numpy()


def invariance_matrix(
    layers: Mapping[str, Any],
    poolings: Mapping[str, Pooling] = POOLINGS,
    extra: int = 5,
    frameworks: tuple[Framework, ...] = ("NumPy", "PyTorch", "Keras"),
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Measure by how much padding changes a layer's pooled answer.

    Rows of 3, 5, 8 and 12 random steps are padded with zeros to 12 + `extra`
    and run in one batch; each pooled vector is compared with the one that the
    row gives alone, without padding. The mask is known to "nobody", to the
    "pooling", or to the "layer and pooling".

    Args:
        layers: bidirectional layers of `utils.scratch`, of equal input size, by
            name; a layer of one direction will do for poolings other than
            "final states".
        poolings: functions (outputs, mask) -> vectors by name.

    Returns:
        One row per case: framework, layer, pooling, padding (its side), mask
        known to, and change, the largest absolute difference.
    """
    rng = np.random.default_rng(rng)
    first = next(iter(layers.values()))
    input_size = getattr(first, "forward_layer", first).input_size
    rows = [rng.normal(size=(n, input_size)) for n in (3, 5, 8, 12)]
    cases = []
    for name, layer in layers.items():
        alone = [layer.forward(row[None])[0] for row in rows]
        for side in ("right", "left"):
            x, lengths = pad(rows, side, to_length=12 + extra)
            mask = mask_from_lengths(lengths, x.shape[1], side)
            everywhere = np.ones_like(mask)
            for framework in frameworks:
                unaware = run_layer(framework, layer, x)
                known_to = {
                    "nobody": (unaware, everywhere),
                    "pooling": (unaware, mask),
                    "layer and pooling": (
                        run_layer(framework, layer, x, mask),
                        mask,
                    ),
                }
                for pooling, pool in poolings.items():
                    truth = np.concatenate(
                        [
                            pool(one, np.ones(one.shape[:2], bool))
                            for one in alone
                        ]
                    )
                    for who, (outputs, seen) in known_to.items():
                        change = float(
                            np.abs(pool(outputs, seen) - truth).max()
                        )
                        cases.append(
                            (framework, name, pooling, side, who, change)
                        )
    columns = [
        "framework",
        "layer",
        "pooling",
        "padding",
        "mask known to",
        "change",
    ]
    return pd.DataFrame(cases, columns=columns)

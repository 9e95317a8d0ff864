"""The same weights in NumPy, PyTorch and Keras.

| | NumPy (`params`) | PyTorch | Keras |
|-|-|-|-|
| input | W_x (input, gates) | weight_ih (gates, input) | kernel |
| state | W_h (hidden, gates) | weight_hh (gates, hidden) | recurrent_kernel |
| RNN | b | bias_ih + bias_hh | bias |
| LSTM, gates | i, f, g, o | i, f, g, o | i, f, c, o (c is g) |
| LSTM, bias | b | bias_ih + bias_hh | bias |
| GRU, gates | r, z, n | r, z, n | z, r, h (h is n) |
| GRU after, bias | b_x and b_h | bias_ih and bias_hh | the two rows of bias |
| GRU before, bias | b | (no such layer) | bias |
| Bidirectional | forward_*, backward_* | *_l0, *_l0_reverse | *_layer |

PyTorch adds two biases where the others have one: `to_torch` puts b into the
first and zeros into the second, `from_torch` returns their sum. "After" and
"before" say on which side of the recurrent product the GRU's reset gate acts.
Each framework is imported only when asked for.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from utils.scratch import GRU, LSTM, RNN, Bidirectional
from utils.scratch.bidirectional import Layer

if TYPE_CHECKING:
    import keras
    import torch

Arrays = dict[str, Float[np.ndarray, "..."]]


def to_torch(layer: Layer | Bidirectional) -> "torch.nn.RNNBase":
    """Build the batch-first PyTorch module, of the layer's dtype, that computes
    the same.

    Raises:
        ValueError: PyTorch has no such layer (a GRU with `reset_after=False`).
    """
    import torch

    both = isinstance(layer, Bidirectional)
    first = layer.forward_layer if isinstance(layer, Bidirectional) else layer
    if isinstance(first, GRU) and not first.reset_after:
        raise ValueError(
            f"{first} applies its reset gate before the recurrent product; "
            "PyTorch's nn.GRU "
            "applies it after: a different model. Build it with "
            "reset_after=True"
        )
    options = (
        {"nonlinearity": first.activation} if isinstance(first, RNN) else {}
    )
    module = getattr(torch.nn, type(first).__name__)(
        first.input_size,
        first.hidden_size,
        bias=first.bias,
        batch_first=True,
        bidirectional=both,
        dtype=getattr(torch, first.dtype.name),
        **options,
    )
    arrays = {
        f"{name}_l0": array for name, array in _torch_arrays(first).items()
    }
    if isinstance(layer, Bidirectional):
        second = _torch_arrays(layer.backward_layer)
        arrays |= {
            f"{name}_l0_reverse": array for name, array in second.items()
        }
    with torch.no_grad():
        for name, array in arrays.items():
            getattr(module, name).copy_(torch.from_numpy(array))
    return module


def from_torch(
    module: "torch.nn.RNNBase", layer: int | None = None
) -> Layer | Bidirectional:
    """Build the NumPy layer that computes what a batch-first PyTorch module
    computes.

    A module of several layers is converted one by one: `layer=0` reads the
    module's input, `layer=1` the outputs of layer 0, and so on. Dropout between
    them stays outside.

    Raises:
        ValueError: the module cannot be represented; the message says why.
    """
    import torch

    if not isinstance(module, torch.nn.RNN | torch.nn.LSTM | torch.nn.GRU):
        raise ValueError(f"{module} is none of nn.RNN, nn.LSTM and nn.GRU")
    if not module.batch_first:
        raise ValueError(
            f"{module} reads (time, batch, input); build it with "
            "batch_first=True"
        )
    if module.proj_size:
        raise ValueError(
            f"{module} projects its outputs to {module.proj_size} values, "
            "which the NumPy LSTM "
            "does not; build it with proj_size=0"
        )
    if layer is None and module.num_layers > 1:
        raise ValueError(
            f"{module} stacks {module.num_layers} layers and a NumPy layer "
            "is one; "
            "convert them one by one: from_torch(module, layer=0) is the first"
        )
    if layer is not None and not 0 <= layer < module.num_layers:
        raise ValueError(
            f"layer is {layer}; {module} has layers 0 to "
            f"{module.num_layers - 1}"
        )
    ahead = _from_torch_direction(module, f"_l{layer or 0}")
    if not module.bidirectional:
        return ahead
    return Bidirectional(
        ahead, _from_torch_direction(module, f"_l{layer or 0}_reverse")
    )


def to_keras(
    layer: Layer | Bidirectional, return_state: bool = False
) -> "keras.layers.Layer":
    """Build the Keras layer, of the layer's dtype and with every output, that
    computes the same.

    Its outputs at masked steps are 0, as they are beyond `lengths` in NumPy.
    """
    import utils.pytorch_first  # noqa: F401

    import keras

    if isinstance(layer, Bidirectional):
        built = keras.layers.Bidirectional(
            _keras_layer(layer.forward_layer, return_state),
            backward_layer=_keras_layer(
                layer.backward_layer, return_state, go_backwards=True
            ),
            merge_mode="concat",
            dtype=layer.forward_layer.dtype.name,
        )
        weights = _keras_arrays(layer.forward_layer) + _keras_arrays(
            layer.backward_layer
        )
        input_size = layer.forward_layer.input_size
    else:
        built = _keras_layer(layer, return_state)
        weights = _keras_arrays(layer)
        input_size = layer.input_size
    built.build((None, None, input_size))
    built.set_weights(weights)
    return built


def from_keras(layer: "keras.layers.Layer") -> Layer | Bidirectional:
    """Build the NumPy layer that computes what a built Keras layer computes.

    Raises:
        ValueError: the layer cannot be represented; the message says why.
    """
    name = f"{type(layer).__name__} {layer.name!r}"
    if not layer.built:
        raise ValueError(f"{name} has no weights yet; build it or call it once")
    if type(layer).__name__ != "Bidirectional":
        return _from_keras_direction(layer)
    if layer.merge_mode != "concat":
        raise ValueError(
            f"{name} merges by {layer.merge_mode!r}; use merge_mode='concat'"
        )
    return Bidirectional(
        _from_keras_direction(layer.forward_layer),
        _from_keras_direction(layer.backward_layer, go_backwards=True),
    )


def _torch_arrays(layer: Layer) -> Arrays:
    """Lay the parameters out as PyTorch does, under its names without the
    layer's suffix."""
    params = layer.params
    arrays = {"weight_ih": params["W_x"].T, "weight_hh": params["W_h"].T}
    if isinstance(layer, GRU) and layer.bias:
        arrays |= {"bias_ih": params["b_x"], "bias_hh": params["b_h"]}
    elif layer.bias:
        arrays |= {
            "bias_ih": params["b"],
            "bias_hh": np.zeros_like(params["b"]),
        }
    return arrays


def _from_torch_direction(module: "torch.nn.RNNBase", suffix: str) -> Layer:
    arrays = {
        name.removesuffix(suffix): parameter.detach().cpu().numpy()
        for name, parameter in module.named_parameters()
        if name.endswith(suffix)
    }
    params = {"W_x": arrays["weight_ih"].T, "W_h": arrays["weight_hh"].T}
    if module.mode == "GRU":
        if module.bias:
            params |= {"b_x": arrays["bias_ih"], "b_h": arrays["bias_hh"]}
        return _filled(GRU, params)
    if module.bias:
        params["b"] = arrays["bias_ih"] + arrays["bias_hh"]
    if module.mode == "LSTM":
        return _filled(LSTM, params)
    return _filled(
        RNN, params, activation=module.mode.removeprefix("RNN_").lower()
    )


def _keras_layer(
    layer: Layer, return_state: bool, go_backwards: bool = False
) -> Any:
    """Make the Keras layer without weights."""
    import keras

    kinds = {
        RNN: keras.layers.SimpleRNN,
        LSTM: keras.layers.LSTM,
        GRU: keras.layers.GRU,
    }
    options: dict[str, Any] = {}
    if isinstance(layer, RNN):
        options["activation"] = layer.activation
    if isinstance(layer, GRU):
        options["reset_after"] = layer.reset_after
    return kinds[type(layer)](
        layer.hidden_size,
        use_bias=layer.bias,
        return_sequences=True,
        return_state=return_state,
        zero_output_for_mask=True,
        go_backwards=go_backwards,
        dtype=layer.dtype.name,
        **options,
    )


def _keras_arrays(layer: Layer) -> list[Float[np.ndarray, "..."]]:
    """Lay the parameters out as Keras does: kernel, recurrent kernel and, if
    any, bias."""
    params = layer.params
    if not isinstance(layer, GRU):
        return list(params.values())
    swapped = {name: _swap_r_and_z(array) for name, array in params.items()}
    if layer.bias and layer.reset_after:
        return [
            swapped["W_x"],
            swapped["W_h"],
            np.stack([swapped["b_x"], swapped["b_h"]]),
        ]
    return list(swapped.values())


def _from_keras_direction(
    layer: "keras.layers.Layer", go_backwards: bool = False
) -> Layer:
    config = layer.get_config()
    name = f"{type(layer).__name__} {layer.name!r}"
    kinds: dict[str, type[Layer]] = {"SimpleRNN": RNN, "LSTM": LSTM, "GRU": GRU}
    kind = kinds.get(type(layer).__name__)
    if kind is None:
        raise ValueError(
            f"{name} is none of SimpleRNN, LSTM, GRU and Bidirectional"
        )
    unlike = {
        "stateful": "it carries its state from batch to batch; give "
        "`forward` the state instead",
        "dropout": "it drops inputs in training; put a Dropout layer before "
        "it instead",
        "recurrent_dropout": "it drops states in training, which no NumPy "
        "layer does",
    }
    if not go_backwards:
        unlike["go_backwards"] = (
            "it reads from the end; put it into Bidirectional"
        )
    for option, reason in unlike.items():
        if config[option]:
            raise ValueError(f"{name} has {option}={config[option]}: {reason}")
    activations = ("tanh", "relu") if kind is RNN else ("tanh",)
    if config["activation"] not in activations:
        raise ValueError(
            f"{name} has activation={config['activation']!r}; the NumPy "
            f"{kind.__name__} "
            f"has {' or '.join(activations)}"
        )
    if config.get("recurrent_activation", "sigmoid") != "sigmoid":
        raise ValueError(
            f"{name} has "
            f"recurrent_activation={config['recurrent_activation']!r}; "
            f"the NumPy {kind.__name__} has sigmoid"
        )
    if layer.compute_dtype not in ("float32", "float64"):
        raise ValueError(
            f"{name} computes in {layer.compute_dtype}; use float32 or float64"
        )
    arrays = layer.get_weights()
    if kind is not GRU:
        params = dict(zip(("W_x", "W_h", "b"), arrays, strict=False))
        options = {"activation": config["activation"]} if kind is RNN else {}
        return _filled(kind, params, **options)
    params = {"W_x": arrays[0], "W_h": arrays[1]}
    if config["use_bias"]:
        params |= (
            dict(zip(("b_x", "b_h"), arrays[2], strict=True))
            if config["reset_after"]
            else {"b": arrays[2]}
        )
    params = {key: _swap_r_and_z(array) for key, array in params.items()}
    return _filled(GRU, params, reset_after=config["reset_after"])


def _swap_r_and_z(array: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Turn the blocks r, z, n into z, r, n, or back."""
    first, second, last = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, last], axis=-1)


def _filled(kind: type[Layer], params: Arrays, **options: Any) -> Layer:
    """Make a layer whose sizes, bias and dtype are those of `params`,
    holding a copy of them."""
    layer = kind(
        params["W_x"].shape[0],
        params["W_h"].shape[0],
        bias=len(params) > 2,
        dtype=params["W_x"].dtype,
        **options,
    )
    for name, value in params.items():
        layer.params[name][...] = value
    return layer

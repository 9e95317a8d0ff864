"""The same weights in NumPy, PyTorch and Keras.

| | NumPy (`params`) | PyTorch | Keras |
|-|-|-|-|
| input weights | W_x (input, gates) | weight_ih (gates, input) | kernel (input, gates) |
| recurrent weights | W_h (hidden, gates) | weight_hh (gates, hidden) | recurrent_kernel |
| RNN | h; b | h; bias_ih + bias_hh | h; bias |

PyTorch adds two biases where the others have one: `to_torch` puts b into the first and zeros into
the second, `from_torch` returns their sum. Each framework is imported only when asked for.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from utils.scratch import RNN

if TYPE_CHECKING:
    import keras
    import torch

Arrays = dict[str, Float[np.ndarray, "..."]]


def to_torch(layer: RNN) -> "torch.nn.RNNBase":
    """Build the batch-first PyTorch module, of the layer's dtype, that computes the same.

    Raises:
        ValueError: PyTorch has no such layer.
    """
    import torch

    module = torch.nn.RNN(
        layer.input_size,
        layer.hidden_size,
        nonlinearity=layer.activation,
        bias=layer.bias,
        batch_first=True,
        dtype=getattr(torch, layer.dtype.name),
    )
    params = layer.params
    arrays = {"weight_ih": params["W_x"].T, "weight_hh": params["W_h"].T}
    if layer.bias:
        arrays |= {"bias_ih": params["b"], "bias_hh": np.zeros_like(params["b"])}
    with torch.no_grad():
        for name, array in arrays.items():
            getattr(module, f"{name}_l0").copy_(torch.from_numpy(array))
    return module


def from_torch(module: "torch.nn.RNNBase", layer: int | None = None) -> RNN:
    """Build the NumPy layer that computes what a batch-first PyTorch module computes.

    A module of several layers is converted one by one: `layer=0` reads the module's input,
    `layer=1` the outputs of layer 0, and so on. Dropout between them stays outside.

    Raises:
        ValueError: the module cannot be represented; the message says why.
    """
    if module.mode not in ("RNN_TANH", "RNN_RELU"):
        raise ValueError(f"{module} is no nn.RNN")
    if not module.batch_first:
        raise ValueError(f"{module} reads (time, batch, input); build it with batch_first=True")
    if module.bidirectional:
        raise ValueError(f"{module} is bidirectional")
    if layer is None and module.num_layers > 1:
        raise ValueError(
            f"{module} has {module.num_layers} layers; a NumPy layer is one of them: "
            "from_torch(module, layer=0) converts the first"
        )
    if layer is not None and not 0 <= layer < module.num_layers:
        raise ValueError(f"layer is {layer}; {module} has layers 0 to {module.num_layers - 1}")
    suffix = f"_l{layer or 0}"
    arrays = {
        name.removesuffix(suffix): value.detach().cpu().numpy()
        for name, value in module.named_parameters()
        if name.endswith(suffix)
    }
    params = {"W_x": arrays["weight_ih"].T, "W_h": arrays["weight_hh"].T}
    if module.bias:
        params["b"] = arrays["bias_ih"] + arrays["bias_hh"]
    return _filled(RNN, params, activation=module.mode.removeprefix("RNN_").lower())


def to_keras(layer: RNN, return_state: bool = False) -> "keras.layers.Layer":
    """Build the Keras layer, of the layer's dtype and with every output, that computes the same.

    Its outputs at masked steps are 0, as beyond `lengths` in NumPy.

    Raises:
        ValueError: Keras has no such layer.
    """
    import keras

    built = keras.layers.SimpleRNN(
        layer.hidden_size,
        activation=layer.activation,
        use_bias=layer.bias,
        return_sequences=True,
        return_state=return_state,
        zero_output_for_mask=True,
        dtype=layer.dtype.name,
    )
    built.build((None, None, layer.input_size))
    built.set_weights([layer.params[name] for name in ("W_x", "W_h", "b") if name in layer.params])
    return built


def from_keras(layer: "keras.layers.Layer") -> RNN:
    """Build the NumPy layer that computes what a built Keras layer computes.

    Raises:
        ValueError: the layer cannot be represented; the message says why.
    """
    name = type(layer).__name__
    if name != "SimpleRNN":
        raise ValueError(f"{name} is no SimpleRNN")
    if not layer.built:
        raise ValueError(f"{name} {layer.name!r} has no weights yet; build it or call it once")
    config = layer.get_config()
    _refuse_keras_options(name, config)
    if layer.compute_dtype not in ("float32", "float64"):
        raise ValueError(
            f"{name} {layer.name!r} computes in {layer.compute_dtype}; use float32 or float64"
        )
    params = dict(zip(("W_x", "W_h", "b"), layer.get_weights(), strict=False))
    return _filled(RNN, params, activation=config["activation"])


def _refuse_keras_options(name: str, config: dict[str, Any]) -> None:
    """Refuse what would make the Keras layer compute something else than the NumPy layer."""
    unlike = {
        "go_backwards": "reads the sequence from its end; put the layer into Bidirectional",
        "stateful": "carries its state from batch to batch; pass the state to `forward` instead",
        "dropout": "drops inputs in training; put a Dropout layer before this one instead",
        "recurrent_dropout": "drops states in training, which the NumPy layers do not",
    }
    for option, reason in unlike.items():
        if config[option]:
            raise ValueError(
                f"{name} {config['name']!r} has {option}={config[option]}: it {reason}"
            )
    if config["activation"] not in ("tanh", "relu"):
        raise ValueError(
            f"{name} {config['name']!r} has the activation {config['activation']}; "
            "the NumPy layer has tanh or relu"
        )


def _filled(kind: type[RNN], params: Arrays, **options: Any) -> RNN:
    """Make a layer whose sizes, bias and dtype are those of `params`, holding a copy of them."""
    (input_size, _), (hidden_size, _) = params["W_x"].shape, params["W_h"].shape
    layer = kind(input_size, hidden_size, bias="b" in params, dtype=params["W_x"].dtype, **options)
    for name, value in params.items():
        layer.params[name][...] = value
    return layer

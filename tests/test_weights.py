"""The same weights compute the same in NumPy, PyTorch and Keras."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import torch

from utils.scratch import GRU, LSTM, RNN, Bidirectional, relative_error
from utils.weights import from_keras, from_torch, to_keras, to_torch

KINDS = {
    "RNN": RNN,
    "RNN relu": lambda *sizes, **options: RNN(
        *sizes, activation="relu", **options
    ),
    "LSTM": LSTM,
    "GRU": GRU,
    "GRU before": lambda *sizes, **options: GRU(
        *sizes, reset_after=False, **options
    ),
}
TORCH_KINDS = [kind for kind in KINDS if kind != "GRU before"]
EXACT = {"float32": 2e-6, "float64": 1e-14}


def make(kind, both, bias=True, dtype=np.float64):
    rng = np.random.default_rng(7)
    ahead = KINDS[kind](3, 5, bias=bias, rng=rng, dtype=dtype)
    return (
        Bidirectional(ahead, KINDS[kind](3, 5, bias=bias, rng=rng, dtype=dtype))
        if both
        else ahead
    )


def inputs(dtype=np.float64, features=3):
    return np.random.default_rng(8).normal(size=(4, 6, features)).astype(dtype)


def assert_same_params(first, second):
    assert repr(getattr(first, "forward_layer", first)) == repr(
        getattr(second, "forward_layer", second)
    )
    assert first.params.keys() == second.params.keys()
    for name, value in first.params.items():
        assert value.dtype == second.params[name].dtype
        np.testing.assert_array_equal(value, second.params[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", TORCH_KINDS)
def test_pytorch_computes_the_same_and_gives_the_weights_back(
    kind, both, bias, dtype
):
    layer = make(kind, both, bias, dtype)
    module = to_torch(layer)
    x = inputs(dtype)
    outputs, _ = module(torch.from_numpy(x))
    assert (
        relative_error(layer.forward(x)[0], outputs.detach().numpy())
        <= EXACT[dtype]
    )
    assert_same_params(layer, from_torch(module))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_keras_computes_the_same_and_gives_the_weights_back(
    kind, both, bias, dtype
):
    layer = make(kind, both, bias, dtype)
    built = to_keras(layer)
    x = inputs(dtype)
    assert (
        relative_error(layer.forward(x)[0], np.asarray(built(x)))
        <= EXACT[dtype]
    )
    assert_same_params(layer, from_keras(built))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_keras_mask_is_lengths(kind, both):
    layer = make(kind, both)
    lengths = np.array([6, 2, 4, 1])
    mask = np.arange(6) < lengths[:, None]
    x = inputs()
    outputs, state = layer.forward(x, lengths=lengths)
    built, *last = to_keras(layer, return_state=True)(x, mask=mask)
    assert relative_error(outputs, np.asarray(built)) <= 1e-14
    flat = list(state) if isinstance(state, tuple) else [state]
    flat = [
        part
        for each in flat
        for part in (each if isinstance(each, tuple) else (each,))
    ]
    for mine, theirs in zip(flat, last, strict=True):
        assert relative_error(mine, np.asarray(theirs)) <= 1e-14


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_pytorch_module_with_two_biases_survives_the_round_trip(kind, both):
    torch.manual_seed(0)
    module = getattr(torch.nn, kind)(
        3, 5, batch_first=True, bidirectional=both, dtype=torch.float64
    )
    x = inputs()
    expected = module(torch.from_numpy(x))[0].detach().numpy()
    layer = from_torch(module)
    assert relative_error(layer.forward(x)[0], expected) <= 1e-14
    again = to_torch(layer)(torch.from_numpy(x))[0].detach().numpy()
    assert relative_error(again, expected) <= 1e-14


@pytest.mark.parametrize(
    "options", [{}, {"reset_after": True}, {"reset_after": False}]
)
def test_a_keras_layer_with_its_own_weights_survives_the_round_trip(options):
    kind = keras.layers.GRU if options else keras.layers.LSTM
    built = kind(
        5,
        return_sequences=True,
        dtype="float64",
        bias_initializer="normal",
        **options,
    )
    x = inputs()
    expected = np.asarray(built(x))
    layer = from_keras(built)
    assert relative_error(layer.forward(x)[0], expected) <= 1e-14
    assert relative_error(np.asarray(to_keras(layer)(x)), expected) <= 1e-14


@pytest.mark.parametrize("both", [False, True])
def test_a_stack_is_converted_layer_by_layer(both):
    torch.manual_seed(0)
    module = torch.nn.LSTM(
        3,
        5,
        num_layers=2,
        batch_first=True,
        bidirectional=both,
        dropout=0.5,
        dtype=torch.float64,
    ).eval()
    x = inputs()
    hidden, _ = from_torch(module, layer=0).forward(x)
    outputs, _ = from_torch(module, layer=1).forward(hidden)
    expected = module(torch.from_numpy(x))[0].detach().numpy()
    assert relative_error(outputs, expected) <= 1e-14
    with pytest.raises(ValueError, match=r"stacks 2 layers.*layer=0"):
        from_torch(module)
    with pytest.raises(ValueError, match=r"layer is 2.*layers 0 to 1"):
        from_torch(module, layer=2)


def test_converted_weights_are_copies():
    layer = make("LSTM", both=False)
    kept = layer.params["W_x"].copy()
    module = to_torch(layer)
    back = from_torch(module)
    with torch.no_grad():
        module.weight_ih_l0.zero_()
    np.testing.assert_array_equal(layer.params["W_x"], kept)
    np.testing.assert_array_equal(back.params["W_x"], kept)


@pytest.mark.parametrize("both", [False, True])
def test_pytorch_has_no_gru_that_resets_before_the_product(both):
    with pytest.raises(ValueError, match=r"PyTorch's nn.GRU applies it after"):
        to_torch(make("GRU before", both))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (
            torch.nn.LSTM(3, 5, batch_first=True, proj_size=2),
            "projects its outputs to 2",
        ),
        (torch.nn.LSTM(3, 5), "batch_first=True"),
    ],
)
def test_a_pytorch_module_that_cannot_be_represented_says_why(module, reason):
    with pytest.raises(ValueError, match=reason):
        from_torch(module)


@pytest.mark.usefixtures("unannotated")
def test_other_modules_are_refused():
    with pytest.raises(ValueError, match=r"none of nn.RNN, nn.LSTM and nn.GRU"):
        from_torch(torch.nn.Linear(3, 5))
    dense = keras.layers.Dense(3)
    dense.build((None, 4))
    with pytest.raises(
        ValueError, match="none of SimpleRNN, LSTM, GRU and Bidirectional"
    ):
        from_keras(dense)


def built_keras(kind, **options):
    layer = getattr(keras.layers, kind)(5, **options)
    layer.build((4, 6, 3))
    return layer


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("LSTM", {"go_backwards": True}, "put it into Bidirectional"),
        ("LSTM", {"stateful": True}, "from batch to batch"),
        ("GRU", {"dropout": 0.2}, "put a Dropout layer before it"),
        ("GRU", {"recurrent_dropout": 0.2}, "drops states"),
        ("SimpleRNN", {"activation": "sigmoid"}, "has tanh or relu"),
        ("LSTM", {"activation": "relu"}, "LSTM has tanh"),
        ("GRU", {"recurrent_activation": "hard_sigmoid"}, "GRU has sigmoid"),
        ("LSTM", {"dtype": "mixed_float16"}, "computes in float16"),
    ],
)
def test_a_keras_layer_that_cannot_be_represented_says_why(
    kind, options, reason
):
    with pytest.raises(ValueError, match=reason):
        from_keras(built_keras(kind, **options))


def test_a_keras_layer_without_weights_is_refused():
    with pytest.raises(ValueError, match="has no weights yet"):
        from_keras(keras.layers.LSTM(5))


def test_a_keras_bidirectional_that_adds_is_refused():
    both = keras.layers.Bidirectional(keras.layers.LSTM(5), merge_mode="sum")
    both.build((None, 6, 3))
    with pytest.raises(ValueError, match="merge_mode='concat'"):
        from_keras(both)


def test_importing_weights_loads_no_framework():
    code = (
        "import sys, utils.weights; "
        "print(*sorted({'torch', 'tensorflow', 'keras', 'jax'} & "
        "sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""

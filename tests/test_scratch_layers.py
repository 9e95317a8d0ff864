"""The recurrent layers of utils.scratch against PyTorch's autograd and
against differences."""

import subprocess
import sys

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from utils.scratch import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    numerical_gradient,
    relative_error,
)
from utils.weights import to_torch


def both_ways(kind):
    """Make Bidirectional layers of one kind; every one of the two gets its
    own weights."""

    def make(*sizes, rng=0, **options):
        generator = np.random.default_rng(rng)
        return Bidirectional(
            *(kind(*sizes, rng=generator, **options) for _ in range(2))
        )

    return make


# The largest relative error of results and of gradients.
# ReLU may leave nothing but small differences of large terms, whose rounding
# shows.
TOLERANCES = {"RNN": (1e-14, 1e-12), "RNN relu": (1e-13, 1e-11)}
GATED = (1e-13, 1e-11)
LAYERS = {
    "RNN": RNN,
    "RNN relu": lambda *sizes, **options: RNN(
        *sizes, activation="relu", **options
    ),
    "LSTM": LSTM,
    "GRU": GRU,
    "GRU before": lambda *sizes, **options: GRU(
        *sizes, reset_after=False, **options
    ),
    "both RNN": both_ways(RNN),
    "both LSTM": both_ways(LSTM),
    "both GRU": both_ways(GRU),
}


def parts(state):
    """List the arrays of a state: h, (h, c), or a pair of either."""
    return (
        [each for part in state for each in parts(part)]
        if isinstance(state, tuple)
        else [state]
    )


def like(state, arrays):
    """Put the arrays in the places of the state's own."""
    remaining = iter(arrays)

    def place(part):
        return (
            tuple(map(place, part))
            if isinstance(part, tuple)
            else next(remaining)
        )

    return place(state)


class Case:
    """A layer, its arguments and the gradients of its results, drawn from
    one seed."""

    def __init__(
        self, make, batch, time, inputs, hidden, seed, bias=True, ragged=True
    ):
        rng = np.random.default_rng(seed)
        self.layer = make(inputs, hidden, bias=bias, rng=rng)
        self.x = rng.normal(size=(batch, time, inputs))
        outputs, state = self.layer.forward(self.x)
        self.state = like(
            state, [rng.normal(size=part.shape) for part in parts(state)]
        )
        self.lengths = rng.integers(1, time + 1, batch) if ragged else None
        self.d_outputs = rng.normal(size=outputs.shape)
        self.d_state = like(
            state, [rng.normal(size=part.shape) for part in parts(state)]
        )

    def forward(self):
        return self.layer.forward(self.x, self.state, self.lengths)

    def loss(self):
        outputs, state = self.forward()
        return float(
            (outputs * self.d_outputs).sum()
            + sum(
                (s * d).sum()
                for s, d in zip(parts(state), parts(self.d_state), strict=True)
            )
        )


def torch_results(case):
    """Run PyTorch on the case: outputs, states, and the gradients of x,
    states and parameters."""
    x = torch.tensor(case.x, requires_grad=True)
    states = [
        torch.tensor(part, requires_grad=True) for part in parts(case.state)
    ]
    if getattr(case.layer, "reset_after", True):
        outputs, last, weights = run_module(case, x, states)
    else:
        outputs, last, weights = run_gru_with_reset_before(case, x, *states)
    results = [outputs, *last]
    wanted = [case.d_outputs, *parts(case.d_state)]
    sum(
        (r * torch.from_numpy(d)).sum()
        for r, d in zip(results, wanted, strict=True)
    ).backward()
    gradients = {"x": x.grad} | {
        f"state {k}": s.grad for k, s in enumerate(states)
    }
    gradients = {key: gradient.numpy() for key, gradient in gradients.items()}
    gradients |= {
        name: weight.grad.numpy().T for name, weight in weights.items()
    }
    return [r.detach().numpy() for r in results], gradients


def run_module(case, x, states):
    """Run the PyTorch module of the same weights, packed where rows have
    lengths."""
    module = to_torch(case.layer)
    directions = 2 if module.bidirectional else 1
    # PyTorch holds h of both directions in one tensor and c in another; NumPy
    # holds (h, c) twice.
    kinds = len(states) // directions
    stacked = tuple(torch.stack(states[kind::kinds]) for kind in range(kinds))
    initial = stacked if kinds == 2 else stacked[0]
    if case.lengths is None:
        outputs, last = module(x, initial)
    else:
        packed = pack_padded_sequence(
            x, case.lengths, batch_first=True, enforce_sorted=False
        )
        packed_outputs, last = module(packed, initial)
        outputs, _ = pad_packed_sequence(
            packed_outputs, batch_first=True, total_length=case.x.shape[1]
        )
    last = last if kinds == 2 else (last,)
    last = [part[direction] for direction in range(directions) for part in last]
    names = {"W_x": "weight_ih", "W_h": "weight_hh", "b": "bias_ih"}
    names |= {"b_x": "bias_ih", "b_h": "bias_hh"}
    weights = {}
    for name in case.layer.params:
        direction, short = name.split("_", 1) if directions == 2 else ("", name)
        suffix = "_l0_reverse" if direction == "backward" else "_l0"
        weights[name] = getattr(module, names[short] + suffix)
    return outputs, last, weights


def run_gru_with_reset_before(case, x, h):
    """Follow the equations of the layer that PyTorch lacks, one row and one
    gate at a time."""
    weights = {
        name: torch.tensor(value.T, requires_grad=True)
        for name, value in case.layer.params.items()
    }
    W_r, W_z, W_n = weights["W_x"].chunk(3)
    U_r, U_z, U_n = weights["W_h"].chunk(3)
    b_r, b_z, b_n = weights["b"].chunk(3) if "b" in weights else (0, 0, 0)
    outputs = torch.zeros(case.d_outputs.shape, dtype=torch.float64)
    last = []
    for row, length in enumerate(
        case.lengths if case.lengths is not None else [x.shape[1]] * len(x)
    ):
        state = h[row]
        for t in range(length):
            r = torch.sigmoid(W_r @ x[row, t] + U_r @ state + b_r)
            z = torch.sigmoid(W_z @ x[row, t] + U_z @ state + b_z)
            n = torch.tanh(W_n @ x[row, t] + U_n @ (r * state) + b_n)
            state = z * state + (1 - z) * n
            outputs[row, t] = state
        last.append(state)
    return outputs, [torch.stack(last)], weights


def flat_gradients(grads):
    states = {f"state {k}": s for k, s in enumerate(parts(grads.state))}
    return {"x": grads.x} | states | grads.params


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 6),
    time=st.integers(2, 12),
    inputs=st.integers(1, 5),
    hidden=st.integers(2, 6),
    seed=st.integers(0, 2**32),
    bias=st.booleans(),
    ragged=st.booleans(),
)
def test_equals_pytorch_forward_and_backward(
    name, batch, time, inputs, hidden, seed, bias, ragged
):
    case = Case(LAYERS[name], batch, time, inputs, hidden, seed, bias, ragged)
    tolerance, gradient_tolerance = TOLERANCES.get(name, GATED)
    reference, reference_gradients = torch_results(case)
    outputs, state = case.forward()
    mine = np.concatenate([each.ravel() for each in (outputs, *parts(state))])
    theirs = np.concatenate([each.ravel() for each in reference])
    assert relative_error(mine, theirs) <= tolerance
    gradients = flat_gradients(
        case.layer.backward(case.d_outputs, case.d_state)
    )
    assert gradients.keys() == reference_gradients.keys()
    for key, theirs in reference_gradients.items():
        assert relative_error(gradients[key], theirs) <= gradient_tolerance, key


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_equal_central_differences(name):
    case = Case(LAYERS[name], 4, 6, 3, 5, seed=1)
    case.forward()
    gradients = flat_gradients(
        case.layer.backward(case.d_outputs, case.d_state)
    )
    arrays = {"x": case.x} | case.layer.params
    arrays |= {f"state {k}": s for k, s in enumerate(parts(case.state))}
    for key, array in arrays.items():
        assert (
            relative_error(gradients[key], numerical_gradient(case.loss, array))
            < 1e-8
        ), key


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32_and_agrees_with_float64(name):
    case = Case(LAYERS[name], 3, 9, 4, 6, seed=2)
    single = LAYERS[name](4, 6, dtype=np.float32)
    for key, value in case.layer.params.items():
        single.params[key][...] = value
    outputs, _ = case.forward()
    grads = flat_gradients(case.layer.backward(case.d_outputs, case.d_state))
    single_state = like(
        case.state, [s.astype(np.float32) for s in parts(case.state)]
    )
    single_outputs, _ = single.forward(
        case.x.astype(np.float32), single_state, case.lengths
    )
    d_state = like(
        case.state, [d.astype(np.float32) for d in parts(case.d_state)]
    )
    single_grads = flat_gradients(
        single.backward(case.d_outputs.astype(np.float32), d_state)
    )
    assert single_outputs.dtype == np.float32
    assert relative_error(single_outputs, outputs) < 1e-6
    for key, value in grads.items():
        assert single_grads[key].dtype == np.float32
        assert relative_error(single_grads[key], value) < 1e-5, key


@pytest.mark.parametrize("name", LAYERS)
def test_a_padded_row_equals_the_row_alone(name):
    case = Case(LAYERS[name], 5, 8, 3, 4, seed=3)
    outputs, state = case.forward()
    for row, length in enumerate(case.lengths):
        initial = like(
            case.state, [s[row : row + 1] for s in parts(case.state)]
        )
        alone, last = case.layer.forward(
            case.x[row : row + 1, :length], initial
        )
        np.testing.assert_allclose(
            outputs[row, :length], alone[0], rtol=0, atol=1e-14
        )
        assert not outputs[row, length:].any()
        for mine, theirs in zip(parts(state), parts(last), strict=True):
            np.testing.assert_allclose(mine[row], theirs[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", LAYERS)
def test_what_stands_in_the_padding_changes_nothing(name):
    case = Case(LAYERS[name], 5, 8, 3, 4, seed=4)
    outputs, _ = case.forward()
    grads = flat_gradients(case.layer.backward(case.d_outputs, case.d_state))
    padding = np.arange(8) >= case.lengths[:, None]
    assert padding.any()
    case.x[padding] = 1e6
    case.d_outputs[padding] = 1e6
    again, _ = case.forward()
    grads_again = flat_gradients(
        case.layer.backward(case.d_outputs, case.d_state)
    )
    np.testing.assert_array_equal(outputs, again)
    for key, value in grads.items():
        np.testing.assert_array_equal(value, grads_again[key])
    assert not grads["x"][padding].any()


@pytest.mark.parametrize("name", LAYERS)
def test_a_row_of_length_zero_keeps_its_state(name):
    case = Case(LAYERS[name], 3, 4, 2, 3, seed=5)
    case.lengths = np.array([2, 0, 4])
    outputs, state = case.forward()
    grads = case.layer.backward(case.d_outputs, case.d_state)
    assert not outputs[1].any()
    for kept, given_state in zip(parts(state), parts(case.state), strict=True):
        np.testing.assert_array_equal(kept[1], given_state[1])
    for kept, d_given in zip(
        parts(grads.state), parts(case.d_state), strict=True
    ):
        np.testing.assert_array_equal(kept[1], d_given[1])


@pytest.mark.parametrize("name", LAYERS)
def test_arguments_and_results_are_never_shared(name):
    case = Case(LAYERS[name], 3, 4, 2, 3, seed=6, ragged=False)
    arguments = [
        case.x,
        *parts(case.state),
        case.d_outputs,
        *parts(case.d_state),
    ]
    copies = [a.copy() for a in arguments]
    outputs, state = case.forward()
    before = flat_gradients(case.layer.backward(case.d_outputs, case.d_state))
    outputs[...] = np.nan
    for s in parts(state):
        s[...] = np.nan
    after = flat_gradients(case.layer.backward(case.d_outputs, case.d_state))
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])
    for argument, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(argument, copy)


@pytest.mark.parametrize("name", LAYERS)
def test_state_and_its_gradient_default_to_zero(name):
    case = Case(LAYERS[name], 3, 4, 2, 3, seed=7)
    zeros = like(case.state, [np.zeros_like(s) for s in parts(case.state)])
    explicit = case.layer.forward(case.x, zeros)[0]
    explicit_grads = flat_gradients(case.layer.backward(case.d_outputs, zeros))
    np.testing.assert_array_equal(case.layer.forward(case.x)[0], explicit)
    for key, value in flat_gradients(
        case.layer.backward(case.d_outputs)
    ).items():
        np.testing.assert_array_equal(value, explicit_grads[key])


@pytest.mark.parametrize("name", LAYERS)
def test_initial_values_depend_on_rng_alone_and_stay_in_their_bounds(name):
    make = LAYERS[name]
    first, second, other = (
        make(3, 16, rng=1),
        make(3, 16, rng=1),
        make(3, 16, rng=2),
    )
    for key, value in first.params.items():
        np.testing.assert_array_equal(value, second.params[key])
        assert (value != other.params[key]).any()
        assert 0.2 < np.abs(value).max() <= 0.25


@pytest.mark.usefixtures("unannotated")
@pytest.mark.parametrize("name", LAYERS)
def test_errors_name_the_argument_the_value_and_what_fits(name):
    layer = LAYERS[name](3, 4)
    x = np.zeros((2, 5, 3))
    outputs, state = layer.forward(x)
    with pytest.raises(
        ValueError, match=r"x has shape \(5, 3\).*\(batch, time, 3\)"
    ):
        layer.forward(x[0])
    with pytest.raises(ValueError, match=r"x has shape \(2, 5, 2\)"):
        layer.forward(x[..., :2])
    with pytest.raises(
        ValueError, match=r"state.* has shape \(3, 4\).*\(2, 4\)"
    ):
        layer.forward(x, like(state, [np.zeros((3, 4))] * len(parts(state))))
    with pytest.raises(
        ValueError, match=r"lengths\[1\] is 6; it must be from 0 to 5"
    ):
        layer.forward(x, lengths=np.array([1, 6]))
    with pytest.raises(ValueError, match=r"lengths\[0\] is -1"):
        layer.forward(x, lengths=np.array([-1, 2]))
    with pytest.raises(ValueError, match=r"lengths has shape .*float64"):
        layer.forward(x, lengths=np.array([1.0, 2.0]))
    with pytest.raises(
        ValueError, match=r"d_outputs has shape \(2, 4, 4\).*\(2, 5, 4\)"
    ):
        layer.backward(outputs[:, :4])
    with pytest.raises(RuntimeError, match="call forward first"):
        LAYERS[name](3, 4).backward(outputs)
    with pytest.raises(ValueError, match="hidden_size is 0"):
        LAYERS[name](3, 0)
    with pytest.raises(ValueError, match="dtype is int64"):
        LAYERS[name](3, 4, dtype=np.int64)


def test_the_annotations_are_checked_in_these_tests():
    with pytest.raises(jaxtyping.TypeCheckError):
        RNN(3, 4).forward(np.zeros((5, 3)))


def test_an_rnn_has_tanh_or_relu():
    with pytest.raises(ValueError, match="activation is 'sigmoid'"):
        RNN(3, 4, activation="sigmoid")


def test_importing_scratch_loads_no_framework():
    code = (
        "import sys, utils.scratch; "
        "print(*sorted({'torch', 'tensorflow', 'keras', 'jax'} & "
        "sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""

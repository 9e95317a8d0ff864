"""The recurrences against loops, against published code, and without a loop.

tests/fixtures/recurrences/reference.json holds what published reference
implementations compute: their functions were restated line by line in float64,
without their dependencies, and run once on random arguments. Each entry names
its repository, file and commit. Nothing of their code is here.
"""

import json
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from utils.recurrences.diagonal import lru, s4d, s4d_kernel
from utils.recurrences.matrix_state import delta_rule, linear_attention
from utils.recurrences.minimal import (
    log_min_gru,
    log_min_lstm,
    log_positive,
    min_gru,
    min_lstm,
    positive,
)
from utils.recurrences.newton import gru_tangents, newton, rnn_tangents
from utils.recurrences.selective import selective_scan
from utils.scratch import GRU, RNN
from utils.scratch.scan import linear_scan, log_linear_scan

FIXTURES = Path(__file__).parent / "fixtures" / "recurrences" / "reference.json"


@pytest.fixture(scope="module")
def reference():
    """Read each published function's arguments and results as arrays."""
    cases = json.loads(FIXTURES.read_text(encoding="utf-8"))
    return {
        name: {
            key: np.array(value)
            for key, value in case.items()
            if key != "source"
        }
        for name, case in cases.items()
    }


def close(result, expected):
    np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12)


def test_every_fixture_names_its_source():
    for case in json.loads(FIXTURES.read_text(encoding="utf-8")).values():
        assert case["source"].startswith("https://github.com/")
        assert len(case["source"].rpartition("commit ")[2]) == 40


def in_our_order(weight):
    """Put the published columns candidate, gate as ours: z, n.

    Their gate is the share that enters; ours stays, so its sign changes.
    """
    candidate, gate = np.split(weight, 2, axis=1)
    return np.hstack([-gate, candidate])


def test_min_gru_is_the_published_one(reference):
    case = reference["min_gru"]
    log_a, log_b = log_min_gru(
        case["x"], in_our_order(case["weight"]), np.zeros(8)
    )
    close(np.exp(log_linear_scan(log_a, log_b)), case["parallel"])
    from_h0 = np.exp(log_linear_scan(log_a, log_b, np.log(case["h0"])))
    close(from_h0, case["stepwise_from_h0"])
    # Their parallel branch applied g to the initial state, which has passed it.
    as_published = log_linear_scan(log_a, log_b, log_positive(case["h0"]))
    close(np.exp(as_published), case["parallel_from_h0"])
    assert np.abs(case["parallel_from_h0"] - from_h0).max() > 0.1


def test_min_lstm_is_the_published_one(reference):
    case = reference["min_lstm"]
    n, f, i = np.split(case["weight"], 3, axis=1)
    logs = log_min_lstm(case["x"], np.hstack([f, i, n]), np.zeros(12))
    close(np.exp(log_linear_scan(*logs)), case["parallel"])


def test_selective_scan_is_the_published_one(reference):
    case = reference["selective_scan"]
    u, delta, B, C = (
        case[name].swapaxes(1, 2) for name in ("u", "delta", "B", "C")
    )
    delta = np.logaddexp(0, delta + case["delta_bias"])
    arguments = u, delta, case["A"], B, C, case["D"]
    close(selective_scan(*arguments).swapaxes(1, 2), case["out"])
    from_state = selective_scan(*arguments, case["prev_state"])
    close(from_state.swapaxes(1, 2), case["out_from_prev_state"])


def test_matrix_states_are_the_published_ones(reference):
    for function, name, more in (
        (linear_attention, "linear_attention", ()),
        (delta_rule, "delta_rule", ("beta",)),
    ):
        case = reference[name]
        q = case["q"] / np.sqrt(
            case["q"].shape[-1]
        )  # their scale of the queries
        arguments = (case[key] for key in ("k", "v", *more))
        close(function(q, *arguments), case["out"])


def test_diagonal_units_are_the_published_ones(reference):
    case = reference["lru"]
    B, C = (
        (case[f"{name}_re"] + 1j * case[f"{name}_im"]).T for name in ("B", "C")
    )
    outputs = lru(case["x"], case["nu_log"], case["theta_log"], B, C)
    close(outputs + case["D"] * case["x"], case["out"])
    case = reference["s4d"]
    A, C = (case[f"{name}_re"] + 1j * case[f"{name}_im"] for name in ("A", "C"))
    kernel = s4d_kernel(case["log_dt"], A, C, case["u"].shape[-1])
    close(kernel.T, case["kernel"])
    outputs = s4d(case["u"].swapaxes(1, 2), case["log_dt"], A, C)
    close(outputs.swapaxes(1, 2), case["out"])


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize(
    ("plain", "logarithms", "gates"),
    [(min_gru, log_min_gru, 2), (min_lstm, log_min_lstm, 3)],
)
def test_log_space_is_the_same_model_with_a_positive_candidate(
    plain, logarithms, gates
):
    x, W, bias = drawn((2, 50, 3), (3, gates * 4), (gates * 4,))
    a, b = plain(x, W, bias)
    log_a, log_b = logarithms(x, W, bias)
    n = np.split(x @ W + bias, gates, axis=-1)[-1]
    close(np.exp(log_a), a)
    close(np.exp(log_b), b / n * positive(n))
    close(
        np.exp(log_linear_scan(log_a, log_b)),
        linear_scan(a, b / n * positive(n)),
    )
    # What stays and what enters share one whole.
    close(a + b / n, np.ones_like(a))


def test_log_space_holds_where_the_candidate_rounds_to_zero():
    x = np.full((1, 3, 1), -800.0)
    log_a, log_b = log_min_gru(x, np.array([[0.0, 1.0]]), np.zeros(2))
    assert positive(x).max() == 0
    np.testing.assert_allclose(
        log_linear_scan(log_a, log_b)[0, -1], -800 + np.log(7 / 8)
    )


def test_lru_is_its_loop():
    x, rate, phase, *parts = drawn(
        (2, 40, 3), (4,), (4,), *[(3, 4)] * 2, *[(4, 2)] * 2
    )
    B, C = parts[0] + 1j * parts[1], parts[2] + 1j * parts[3]
    eigenvalues = np.exp(-np.exp(rate) + 1j * np.exp(phase))
    h, expected = np.zeros((2, 4), complex), []
    for t in range(40):
        h = eigenvalues * h + np.sqrt(1 - abs(eigenvalues) ** 2) * (x[:, t] @ B)
        expected.append((h @ C).real)
    close(lru(x, rate, phase, B, C), np.stack(expected, axis=1))


def test_s4d_is_its_loop():
    x, log_delta, *parts = drawn((2, 40, 3), (3,), *[(3, 4)] * 4)
    A, C = -np.abs(parts[0]) + 1j * parts[1], parts[2] + 1j * parts[3]
    delta = np.exp(log_delta - 2)[:, None]
    decay = np.exp(delta * A)
    h, expected = np.zeros((2, 3, 4), complex), []
    for t in range(40):
        h = decay * h + (decay - 1) / A * x[:, t, :, None]
        expected.append(2 * (C * h).sum(axis=-1).real)
    close(s4d(x, log_delta - 2, A, C), np.stack(expected, axis=1))


@pytest.mark.parametrize("with_decay", [False, True])
def test_matrix_states_are_their_loops(with_decay):
    q, k, v = drawn((2, 30, 3), (2, 30, 3), (2, 30, 4))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    rng = np.random.default_rng(1)
    beta = rng.uniform(0, 2, (2, 30))
    decay = rng.uniform(0.5, 1, (2, 30)) if with_decay else None
    added = corrected = np.zeros((2, 3, 4))
    expected = [], []
    for t in range(30):
        if with_decay:
            added, corrected = (
                S * decay[:, t, None, None] for S in (added, corrected)
            )
        key, value = k[:, t, :, None], v[:, t, None, :]
        added = added + key * value
        error = value - key.swapaxes(1, 2) @ corrected
        corrected = corrected + beta[:, t, None, None] * key * error
        for outputs, S in zip(expected, (added, corrected), strict=True):
            outputs.append((q[:, t, None, :] @ S)[:, 0])
    close(linear_attention(q, k, v, decay), np.stack(expected[0], axis=1))
    close(delta_rule(q, k, v, beta, decay), np.stack(expected[1], axis=1))


def layer_of(kind, gain):
    layer = kind(3, 6, rng=0)
    layer.params["W_h"] *= gain
    return layer


@pytest.mark.parametrize("kind", [RNN, GRU])
def test_tangents_are_the_layers_own_step_and_slope(kind):
    layer = layer_of(kind, 2)
    x, h = drawn((5, 1, 3), (5, 6))
    tangents = rnn_tangents if kind is RNN else gru_tangents
    after, J = tangents(layer, x, h[:, None])
    outputs, _ = layer.forward(x, h)
    close(after, outputs)
    for unit in range(6):
        d_outputs = np.zeros_like(outputs)
        d_outputs[..., unit] = 1
        close(J[:, 0, :, unit], layer.backward(d_outputs).state)


@pytest.mark.parametrize("kind", [RNN, GRU])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_newton_is_the_loop(kind, gain):
    layer = layer_of(kind, gain)
    (x,) = drawn((2, 200, 3))
    solution = newton(layer, x)
    assert solution.residuals[-1] <= 1e-12
    assert solution.iterations < 30
    np.testing.assert_allclose(solution.states, layer.forward(x)[0], atol=1e-10)


def test_every_iteration_settles_at_least_one_step():
    layer = layer_of(RNN, 30)
    (x,) = drawn((1, 64, 3))
    exact = layer.forward(x)[0]
    for most in (1, 5, 20, 40):
        states = newton(layer, x, most=most).states
        np.testing.assert_allclose(
            states[:, : most // 2], exact[:, : most // 2], atol=1e-9
        )
    assert newton(layer, x).iterations > 20


def test_newton_refuses_a_layer_whose_slope_it_lacks():
    with pytest.raises(ValueError, match="reset_after=True"):
        newton(GRU(3, 4, reset_after=False), np.zeros((1, 2, 3)))
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match="tanh RNN"):
            newton(RNN(3, 4, activation="relu"), np.zeros((1, 2, 3)))
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)

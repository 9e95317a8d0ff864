"""The layers in the page compute what `utils.scratch` computes."""

import json

import numpy as np
import pytest
from javascript import ENGINES, chosen, evaluator

from utils.labs.lab import module
from utils.scratch import (
    GRU,
    LSTM,
    RNN,
    Adam,
    AdditiveAttention,
    Bidirectional,
    Dense,
    log_softmax,
    softmax_cross_entropy,
)
from utils.scratch.attention import masked_softmax

LAYERS = module("js/layers.js")
MADE = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru, reset before": lambda *sizes, **options: GRU(
        *sizes, reset_after=False, **options
    ),
}
SIZES = {"one of each": (1, 1, 1), "small": (2, 3, 4), "wide": (9, 16, 31)}


def plain(value):
    """Return nested lists, as a reader's script has them."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def flat(value):
    """Return arrays as {shape, data}, as the layers keep them themselves."""
    if isinstance(value, dict):
        return {name: flat(each) for name, each in value.items()}
    return {"shape": list(value.shape), "data": value.ravel().tolist()}


def unflat(value):
    """Turn {shape, data} back into arrays."""
    if "shape" in value:
        return np.reshape(value["data"], value["shape"])
    return {name: unflat(each) for name, each in value.items()}


@pytest.fixture(scope="module", params=ENGINES)
def run(request):
    """Evaluate a function of the page, given its arguments, on each engine."""
    evaluate = evaluator(LAYERS, chosen(request))

    def call(function, *arguments):
        given = ", ".join(json.dumps(plain(each)) for each in arguments)
        return evaluate(f"({function})({given})")

    return call


def close(actual, expected):
    actual = np.asarray(actual, float)
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.fixture(params=SIZES, ids=lambda name: name.replace(" ", "-"))
def sizes(request):
    """Return the sizes of the input and of the state, and the steps."""
    return SIZES[request.param]


def case(name, sizes, bias=True):
    """Return a layer, one sequence for it and a state to start from."""
    inputs, hidden, time = sizes
    rng = np.random.default_rng([inputs, hidden, time])
    layer = MADE[name](inputs, hidden, bias=bias, rng=rng)
    x = rng.normal(size=(1, time, inputs))
    state = rng.normal(size=(2 if name == "lstm" else 1, 1, hidden))
    return layer, x, state


def cell(name):
    """Return the name of the function in the page."""
    return name.split(",")[0]


def given_state(name, state):
    """Return a state as NumPy's layers take it."""
    return tuple(state) if name == "lstm" else state[0]


@pytest.mark.parametrize("name", MADE)
def test_a_layer_s_outputs_and_state(name, sizes, run):
    layer, x, state = case(name, sizes)
    for first in (None, state):
        there = None if first is None else given_state(name, first)
        outputs, last = layer.forward(x, there)
        here = [] if first is None else list(first[:, 0])
        for params in (layer.params, flat(layer.params)):
            answer = run(f"layers.{cell(name)}", params, x[0], *here)
            close(answer["outputs"], outputs[0])
            close(answer["state"], np.squeeze(last, axis=-2))


@pytest.mark.parametrize("name", MADE)
def test_a_layer_without_bias(name, sizes, run):
    layer, x, _ = case(name, sizes, bias=False)
    given = [layer.params, x[0]]
    if name == "gru, reset before":
        answer = run("(p, x) => layers.gru(p, x, undefined, false)", *given)
    else:
        answer = run(f"layers.{name}", *given)
    close(answer["outputs"], layer.forward(x)[0][0])


@pytest.mark.parametrize("name", MADE)
def test_a_pair_of_layers_that_read_from_both_ends(name, sizes, run):
    ahead, x, state = case(name, sizes)
    back, _, other = case(name, sizes)
    for array in back.params.values():
        array *= -0.7
    both = Bidirectional(ahead, back)
    function = f"(...given) => layers.bidirectional(layers.{cell(name)}"
    function += ", ...given)"
    for first in (None, (state, other - 1)):
        there = first and tuple(given_state(name, each) for each in first)
        outputs, last = both.forward(x, there)
        here = [] if first is None else [[list(s[:, 0]) for s in first]]
        answer = run(function, both.params, x[0], *here)
        close(answer["outputs"], outputs[0])
        close(answer["state"], np.squeeze(last, axis=-2))


@pytest.mark.parametrize("masked", [False, True])
def test_additive_attention(masked, sizes, run):
    size, units, time = sizes
    rng = np.random.default_rng(units)
    attention = AdditiveAttention(size, size + 1, units, rng)
    query, keys = (
        rng.normal(size=(1, size)),
        rng.normal(size=(1, time, size + 1)),
    )
    mask = rng.random((1, time)) < 0.6
    mask[0, 0] = True
    context, weights = attention.forward(query, keys, mask if masked else None)
    given = [mask[0]] if masked else []
    params = attention.params
    answer = run("layers.additiveAttention", params, query[0], keys[0], *given)
    close(answer["context"], context[0])
    close(answer["weights"], weights[0])


def test_softmax_where_a_naive_one_overflows(run):
    scores = np.array([[-800.0, 1000.0, 999.0, 5.0]])
    close(run("layers.softmax", scores[0]), masked_softmax(scores)[0])
    mask = np.array([[True, False, False, True]])
    close(
        run("layers.softmax", scores[0], mask[0]),
        masked_softmax(scores, mask)[0],
    )


def test_logarithms_of_a_softmax_stay_finite(run):
    scores = np.array([-800.0, 1000.0, 999.0, 5.0])
    close(run("layers.logSoftmax", scores), log_softmax(scores))


def test_a_dense_layer_and_a_table_of_rows(run):
    rng = np.random.default_rng(0)
    layer, x = Dense(5, 3, rng=rng), rng.normal(size=5)
    close(run("layers.dense", layer.params, x), layer.forward(x))
    bare = Dense(5, 3, bias=False, rng=rng)
    close(run("layers.dense", bare.params, x), bare.forward(x))
    table, tokens = rng.normal(size=(7, 4)), np.array([6, 0, 0, 3])
    close(run("layers.embedding", table, tokens), table[tokens])


BACKWARD = """(layer, params, x, state, d_outputs, after) => {
  params = layers.arrays(params);
  const sums = layers.zerosLike(params);
  const {steps} = layers[layer](params, x, state, after);
  const d = layers[layer + "Backward"](params, steps, d_outputs, sums, after);
  return {...d, params: sums};
}"""


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["rnn", "gru", "gru, reset before"])
def test_a_layer_s_gradients(name, bias, sizes, run):
    layer, x, state = case(name, sizes, bias)
    d_outputs = np.random.default_rng(1).normal(size=(1, sizes[2], sizes[1]))
    layer.forward(x, state[0])
    expected = layer.backward(d_outputs)
    after = not name.endswith("before")
    given = [cell(name), layer.params, x[0], state[0, 0], d_outputs[0], after]
    answer = run(BACKWARD, *given)
    close(answer["x"], expected.x[0])
    close(answer["state"], expected.state[0])
    params = unflat(answer["params"])
    assert params.keys() == expected.params.keys()
    for key, gradient in expected.params.items():
        close(params[key], gradient)


def test_the_head_s_loss_and_gradients(run):
    rng = np.random.default_rng(4)
    head, x = Dense(6, 3, rng=rng), rng.normal(size=(1, 6)) * 40
    loss, d_logits = softmax_cross_entropy(head.forward(x), np.array([2]))
    expected = head.backward(d_logits)
    answer = run(
        """(params, x) => {
          params = layers.arrays(params);
          const sums = layers.zerosLike(params);
          const logits = layers.dense(params, x);
          const {loss, d_logits} = layers.softmaxCrossEntropy(logits, 2);
          const d_x = layers.denseBackward(params, x, d_logits, sums);
          return {loss, d_x, params: sums};
        }""",
        head.params,
        x[0],
    )
    close(answer["loss"], loss)
    close(answer["d_x"], expected.x[0])
    for key, gradient in unflat(answer["params"]).items():
        close(gradient, expected.params[key])


def test_adam_s_steps(run):
    rng = np.random.default_rng(9)
    layer = GRU(2, 5, rng=rng)
    gradients = [
        {name: rng.normal(size=p.shape) for name, p in layer.params.items()}
        for _ in range(20)
    ]
    answer = run(
        """(params, gradients) => {
          const layer = layers.arrays(params);
          const optimizer = new layers.Adam([layer], 0.03);
          for (const each of gradients) optimizer.step([layers.arrays(each)]);
          return layer;
        }""",
        layer.params,
        gradients,
    )
    optimizer = Adam([layer.params], 0.03)
    for each in gradients:
        optimizer.step([each])
    for name, expected in layer.params.items():
        close(unflat(answer)[name], expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("layers.dense({W: [[1], [2]]}, [1])", "1 numbers meets 2 rows"),
        ("layers.dense({W: [[1, 2], [2]]}, [1, 2])", "rows differ in length"),
        ("layers.softmax([1, 2], [false, false])", "no valid position"),
        ("layers.embedding([[1], [2]], [2])", "token 2: the table has rows 0"),
    ],
)
def test_an_error_names_what_does_not_fit(call, message, run):
    caught = f"() => {{ try {{ {call}; }} catch (e) {{ return e.message; }} }}"
    assert message in run(caught)

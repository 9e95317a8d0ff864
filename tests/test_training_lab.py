"""Training in the page is training in NumPy, number for number."""

import json

import numpy as np
import pytest
from javascript import ENGINES, chosen, evaluator

from utils.labs.training import (
    BATCH,
    CELLS,
    INPUTS,
    TIME,
    TRAINING,
    UNITS,
    examples,
    generator,
    train,
    training_lab,
)
from utils.scratch import softmax_cross_entropy


@pytest.fixture(scope="module", params=ENGINES)
def run(request):
    """Evaluate an expression of the page on each engine."""
    return evaluator(TRAINING, chosen(request))


def trainer(cell, task, seed=3, learning_rate=0.01):
    """Return the expression that makes the page's trainer."""
    return f"""new training.Trainer({{
      cell: "{cell}", task: "{task}", seed: {seed},
      learningRate: {learning_rate}, units: {UNITS}, batch: {BATCH},
      time: {TIME}}})"""


def close(actual, expected, tolerance=1e-12):
    expected = np.asarray(expected)
    actual = np.reshape(actual, expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def test_the_same_seed_gives_the_same_numbers(run):
    for seed in (0, 1, 12345):
        here = run(f"""(() => {{
          const random = seeded.generator({seed});
          return Array.from({{length: 50}}, random);
        }})()""")
        random = generator(seed)
        assert here == [next(random) for _ in range(50)]


@pytest.mark.parametrize("task", INPUTS)
def test_the_same_seed_gives_the_same_examples(task, run):
    here = run(f'training.examples("{task}", seeded.generator(8), 5, 21)')
    there = examples(task, generator(8), 5, 21)
    for name, expected in there._asdict().items():
        assert np.array_equal([each[name] for each in here], expected)


def test_the_tasks_are_what_they_say():
    x, y, memory = examples("parity", generator(2), 40, 9)
    assert np.array_equal(y, x[:, :, 0].cumsum(axis=1) % 2)
    assert np.array_equal(memory, y)
    assert 0.4 < x.mean() < 0.6
    x, y, memory = examples("addition", generator(2), 40, 9)
    a, b = (x.astype(int) * 2 ** np.arange(9)[:, None]).sum(axis=1).T
    total = (y * 2 ** np.arange(9)).sum(axis=1) + memory[:, -1] * 2**9
    assert np.array_equal(total, a + b)


@pytest.mark.parametrize("task", INPUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_first_gradients(cell, task, run):
    here = run(f"""(() => {{
      const trainer = {trainer(cell, task)};
      const chosen = training.examples("{task}", trainer.random, {BATCH}, 9);
      const {{layer, head}} = trainer;
      return {{chosen, layer, head, ...trainer.gradients(chosen)}};
    }})()""")
    layer, head, _ = train(cell, task, 3, 0.01, 0)
    for params, shown in ((layer.params, "layer"), (head.params, "head")):
        for name, array in params.items():
            assert here[shown][name]["shape"] == list(array.shape)
            assert here[shown][name]["data"] == array.ravel().tolist()
    x, y = (np.array([each[n] for each in here["chosen"]]) for n in "xy")
    outputs, _ = layer.forward(x.astype(float))
    loss, d_logits = softmax_cross_entropy(head.forward(outputs), y)
    d_head = head.backward(d_logits)
    close(here["loss"], loss)
    expected = [layer.backward(d_head.x).params, d_head.params]
    for shown, gradients in zip(here["gradients"], expected, strict=True):
        assert shown.keys() == gradients.keys()
        for name, gradient in gradients.items():
            assert np.abs(gradient).max() > 1e-4
            close(shown[name]["data"], gradient)


# Where the steps overshoot, rounding grows from step to step as they do:
# a run that diverges is equal to the last digits only at first.
@pytest.mark.parametrize(("rate", "steps"), [(0.01, 20), (1.0, 1)])
@pytest.mark.parametrize("task", INPUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_first_steps_of_adam(cell, task, rate, steps, run):
    here = run(f"""(() => {{
      const trainer = {trainer(cell, task, learning_rate=rate)};
      for (let i = 0; i < {steps}; i++) trainer.step();
      const {{layer, head, losses}} = trainer;
      return {{layer, head, losses}};
    }})()""")
    layer, head, losses = train(cell, task, 3, rate, steps)
    close(here["losses"], losses)
    for shown, params in (("layer", layer.params), ("head", head.params)):
        for name, array in params.items():
            close(here[shown][name]["data"], array)


def test_the_learning_rate_decides():
    """The lesson: 0.001 is slow, 0.01 learns, 1 never does."""
    last = {
        rate: np.mean(train("gru", "parity", 0, rate, 250).losses[-10:])
        for rate in (0.001, 0.01, 1.0)
    }
    assert last[0.01] < 0.05
    assert last[0.001] > 0.5
    assert last[1.0] > 0.5


def test_the_two_widest_directions(run):
    points = np.random.default_rng(1).normal(size=(60, 7))
    points *= [5, 1, 3, 1, 0.5, 1, 0.2]
    here = run(f"training.principal({json.dumps(points.tolist())})")
    centred = points - points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    for axis in (0, 1):
        shown = np.array(here["points"])[:, axis]
        expected = centred @ directions[axis]
        close(shown * np.sign(shown @ expected), expected, 1e-6)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"cell": "lstm"}, r"cell is 'lstm'; use one of \['rnn', 'gru'\]"),
        ({"task": "copy"}, "task is 'copy'"),
    ],
)
def test_a_choice_that_the_lab_does_not_have(choice, message):
    with pytest.raises(ValueError, match=message):
        training_lab(**choice)

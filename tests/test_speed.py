"""The rungs of chapter 13 agree, and a stream holds every row once."""

import numpy as np
import pytest
import torch

from utils.scratch import LSTM
from utils.speed import agreement, ladder
from utils.speed.cells import PeepholeLSTM
from utils.speed.export import ReadLast, load_step, run_stepwise, save_step
from utils.speed.parallel import Network, step_seconds
from utils.speed.streaming import BLOCK, StreamedBatches, write_shards


@pytest.mark.parametrize("run", ladder.RUNGS.values(), ids=ladder.RUNGS)
def test_every_rung_computes_what_the_layer_computes(run):
    rng = np.random.default_rng(0)
    layer = LSTM(3, 5, rng=1)
    x, d_outputs = rng.normal(size=(4, 7, 3)), rng.normal(size=(4, 7, 5))
    outputs, _ = layer.forward(x)
    grads = layer.backward(d_outputs)
    got = run(layer, x, d_outputs)
    np.testing.assert_allclose(got.outputs, outputs, rtol=0, atol=1e-14)
    np.testing.assert_allclose(got.d_x, grads.x, rtol=0, atol=1e-14)
    for name, gradient in grads.params.items():
        np.testing.assert_allclose(
            got.params[name], gradient, rtol=0, atol=1e-13
        )


def test_operations_and_intensity_of_a_step():
    # 2 rows, 1 step, 3 inputs, 5 units: 20 columns over 8 rows of weights.
    assert ladder.operations(2, 1, 3, 5) == 6 * 2 * 8 * 20
    assert ladder.intensity(2, 3, 5) == 2 * 2 * 160 / (4 * (16 + 160 + 40))


def peephole(fused):
    torch.manual_seed(0)
    return PeepholeLSTM(3, 4, fused=fused).double()


def test_a_fused_cell_equals_the_plain_one():
    x = torch.randn(2, 6, 3, dtype=torch.double, requires_grad=True)
    found = []
    for module in (peephole(False), peephole(True)):
        x.grad = None
        outputs = module(x)
        (outputs**3).sum().backward()
        found.append([outputs, x.grad, *[p.grad for p in module.parameters()]])
    for plain, fused in zip(*found, strict=True):
        torch.testing.assert_close(fused, plain, rtol=0, atol=1e-13)
    assert torch.autograd.gradcheck(peephole(True), x)


def test_peepholes_are_seen():
    x = torch.randn(2, 6, 3, dtype=torch.double)
    module = peephole(True)
    before = module(x)
    with torch.no_grad():
        module.peepholes[2] += 1
    assert (module(x) - before).abs().max() > 0.01


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_an_exported_step_equals_the_batch(suffix, tmp_path):
    torch.manual_seed(0)
    model, path = ReadLast(4, 8, 2).eval(), tmp_path / f"step{suffix}"
    x = torch.randn(1, 12, 4)
    save_step(model, path)
    answers = list(run_stepwise(load_step(path), x[0].numpy(), 8))
    want = model(x)[0].detach().numpy()
    np.testing.assert_allclose(np.stack(answers), want, rtol=0, atol=1e-6)


def test_no_other_format_is_written_or_read(tmp_path):
    with pytest.raises(ValueError, match=r"\.pt2 or \.onnx"):
        save_step(ReadLast(1, 2, 1), tmp_path / "step.h5")
    with pytest.raises(ValueError, match=r"\.pt2 or \.onnx"):
        load_step(tmp_path / "step.h5")


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Shards of rows that name themselves, one larger than a block."""
    sizes = (BLOCK + 100, 300, 50)
    ends = np.cumsum(sizes)
    blocks = (
        np.arange(end - size, end).reshape(-1, 1)
        for size, end in zip(sizes, ends, strict=True)
    )
    return write_shards(tmp_path_factory.mktemp("shards"), blocks)


def names(batches):
    return [x[:, 0, 0].int().tolist() for x, _ in batches]


def test_an_epoch_holds_every_row_once_in_another_order(numbered):
    batches = StreamedBatches(numbered, 64, lambda rows: rows[:, 0])
    first, second = names(batches), names(batches)
    assert len(first) == len(batches) == -(-(BLOCK + 450) // 64)
    assert np.sort(np.concatenate(first)).tolist() == list(range(BLOCK + 450))
    assert np.sort(np.concatenate(second)).tolist() == list(range(BLOCK + 450))
    assert first != second
    assert all(len(batch) == 64 for batch in first[:-1])


def test_the_same_state_draws_the_same_order(numbered):
    one, other = (
        StreamedBatches(numbered, 64, lambda rows: rows[:, 0]) for _ in range(2)
    )
    assert names(one) == names(other)
    other.rng.bit_generator.state = one.rng.bit_generator.state
    assert names(one) == names(other)


def test_targets_belong_to_their_rows(numbered):
    for x, y in StreamedBatches(numbered, 64, lambda rows: rows[:, 0] % 7):
        torch.testing.assert_close(x[:, 0, 0] % 7, y.float())


def test_a_step_of_a_ring():
    network = Network(latency=50e-6, bandwidth=125e6)
    assert step_seconds(1, 0.1, 1e6, network) == 0.1
    # Half the batch, two messages of half a megabyte.
    assert step_seconds(2, 0.1, 1e6, network) == pytest.approx(0.0581)


def test_this_machine_agrees_with_itself():
    found = agreement.deviations()
    assert {"float64", "float32"} <= set(found)
    assert "up to rounding" in agreement.verdict(found)


def test_a_wrong_machine_is_named(monkeypatch):
    odd = {"float64": 1e-9, "float32": 1e-6, "CUDA TF32": 0.001}
    assert "float64" in agreement.verdict(odd)
    assert "TF32" not in agreement.verdict(odd)

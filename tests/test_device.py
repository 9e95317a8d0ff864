"""Devices without a GPU: who chooses one, and who forgets to move a tensor."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import lightning_fabric
import numpy as np
import pytest
import torch
from elsewhere import AWAY, Elsewhere, away
from lightning_fabric import Fabric
from lightning_fabric.accelerators import CPUAccelerator
from lightning_fabric.strategies import SingleDeviceStrategy
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from tools import chapters, environment
from utils.attention import pytorch as attention
from utils.data.pairs import Pairs
from utils.data.text import Vocabulary
from utils.exercises import check_attention_weights
from utils.models import pytorch as models
from utils.sentiment import pytorch as sentiment
from utils.training import device, loop

pytestmark = pytest.mark.usefixtures("unannotated")


class AwayAccelerator(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None:
        pass


def away_fabric() -> Fabric:
    return Fabric(
        accelerator=AwayAccelerator(),
        strategy=SingleDeviceStrategy(device=AWAY),
        devices=1,
    )


@pytest.mark.parametrize(
    ("asked", "cuda", "mps", "chosen"),
    [
        ("", True, True, "cuda"),
        ("", False, True, "cpu"),
        ("", False, False, "cpu"),
        ("cpu", True, True, "cpu"),
        ("mps", True, True, "mps"),
    ],
)
def test_cuda_then_the_cpu_and_mps_only_when_asked(
    monkeypatch, asked, cuda, mps, chosen
):
    monkeypatch.setenv("UNROLLED_DEVICE", asked)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.training_device() == chosen


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("tpu", ValueError, "'tpu'; it must be one of cpu, cuda, mps"),
        ("cuda", RuntimeError, "asks for cuda, but PyTorch .* finds none"),
    ],
)
def test_a_device_that_is_not_there_is_named(monkeypatch, asked, error, said):
    monkeypatch.setenv("UNROLLED_DEVICE", asked)
    with pytest.raises(error, match=said):
        device.training_device()


def test_fit_asks_the_one_place_that_chooses(monkeypatch):
    asked = []

    class AskedError(Exception):
        pass

    def fabric(accelerator, devices):
        asked.append((accelerator, devices))
        raise AskedError

    monkeypatch.setattr(loop, "training_device", lambda: "cuda")
    monkeypatch.setattr(loop, "Fabric", fabric)
    with pytest.raises(AskedError):
        train(loop)
    assert asked == [("cuda", 1)]


# Processes that are held to one process's weights compute on the CPU, as every
# equality in the book.
ON_THE_CPU = ("parallel.py", 'accelerator="cpu"')


def test_nobody_else_chooses_a_device():
    """Only the benchmarks may."""
    chosen = re.compile(
        r"^(?!#).*(?:accelerator=[\"']|\.to\([\"'](?:cuda|mps)|\.cuda\().*",
        re.M,
    )
    sources = [*(chapters.ROOT / "utils").rglob("*.py"), *chapters.sources()]
    assert [
        (path.name, line[0].strip())
        for path in sources
        for line in chosen.finditer(path.read_text(encoding="utf-8"))
        if path.name != ON_THE_CPU[0] or ON_THE_CPU[1] not in line[0]
    ] == []


def test_recording_and_tests_stay_on_the_cpu():
    assert environment.PINNED["UNROLLED_DEVICE"] == "cpu"
    assert environment.PINNED["CUDA_VISIBLE_DEVICES"] == "-1"


def keras_faults(path: Path) -> list[str]:
    """Say where a chapter or module leaves Keras on a GPU, or XLA on."""
    text = path.read_text(encoding="utf-8")
    faults = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            "model.compile"
        ):
            options = {word.arg: word.value for word in node.keywords}
            if ast.unparse(options.get("jit_compile", ast.Constant(1))) != (
                "False"
            ):
                faults.append(f"{path.name}:{node.lineno} leaves XLA to Keras")
    if path.parent.name == "chapters" and re.search(
        r"(?m)^import (keras|tensorflow)", text
    ):
        kept = text.find("\nkeep_keras_on_cpu()")
        used = re.search(r"(?m)^(?!import|from).*\b(keras|tf)\.", text)
        if kept < 0 or (used and used.start() < kept):
            faults.append(f"{path.name} uses Keras before it is on the CPU")
    return faults


def test_keras_stays_on_the_cpu_without_xla():
    sources = [*(chapters.ROOT / "utils").rglob("*.py"), *chapters.sources()]
    assert [fault for path in sources for fault in keras_faults(path)] == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import keras\nmodel = keras.Model()\n", "before it is on the CPU"),
        (
            "import keras\n\nkeep_keras_on_cpu()\n"
            "keras_model.compile('adam', 'mse')\n",
            "leaves XLA",
        ),
    ],
)
def test_a_chapter_that_forgets_is_found(tmp_path, source, fault):
    chapter = tmp_path / "chapters" / "99_planted.py"
    chapter.parent.mkdir()
    chapter.write_text(source, encoding="utf-8")
    assert fault in keras_faults(chapter)[0]


def test_keras_is_told_to_keep_to_the_cpu(monkeypatch):
    import tensorflow as tf

    told = []
    monkeypatch.setattr(
        tf.config, "set_visible_devices", lambda *each: told.append(each)
    )
    device.keep_keras_on_cpu()
    assert told == [([], "GPU")]

    def too_late(*each):
        raise RuntimeError("cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", too_late)
    with pytest.raises(RuntimeError, match="restart the kernel"):
        device.keep_keras_on_cpu()


# What trains on another device, held against the CPU ------------------------


def draw(rows: int = 40) -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(1)
    x = torch.randn(rows, 5, 2)
    y = x.sum((1, 2))[:, None]
    return [(x[i : i + 8], y[i : i + 8]) for i in range(0, rows, 8)]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(2, 4, batch_first=True)
        self.head = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


def train(module: ModuleType, **options):
    torch.manual_seed(0)
    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), 0.05, foreach=False)
    history = module.fit(
        model,
        draw(),
        draw(16),
        **{"loss": mse_loss, "optimizer": optimizer, "epochs": 3} | options,
    )
    return history, model, optimizer


def check_fit(module: ModuleType, folder: Path | None = None) -> None:
    options = {
        "clip": 1.0,
        "patience": 2,
        "metrics": {"mae": nn.functional.l1_loss},
    }
    here, model, _ = train(module, fabric=Fabric(accelerator="cpu"), **options)
    with Elsewhere():
        there, moved, optimizer = train(
            module, fabric=away_fabric(), checkpoint=folder, **options
        )
    assert ((there.frame - here.frame).abs() < 1e-5).all(axis=None)
    x = draw(8)[0][0]
    assert torch.allclose(moved(x), model(x), atol=1e-5)
    assert optimizer.state
    for state in optimizer.state.values():
        assert all(type(each) is torch.Tensor for each in state.values())


def test_fit_leaves_the_cpu_and_comes_home(tmp_path):
    check_fit(loop, tmp_path)


def test_an_accelerator_is_asked_for_its_losses_once_an_interval(monkeypatch):
    looks = []
    fetch = loop._fetch

    def counted(steps):
        looks.append(len(steps))
        return fetch(steps)

    monkeypatch.setattr(loop, "_fetch", counted)
    monkeypatch.setattr(loop, "LOG_INTERVAL", 4)
    with Elsewhere():
        train(loop, epochs=2, fabric=away_fabric())
    # Five steps an epoch, then the two batches of validation.
    assert looks == [4, 1, 2, 4, 1, 2]


def test_a_loss_that_is_not_finite_is_found_late_but_named(monkeypatch):
    def breaks(outputs, target):
        breaks.calls += 1
        return mse_loss(outputs, target) * (
            float("nan") if breaks.calls == 3 else 1.0
        )

    breaks.calls = 0
    with (
        Elsewhere(),
        pytest.raises(FloatingPointError, match="epoch 1, step 3 is nan"),
    ):
        train(loop, loss=breaks, fabric=away_fabric())


def test_lightning_gives_no_advice_on_stderr(capfd):
    device.quieten_lightning()
    lightning_fabric.utilities.rank_zero.rank_zero_info("Tensor Cores!")
    assert capfd.readouterr().err == ""


SOURCE = torch.tensor([[3, 4, 5, 6], [3, 4, 0, 0], [8, 7, 6, 0]])
LENGTHS = torch.tensor([4, 2, 3])
BEFORE = torch.tensor([[1, 3, 4], [1, 3, 5], [1, 6, 5]])
AFTER = torch.tensor([[3, 4, 2], [3, 5, 2], [6, 5, 2]])


def check_attention(module: ModuleType) -> None:
    for attended in (True, False):
        torch.manual_seed(0)
        model = module.Seq2Seq(9, 7, attended, 8, 8).eval()
        wanted = model(SOURCE, LENGTHS, BEFORE).detach()
        written = module.greedy_decode(model, model.encode(SOURCE, LENGTHS), 5)
        with Elsewhere():
            away(model)
            parts = [away(each) for each in (SOURCE, LENGTHS, BEFORE, AFTER)]
            outputs = model(*parts[:3])
            module.sequence_loss(outputs, parts[3]).backward()
            assert torch.allclose(outputs.detach().cpu(), wanted, atol=1e-6)
            model.train()
            model.teacher = 0.5
            model(*parts[:3])
            model.eval()
            memory = model.encode(*parts[:2])
            symbols = module.greedy_decode(model, memory, 5).symbols
            assert torch.equal(symbols.cpu(), written.symbols)
            one = model.encode(parts[0][:1], parts[1][:1])
            module.beam_search(model, one, 5, 3)
            if attended:
                module.input_gradients(model, *parts)
            every = (SOURCE, LENGTHS, BEFORE, AFTER)
            pairs = Pairs(*(each.numpy() for each in every))
            module.exact_matches(model, pairs, 5)


def check_sentiment(module: ModuleType) -> None:
    vocabulary = Vocabulary.from_texts(["a fine film .", "a dull one ,"] * 5)
    texts = ["a fine film .", "dull", "a dull one , a film"]
    for pooling in ("last", "mean", "max", "attention"):
        torch.manual_seed(0)
        model = module.SentimentClassifier(
            len(vocabulary), 6, 4, pooling=pooling
        )
        wanted = module.positive_probabilities(model, texts, vocabulary)
        with Elsewhere():
            away(model)
            found = module.positive_probabilities(model, texts, vocabulary)
            assert np.allclose(found, wanted, atol=1e-6)
            model.train()
            batches = module.ReviewBatches(
                texts, [1, 0, 0], vocabulary, prior=np.zeros(3)
            )
            for *inputs, label in batches:
                logits = model(*map(away, inputs))
                cross_entropy(logits, away(label)).backward()


def check_models(module: ModuleType) -> None:
    x = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]])
    lengths, values = torch.tensor([4, 2]), x.float()[..., None]
    with Elsewhere():
        for pooling in (None, "last", "final states", "mean", "max"):
            reader = away(module.SymbolReader(11, 3, 4, pooling=pooling))
            reader(away(x), away(lengths)).sum().backward()
        ball = away(module.BallPredictor())
        ball(away(x.float()), away(lengths)).sum().backward()
        many = away(module.ManyToOne(nn.GRU, 1, 4, 2))
        many(away(values)).sum().backward()
        final = away(module.FinalStatesReader(1, 4, 2))
        final(away(values)).sum().backward()


# Per module: the line that moves a tensor, and the line of who forgets it.
FORGOTTEN = {
    "attention": [
        (r"START, device=state\.device", "START"),
        (r"lengths\.cpu\(\)", "lengths"),
        (r",\s+device=state\.device,\s+\)", ")"),
        (r"totals\.new_tensor\(", "torch.tensor("),
        (r", device=symbol\.device", ""),
        (r"\(matches\)\.cpu\(\)", "(matches)"),
        (r"from_numpy\(each\)\.to\(device\)", "from_numpy(each)"),
    ],
    "sentiment": [
        (r"\(time, device=lengths\.device\)", "(time)"),
        (r"\(x\.shape\[1\], device=x\.device\)", "(x.shape[1])"),
        (r", device=tokens\.device", ""),
        (r"\[:, 1\]\.cpu\(\)", "[:, 1]"),
        (r"each\.to\(device\) for each", "each for each"),
    ],
    "models": [
        (r"(outputs\.shape\[1\]), device=outputs\.device", r"\1"),
        (r"(inputs\[\.\.\., None\],\s+lengths)\.cpu\(\)", r"\1"),
    ],
    "loop": [
        (r"tensor\.to\(device\) for tensor", "tensor for tensor"),
        (r"fabric\.to_device\((_share\(batch, fabric\))\)", r"\1"),
        (r"\n +model\.to\(home\)", ""),
        (r"\n +_move_state\(optimizer, home\)", ""),
    ],
}
CHECKS = {
    "attention": (attention, check_attention),
    "sentiment": (sentiment, check_sentiment),
    "models": (models, check_models),
    "loop": (loop, check_fit),
}


@pytest.mark.parametrize("name", ["attention", "sentiment", "models"])
def test_models_run_away_as_they_run_here(name: str):
    module, check = CHECKS[name]
    check(module)


@pytest.mark.parametrize(
    ("name", "pattern", "forgotten"),
    [(name, *pair) for name, pairs in FORGOTTEN.items() for pair in pairs],
)
def test_a_tensor_that_stays_behind_is_found(
    name: str, pattern: str, forgotten: str, monkeypatch
):
    module, check = CHECKS[name]
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    faulty, changes = re.subn(pattern, forgotten, source)
    assert changes, "the line to break is no longer there"
    spec = importlib.util.spec_from_loader("planted_fault", loader=None)
    planted = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "planted_fault", planted)
    exec(compile(faulty, str(module.__file__), "exec"), planted.__dict__)
    with pytest.raises((RuntimeError, AssertionError, TypeError)):
        check(planted)


def test_a_loss_that_holds_a_tensor_of_the_cpu_is_found():
    weight = torch.rand(8, 1)

    def weighted(outputs, target):
        return ((outputs - target) ** 2 * weight[: len(outputs)]).mean()

    with Elsewhere(), pytest.raises(RuntimeError, match="two devices"):
        train(loop, loss=weighted, fabric=away_fabric())


def test_a_checker_takes_an_answer_from_another_device(capsys):
    def answer(scores, mask):
        with Elsewhere():
            hidden = torch.from_numpy(~mask)[:, None]
            scores = torch.from_numpy(scores).masked_fill(hidden, -torch.inf)
            return away(scores.softmax(-1))

    assert check_attention_weights(answer), capsys.readouterr().out


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_keras_layers_never_meet_cudnn_with_a_left_mask(kind, monkeypatch):
    """In `fit` a left-padded mask would stop cuDNN; the book has none there."""
    import keras
    import tensorflow as tf

    recurrent = sys.modules["keras.src.backend.tensorflow.rnn"]
    reached = []

    def spy(**options):
        reached.append(options["rnn_mode"])
        raise tf.errors.NotFoundError(None, None, "no kernel")

    monkeypatch.setattr(recurrent, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", spy)
    layer = getattr(keras.layers, kind)(4)
    mask = np.array([[False, True, True], [True, True, True]])
    x = np.zeros((2, 3, 2), "float32")
    assert np.isfinite(layer(x, mask=mask)).all()  # eager: falls back
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.function(lambda: layer(x, mask=tf.constant(mask)))()

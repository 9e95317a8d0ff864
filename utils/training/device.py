"""Where training runs: the one place that chooses a device.

PyTorch's networks train on CUDA where there is a CUDA device, else on the CPU.
Apple's MPS is taken only when it is asked for: its recurrent layers have
crashed on packed rows and returned NaN (pytorch#102911, pytorch#94691), and it
has no float64. Only `fit` leaves the CPU, and it brings the model home, so
whatever the book compares digit by digit is compared on the CPU.
"""

import utils.pytorch_first  # noqa: F401  TensorFlow may follow, below

import logging
import os

import torch

DEVICES = ("cpu", "cuda", "mps")


def training_device() -> str:
    """Return "cuda" if there is a CUDA device, else "cpu".

    The environment variable UNROLLED_DEVICE (cpu, cuda or mps) overrides the
    choice.

    Raises:
        ValueError: UNROLLED_DEVICE names no device that the book knows.
        RuntimeError: it names one that PyTorch does not find here.
    """
    asked = os.environ.get("UNROLLED_DEVICE", "")
    if not asked:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked not in DEVICES:
        raise ValueError(
            f"UNROLLED_DEVICE is {asked!r}; it must be one of "
            f"{', '.join(DEVICES)}, or unset"
        )
    found = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not found[asked]:
        raise RuntimeError(
            f"UNROLLED_DEVICE asks for {asked}, but PyTorch "
            f"{torch.__version__} finds none on this machine; unset it, or "
            "set it to cpu"
        )
    return asked


def keep_keras_on_cpu() -> None:
    """Hide every GPU from TensorFlow, before its first operation.

    A GPU would take Keras's layers by itself, round their products to TF32
    (2e-3 off where the CPU is 2e-6 off), and hold the memory that PyTorch then
    lacks. Hiding it leaves XLA on, which Keras decides by the GPUs that the
    machine has: say `jit_compile=False` to `compile` as well.

    Raises:
        RuntimeError: TensorFlow has already used a GPU in this process.
    """
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError as error:
        raise RuntimeError(
            "TensorFlow has already started on a GPU; restart the kernel and "
            "run the chapter from its first cell"
        ) from error


def quieten_lightning() -> None:
    """Keep Lightning's advice on matrix precision out of the output."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

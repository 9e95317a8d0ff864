"""Import PyTorch, and Triton where it is installed, before TensorFlow.

TensorFlow loads an LLVM and stand-ins for the CUDA libraries for the whole
process. On Linux a Triton imported later crashes on that LLVM, and a PyTorch
imported later calls the stand-ins and finds no GPU. The other order harms
nobody, so every module that needs Keras or TensorFlow imports this one first.

Source: https://github.com/tensorflow/tensorflow/issues/124205 and
https://github.com/PythonOT/POT/issues/839.
"""

import contextlib
import importlib
import importlib.util
import sys
import warnings

TOO_LATE = (
    "TensorFlow (or Keras) was imported before PyTorch. To keep Triton from"
    " crashing on TensorFlow's libraries, the book goes on without it:"
    " torch.compile cannot use a GPU, and PyTorch may not find one. The rest"
    " works. To have all of it, restart the kernel and run the book's first"
    " cell before any other import."
)


def import_pytorch() -> None:
    """Import PyTorch, then Triton; after TensorFlow, save what can be saved.

    Where TensorFlow is loaded and Triton is not, Triton is marked as absent,
    as PyTorch allows, and one warning says what that costs. Nothing is said
    where nothing is lost: without Triton and without a CUDA build of PyTorch.
    """
    late = "tensorflow" in sys.modules and "triton" not in sys.modules
    has_triton = importlib.util.find_spec("triton") is not None
    if late:
        sys.modules["triton"] = None  # type: ignore[assignment]
    torch = importlib.import_module("torch")
    with contextlib.suppress(ImportError):
        importlib.import_module("triton")
    if late and (has_triton or torch.version.cuda):
        # PyTorch would say the same again, in other words, at first use.
        warnings.filterwarnings("ignore", "CUDA initialization")
        warnings.warn(TOO_LATE, RuntimeWarning, stacklevel=3)


import_pytorch()

"""The one environment in which notebooks are executed and validated."""

import os

# One thread, because the order of a parallel sum changes its last digits.
# PYTEST_CURRENT_TEST, because nbval sets it and ipykernel then leaves what
# libraries write to file descriptor 2 alone: without it an executed notebook
# would hold TensorFlow's start-up lines as stderr. No GPU, because exact
# numbers are promised for the CPU. UTF-8, because Windows has another default.
PINNED = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTEST_CURRENT_TEST": "notebook",
    "UNROLLED_PROGRESS": "0",
    "UNROLLED_DEVICE": "cpu",
    "CUDA_VISIBLE_DEVICES": "-1",
}


def pin() -> None:
    """Set the pinned variables for this process and all that it starts."""
    os.environ.update(PINNED)

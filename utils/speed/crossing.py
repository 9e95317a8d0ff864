"""From which size on does a GPU take less time than the CPU?"""

import numpy as np
from jaxtyping import Float


def crossing(
    sizes: Float[np.ndarray, " size"],
    cpu: Float[np.ndarray, " size"],
    gpu: Float[np.ndarray, " size"],
) -> float:
    """Return the size beyond which the GPU is faster.

    Between the last size at which it is not and the next, both times are taken
    to be straight lines on logarithmic axes. 0 where the GPU is faster at every
    size, infinity where it is slower at the largest.

    Args:
        sizes: rising, above 0.
        cpu, gpu: the times at these sizes, in one unit.
    """
    excess = np.log(np.asarray(gpu) / np.asarray(cpu))
    slower = np.flatnonzero(excess >= 0)
    if not len(slower):
        return 0.0
    last = slower[-1]
    if last == len(excess) - 1:
        return float("inf")
    left, right = np.log(sizes[last]), np.log(sizes[last + 1])
    share = excess[last] / (excess[last] - excess[last + 1])
    return float(np.exp(left + share * (right - left)))

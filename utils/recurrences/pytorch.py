"""Chapter 12's recurrences as PyTorch layers that train.

Every layer maps (batch, time, width) to (batch, time, width), and its output at
a step depends on no later step. `SequenceClassifier` stacks them in one kind of
block, so that contenders differ in the layer and in nothing else. The NumPy
versions are in the other modules of this package.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn.functional import (
    elu,
    normalize,
    scaled_dot_product_attention,
    silu,
    softplus,
)

from utils.recurrences.pytorch_scan import linear_scan

Rows = Float[Tensor, "batch time width"]
Heads = Float[Tensor, "batch heads time size"]


class GatedRNN(nn.Module):
    """PyTorch's RNN, LSTM or GRU, whose gates and state see the past state.

    `cell` is "RNN", "LSTM" or "GRU". Chapters 01 to 04.
    """

    def __init__(self, cell: str, width: int):
        super().__init__()
        self.layer = getattr(nn, cell)(width, width, batch_first=True)

    def forward(self, x: Rows) -> Rows:
        """Return the state at every step."""
        return self.layer(x)[0]


class MinGRU(nn.Module):
    """The GRU without its look at the past state.

    h_t = z_t h_{t-1} + (1 - z_t) n_t with z_t = sigmoid(W_z x_t + b_z) and
    n_t = W_n x_t + b_n: a linear recurrence, since neither sees h_{t-1}. As in
    chapter 03, z is the share that stays; the paper calls 1 - z by this letter.
    Feng et al. (2024, arXiv:2410.01201), section 3.1.
    """

    def __init__(self, width: int):
        super().__init__()
        self.gate = nn.Linear(width, width)
        self.candidate = nn.Linear(width, width)

    def forward(self, x: Rows) -> Rows:
        """Return the state at every step, by a scan."""
        z = torch.sigmoid(self.gate(x))
        return linear_scan(z, (1 - z) * self.candidate(x))


class MinLSTM(nn.Module):
    """The LSTM without its look at the past state, its two gates summing to 1.

    h_t = f_t h_{t-1} + i_t n_t, where the sigmoid gates of x_t are divided by
    their sum and n_t = W_n x_t + b_n. Feng et al. (2024, arXiv:2410.01201),
    section 3.2.
    """

    def __init__(self, width: int):
        super().__init__()
        self.forget = nn.Linear(width, width)
        self.input = nn.Linear(width, width)
        self.candidate = nn.Linear(width, width)

    def forward(self, x: Rows) -> Rows:
        """Return the state at every step, by a scan."""
        forget = torch.sigmoid(self.forget(x))
        write = torch.sigmoid(self.input(x))
        total = forget + write
        return linear_scan(forget / total, write / total * self.candidate(x))


class LRU(nn.Module):
    """The linear recurrent unit: a constant, diagonal, complex transition.

    h_t = lambda * h_{t-1} + gamma * (B x_t), y_t = Re(C h_t) + d * x_t, with
    lambda = exp(-exp(nu) + i exp(theta)), so that |lambda| < 1, and gamma begun
    at sqrt(1 - |lambda|^2). At first lambda is uniform on the unit disc.
    Orvieto et al. (2023, arXiv:2303.06349), appendix A.
    """

    def __init__(self, width: int):
        super().__init__()
        radius = torch.rand(width).sqrt().clamp(1e-4, 1 - 1e-4)
        self.nu = nn.Parameter(torch.log(-torch.log(radius)))
        angle = 2 * math.pi * torch.rand(width).clamp_min(1e-4)
        self.theta = nn.Parameter(torch.log(angle))
        self.gamma = nn.Parameter(torch.sqrt(1 - radius**2))
        self.B = nn.Parameter(torch.randn(2, width, width) / (2 * width) ** 0.5)
        self.C = nn.Parameter(torch.randn(2, width, width) / width**0.5)
        self.d = nn.Parameter(torch.randn(width))

    @property
    def eigenvalues(self) -> Complex[Tensor, " width"]:
        """The transition's diagonal, lambda."""
        return torch.exp(torch.complex(-self.nu.exp(), self.theta.exp()))

    def forward(self, x: Rows) -> Rows:
        """Return the real outputs at every step, by a complex scan."""
        b = torch.complex(x @ self.B[0].T, x @ self.B[1].T) * self.gamma
        h = linear_scan(self.eigenvalues.expand_as(b), b)
        return h.real @ self.C[0].T - h.imag @ self.C[1].T + self.d * x


class SelectiveScan(nn.Module):
    """The core of Mamba (S6): a diagonal transition that the input chooses.

    Every feature of x keeps a state of `state_size` numbers,
    h_t = exp(D_t A) * h_{t-1} + D_t B_t x_t and y_t = C_t . h_t + d x_t, where
    the step D_t = softplus(...) > 0, B_t and C_t are computed from x_t, and
    A < 0, so that every factor is between 0 and 1. The short convolution and
    the output gate of the whole Mamba block are left out.
    Gu and Dao (2023, arXiv:2312.00752), algorithm 2.
    """

    def __init__(self, width: int, state_size: int = 8):
        super().__init__()
        rank = math.ceil(width / 16)
        self.select = nn.Linear(width, rank + 2 * state_size, bias=False)
        self.step = nn.Linear(rank, width)
        self.sizes = (rank, state_size, state_size)
        start = torch.arange(1.0, state_size + 1).log().repeat(width, 1)
        self.log_A = nn.Parameter(start)
        self.d = nn.Parameter(torch.ones(width))
        with torch.no_grad():
            # Steps begin between 0.001 and 0.1, evenly in their logarithm.
            steps = torch.exp(torch.empty(width).uniform_(-6.9, -2.3))
            self.step.bias.copy_(torch.log(torch.expm1(steps)))

    def forward(self, x: Rows) -> Rows:
        """Return the outputs at every step, by a scan of all states."""
        low, B, C = self.select(x).split(self.sizes, dim=-1)
        step = softplus(self.step(low))
        a = torch.exp(-step[..., None] * self.log_A.exp())
        b = (step * x)[..., None] * B[..., None, :]
        h = linear_scan(a, b)
        return (h * C[..., None, :]).sum(-1) + self.d * x


def split_heads(x: Rows, heads: int) -> Heads:
    """Turn each row's features into `heads` shorter vectors."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Heads) -> Rows:
    """Undo `split_heads`."""
    return x.transpose(1, 2).flatten(2)


def project_heads(
    project: nn.Linear, x: Rows, heads: int
) -> tuple[Heads, Heads, Heads]:
    """Return each head's queries, keys and values of x, by one product."""
    q, k, v = project(x).chunk(3, dim=-1)
    return split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)


class Attention(nn.Module):
    """What every causal attention shares: projections and heads.

    A subclass says in `attend` what a head returns for its queries, keys and
    values.
    """

    def __init__(self, width: int, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def attend(self, q: Heads, k: Heads, v: Heads) -> Heads:
        """Return one vector per head and step, from no later step."""
        raise NotImplementedError

    def forward(self, x: Rows) -> Rows:
        """Attend to every step so far."""
        q, k, v = project_heads(self.project, x, self.heads)
        return self.out(join_heads(self.attend(q, k, v)))


def delta_rule(
    q: Heads, k: Heads, v: Heads, beta: Float[Tensor, "batch heads time"]
) -> Heads:
    """Read a matrix state that each step corrects at one key.

    S_t = S_{t-1} + beta_t k_t^T (v_t - k_t S_{t-1}) and o_t = q_t S_t: a step
    of gradient descent on |k_t S - v_t|^2 / 2. In parallel: each step adds
    k_t^T u_t for one row u_t, and the rows of a chunk solve a triangular system
    (I + tril(beta K K^T, -1)) U = beta (V - K S), with S the state before it.
    Yang et al. (2024, arXiv:2406.06484), section 3.
    """
    state = q.new_zeros(*q.shape[:2], k.shape[-1], v.shape[-1])
    outputs = []
    for qs, ks, vs, bs in zip(
        *(part.split(64, dim=2) for part in (q, k, v, beta)), strict=True
    ):
        seen = (bs[..., None] * (ks @ ks.mT)).tril(-1)
        wanted = bs[..., None] * (vs - ks @ state)
        # `unitriangular` reads the diagonal as 1, whatever stands there.
        written = torch.linalg.solve_triangular(
            seen, wanted, upper=False, unitriangular=True
        )
        outputs.append(qs @ state + (qs @ ks.mT).tril() @ written)
        state = state + ks.mT @ written
    return torch.cat(outputs, dim=2)


class DeltaRule(nn.Module):
    """A DeltaNet layer: a matrix state whose transition is I - beta k^T k.

    q, k, v are linear in x_t, q and k then pass SiLU and become unit vectors,
    and beta_t = sigmoid(...), so that the transition's eigenvalue along k is in
    (0, 1). With `negative`, beta is doubled and that eigenvalue is in (-1, 1):
    a reflection is in reach. Schlag et al. (2021, arXiv:2102.11174); Yang et
    al. (2024, arXiv:2406.06484); Grazzi et al. (2024, arXiv:2411.12537).
    """

    def __init__(self, width: int, heads: int = 2, negative: bool = False):
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.beta = nn.Linear(width, heads)
        self.out = nn.Linear(width, width, bias=False)
        self.largest = 2.0 if negative else 1.0

    def forward(self, x: Rows) -> Rows:
        """Write and read at every step, in parallel within chunks."""
        q, k, v = project_heads(self.project, x, self.heads)
        beta = self.largest * torch.sigmoid(self.beta(x)).mT
        q, k = normalize(silu(q), dim=-1), normalize(silu(k), dim=-1)
        return self.out(join_heads(delta_rule(q, k, v, beta)))


def linear_attention(q: Heads, k: Heads, v: Heads) -> Heads:
    """Weight the values up to each step by q . k, which must not be negative.

    o_t = q_t S_t / (q_t . s_t) with S_t = S_{t-1} + k_t^T v_t and
    s_t = s_{t-1} + k_t; here in parallel, as a masked product. Katharopoulos et
    al. (2020, arXiv:2006.16236), section 3.
    """
    weights = (q @ k.mT).tril()
    return weights @ v / weights.sum(-1, keepdim=True)


class LinearAttention(Attention):
    """Linear attention: a matrix state to which every step only adds.

    Queries and keys pass elu + 1, which keeps their products positive.
    Katharopoulos et al. (2020, arXiv:2006.16236), equation 7.
    """

    def attend(self, q: Heads, k: Heads, v: Heads) -> Heads:
        """Weight the values by products that are positive."""
        return linear_attention(elu(q) + 1, elu(k) + 1, v)


def rotate(x: Heads) -> Heads:
    """Turn pairs of features by an angle that grows with the step.

    The product of two rotated vectors then depends on how far apart they are.
    Su et al. (2021, arXiv:2104.09864), section 3.2.
    """
    half = x.shape[-1] // 2
    steps = torch.arange(x.shape[-2], device=x.device, dtype=x.dtype)
    powers = torch.arange(half, device=x.device, dtype=x.dtype) / half
    angles = steps[:, None] * 10000**-powers
    first, second = x[..., :half], x[..., half:]
    return torch.cat(
        [
            first * angles.cos() - second * angles.sin(),
            first * angles.sin() + second * angles.cos(),
        ],
        dim=-1,
    )


class CausalAttention(Attention):
    """Softmax attention to every step so far: the state is the whole past.

    Vaswani et al. (2017, arXiv:1706.03762), with rotary positions (Su et al.,
    2021, arXiv:2104.09864).
    """

    def attend(self, q: Heads, k: Heads, v: Heads) -> Heads:
        """Weight the values by a softmax over the steps so far."""
        return scaled_dot_product_attention(
            rotate(q), rotate(k), v, is_causal=True
        )


LAYERS: dict[str, Callable[[int], nn.Module]] = {
    "RNN": lambda width: GatedRNN("RNN", width),
    "LSTM": lambda width: GatedRNN("LSTM", width),
    "GRU": lambda width: GatedRNN("GRU", width),
    "minGRU": MinGRU,
    "minLSTM": MinLSTM,
    "LRU": LRU,
    "selective scan": SelectiveScan,
    "linear attention": LinearAttention,
    "delta rule": DeltaRule,
    "delta rule, negative": lambda width: DeltaRule(width, negative=True),
    "attention": CausalAttention,
}


class Block(nn.Module):
    """A layer and a two-layer perceptron, each added to what it reads.

    x + layer(norm(x)), then x + MLP(norm(x)): a transformer's block, in which
    any layer of this module may take attention's place.
    """

    def __init__(self, layer: nn.Module, width: int):
        super().__init__()
        self.mix = nn.Sequential(nn.LayerNorm(width), layer)
        self.think = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, width),
        )

    def forward(self, x: Rows) -> Rows:
        """Mix the steps, then work on each."""
        x = x + self.mix(x)
        return x + self.think(x)


class SequenceClassifier(nn.Module):
    """Blocks around one kind of layer, and logits at every step.

    `layer` makes a layer of a width: a class of this module, or an entry of
    `LAYERS`. With `CausalAttention` it is a small causal transformer.
    """

    def __init__(
        self,
        layer: Callable[[int], nn.Module],
        input_size: int,
        width: int,
        classes: int,
        num_layers: int = 1,
    ):
        super().__init__()
        self.embed = nn.Linear(input_size, width)
        self.blocks = nn.Sequential(
            *(Block(layer(width), width) for _ in range(num_layers))
        )
        self.head = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, classes)
        )

    def forward(
        self, x: Float[Tensor, "batch time input"]
    ) -> Float[Tensor, "batch time classes"]:
        """Embed, run the blocks and read out."""
        return self.head(self.blocks(self.embed(x)))


def equal_width(
    layer: Callable[[int], nn.Module],
    input_size: int,
    classes: int,
    num_layers: int,
    parameters: int,
) -> int:
    """Return the width whose classifier comes closest to a parameter count.

    Widths are multiples of 4, so that two heads of even size divide them.
    """

    def distance(width: int) -> int:
        with torch.device("meta"):
            model = SequenceClassifier(
                layer, input_size, width, classes, num_layers
            )
        return abs(sum(p.numel() for p in model.parameters()) - parameters)

    return min(range(8, 257, 4), key=distance)

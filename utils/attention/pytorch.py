"""Attention and an encoder–decoder in PyTorch. Chapter 09."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from utils.data.batches import bucket_batches
from utils.data.pairs import END, PAD, START, Pairs


class AdditiveAttention(nn.Module):
    r"""Bahdanau's attention: $e_j = \tanh(q W_q + h_j W_k) v^\top$, weights,
    context.

    The PyTorch twin of `utils.scratch.AdditiveAttention`; Bahdanau, Cho and
    Bengio (2015), equations 5, 6 and appendix A.1.2. Chapter 09.
    """

    def __init__(self, query_size: int, key_size: int, units: int):
        super().__init__()
        self.query = nn.Linear(query_size, units, bias=False)
        self.key = nn.Linear(key_size, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(
        self,
        query: Float[Tensor, "batch query"],
        keys: Float[Tensor, "batch time key"],
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch key"], Float[Tensor, "batch time"]]:
        """Return context and weights; `mask` is True where a position is
        valid."""
        return self.attend(query, keys, self.key(keys), mask)

    def attend(
        self,
        query: Float[Tensor, "batch query"],
        keys: Float[Tensor, "batch time key"],
        projected: Float[Tensor, "batch time units"],
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch key"], Float[Tensor, "batch time"]]:
        """Attend with keys projected beforehand: a decoder projects them
        once for all steps."""
        hidden = torch.tanh(self.query(query)[:, None] + projected)
        scores = self.score(hidden)[..., 0]
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        weights = scores.softmax(dim=1)
        return torch.bmm(weights[:, None], keys)[:, 0], weights


class AttentionPooling(nn.Module):
    """Reduce a sequence to one vector by additive attention with a learned,
    constant query.

    The PyTorch twin of `utils.scratch.AttentionPooling`. Chapters 05
    and 11.
    """

    def __init__(self, key_size: int, units: int):
        super().__init__()
        self.attention = AdditiveAttention(1, key_size, units)

    def forward(
        self,
        keys: Float[Tensor, "batch time key"],
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch key"], Float[Tensor, "batch time"]]:
        """Return the pooled vector and the weights; `mask` is True where a
        position is valid."""
        return self.attention(keys.new_ones(len(keys), 1), keys, mask)


class Memory(NamedTuple):
    """What an encoder hands to its decoder.

    `states` holds both directions' outputs at every position, `projected` the
    same through the attention's key matrix (of no unit without attention),
    `mask` is True at valid positions, and `summary` joins the two directions'
    final states, each taken at its last valid step.
    """

    states: Float[Tensor, "batch source states"]
    projected: Float[Tensor, "batch source units"]
    mask: Bool[Tensor, "batch source"]
    summary: Float[Tensor, "batch states"]


class Seq2Seq(nn.Module):
    r"""Read a sequence with a bidirectional GRU, write another with a GRU.

    The decoder's input at each step is the symbol before and a context. With
    attention the context is mixed anew at each step from all encoder states,
    asked for by the decoder's last state (Bahdanau, Cho and Bengio, 2015);
    without it the context is the encoder's summary at every step (Cho et al.,
    2014). Nothing else differs. The readout is one linear layer over state and
    context, where the paper has a maxout layer. Chapter 09.

    Symbols 0, 1 and 2 are padding, start and end, as in `utils.data.pairs`.
    `teacher` is 1 for teacher forcing, less for scheduled sampling. `dropout`
    is the share of the embeddings and of the readout's features that training
    sets to zero.
    """

    def __init__(
        self,
        source_symbols: int,
        target_symbols: int,
        attention: bool = True,
        embedding_size: int = 32,
        hidden_size: int = 64,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.teacher = 1.0
        self.dropout = nn.Dropout(dropout)
        states = 2 * hidden_size
        self.source_embedding = nn.Embedding(
            source_symbols, embedding_size, padding_idx=PAD
        )
        self.target_embedding = nn.Embedding(
            target_symbols, embedding_size, padding_idx=PAD
        )
        self.encoder = nn.GRU(
            embedding_size, hidden_size, batch_first=True, bidirectional=True
        )
        self.bridge = nn.Linear(states, hidden_size)
        self.attention = (
            AdditiveAttention(hidden_size, states, hidden_size)
            if attention
            else None
        )
        self.cell = nn.GRUCell(embedding_size + states, hidden_size)
        self.readout = nn.Linear(hidden_size + states, target_symbols)

    def encode(
        self,
        source: Int[Tensor, "batch source"],
        lengths: Int[Tensor, " batch"],
    ) -> Memory:
        """Read the sources; packing keeps padding out of every state."""
        packed = pack_padded_sequence(
            self.dropout(self.source_embedding(source)),
            lengths.cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        outputs, final = self.encoder(packed)
        states, _ = pad_packed_sequence(
            outputs, batch_first=True, total_length=source.shape[1]
        )
        projected = (
            states[..., :0]
            if self.attention is None
            else self.attention.key(states)
        )
        return Memory(
            states,
            projected,
            source != PAD,
            torch.cat([final[0], final[1]], dim=1),
        )

    def initial_state(self, memory: Memory) -> Float[Tensor, "batch hidden"]:
        """Start the decoder from the encoder's summary."""
        return torch.tanh(self.bridge(memory.summary))

    def step(
        self,
        symbol: Int[Tensor, " batch"],
        state: Float[Tensor, "batch hidden"],
        memory: Memory,
    ) -> tuple[
        Float[Tensor, "batch features"],
        Float[Tensor, "batch hidden"],
        Float[Tensor, "batch source"] | None,
    ]:
        """Advance by one symbol; return the readout's features, the new
        state, the weights."""
        if self.attention is None:
            context, weights = memory.summary, None
        else:
            context, weights = self.attention.attend(
                state, memory.states, memory.projected, memory.mask
            )
        embedded = self.dropout(self.target_embedding(symbol))
        state = self.cell(torch.cat([embedded, context], dim=1), state)
        return torch.cat([state, context], dim=1), state, weights

    def forward(
        self,
        source: Int[Tensor, "batch source"],
        lengths: Int[Tensor, " batch"],
        before: Int[Tensor, "batch target"],
    ) -> Float[Tensor, "batch target symbols"]:
        """Return each step's logits, given the true symbol before it: teacher
        forcing.

        In training, a `teacher` below 1 is scheduled sampling (Bengio et al.,
        2015): each symbol is the true one with that probability, else the
        model's own choice at the step before.
        """
        memory = self.encode(source, lengths)
        state = self.initial_state(memory)
        features: list[Tensor] = []
        for position in range(before.shape[1]):
            symbol = before[:, position]
            if self.training and self.teacher < 1.0 and features:
                chosen = self.readout(features[-1].detach()).argmax(dim=1)
                forced = (
                    torch.rand(len(symbol), device=symbol.device) < self.teacher
                )
                symbol = torch.where(forced, symbol, chosen)
            feature, state, _ = self.step(symbol, state, memory)
            features.append(feature)
        return self.readout(self.dropout(torch.stack(features, dim=1)))


class PairBatches:
    """Batches of pairs of similar source length, newly drawn each time they are
    iterated; with `buckets` false, of any length.

    A batch is (source, lengths, before, after), as `utils.training.fit` takes
    it.
    """

    def __init__(
        self,
        pairs: Pairs,
        batch_size: int,
        rng: int | np.random.Generator = 0,
        buckets: bool = True,
    ):
        self.pairs = pairs
        self.batch_size = batch_size
        self.rng = np.random.default_rng(rng)
        self.buckets = buckets

    def __len__(self) -> int:
        """Count the batches of one pass."""
        return -(-len(self.pairs.source) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Draw one pass."""
        lengths = self.pairs.lengths
        alike = lengths if self.buckets else np.ones_like(lengths)
        for rows in bucket_batches(alike, self.batch_size, self.rng):
            yield tuple(map(torch.from_numpy, self.pairs.rows(rows)))


def sequence_loss(
    logits: Float[Tensor, "batch target symbols"],
    after: Int[Tensor, "batch target"],
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy over the targets' valid symbols, their
    ends included."""
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), after.flatten(), ignore_index=PAD
    )


class Decoded(NamedTuple):
    """A decoder's own output: symbols after the start, and the attention
    behind each."""

    symbols: Int[Tensor, "batch steps"]
    weights: Float[Tensor, "batch steps source"] | None


@torch.no_grad()
def greedy_decode(model: Seq2Seq, memory: Memory, max_length: int) -> Decoded:
    """Write the likeliest symbol at each step and feed it back, until every
    row has ended."""
    state = model.initial_state(memory)
    symbol = torch.full((len(state),), START, device=state.device)
    ended = torch.zeros_like(symbol, dtype=torch.bool)
    symbols, weights = [], []
    for _ in range(max_length):
        feature, state, weight = model.step(symbol, state, memory)
        symbol = model.readout(feature).argmax(dim=1).masked_fill(ended, PAD)
        symbols.append(symbol)
        if weight is not None:
            weights.append(weight)
        ended = ended | (symbol == END)
        if ended.all():
            break
    return Decoded(
        torch.stack(symbols, dim=1),
        torch.stack(weights, dim=1) if weights else None,
    )


@torch.no_grad()
def beam_search(
    model: Seq2Seq, memory: Memory, max_length: int, width: int
) -> list[tuple[list[int], float]]:
    """Keep the `width` likeliest beginnings of one source's output; best full
    one first.

    An output that ends leaves the beam and takes its place along, so that the
    beam goes on one narrower and the search stops when no place is left.
    Returns symbols, with the end where one came within `max_length`, and the
    mean log probability per symbol, by which full outputs are ranked: the plain
    sum prefers short ones.

    Raises:
        ValueError: `memory` holds more than one source, or `width` is below 1.
    """
    if len(memory.mask) != 1 or width < 1:
        raise ValueError(
            f"memory holds {len(memory.mask)} sources and width is {width}; "
            "beam search takes one source and a width of at least 1"
        )
    state = model.initial_state(memory)
    beams: list[tuple[list[int], float]] = [([], 0.0)]
    full: list[tuple[list[int], float]] = []
    for _ in range(max_length):
        last = torch.tensor(
            [(symbols or [START])[-1] for symbols, _ in beams],
            device=state.device,
        )
        copies = Memory(
            *(part.expand(len(beams), *part.shape[1:]) for part in memory)
        )
        feature, state, _ = model.step(last, state, copies)
        totals = model.readout(feature).log_softmax(dim=1)
        totals = (
            totals + totals.new_tensor([total for _, total in beams])[:, None]
        )
        best = totals.flatten().topk(min(width - len(full), totals.numel()))
        parents = (best.indices // totals.shape[1]).tolist()
        grown = [
            ([*beams[parent][0], symbol], total)
            for parent, symbol, total in zip(
                parents,
                (best.indices % totals.shape[1]).tolist(),
                best.values.tolist(),
                strict=True,
            )
        ]
        full += [beam for beam in grown if beam[0][-1] == END]
        alive = [row for row, beam in enumerate(grown) if beam[0][-1] != END]
        if not alive:
            break
        beams = [grown[row] for row in alive]
        state = state[[parents[row] for row in alive]]
    candidates = full or beams
    ranked = [(symbols, total / len(symbols)) for symbols, total in candidates]
    return sorted(ranked, key=lambda beam: beam[1], reverse=True)


@torch.no_grad()
def exact_matches(
    model: Seq2Seq, pairs: Pairs, max_length: int, batch_size: int = 1000
) -> Bool[np.ndarray, " rows"]:
    """Say of each row whether the model, writing greedily, produces its
    target whole."""
    device = next(model.parameters()).device
    matches = []
    for first in range(0, len(pairs.source), batch_size):
        part = pairs.rows(slice(first, first + batch_size))
        source, lengths, _, after = (
            torch.from_numpy(each).to(device) for each in part
        )
        written = greedy_decode(
            model, model.encode(source, lengths), max_length
        ).symbols
        width = max(after.shape[1], written.shape[1])
        after, written = (
            nn.functional.pad(rows, (0, width - rows.shape[1]), value=PAD)
            for rows in (after, written)
        )
        matches.append((after == written).all(dim=1))
    return torch.cat(matches).cpu().numpy()


def input_gradients(
    model: Seq2Seq,
    source: Int[Tensor, "batch source"],
    lengths: Int[Tensor, " batch"],
    before: Int[Tensor, "batch target"],
    after: Int[Tensor, "batch target"],
) -> Float[Tensor, "batch target source"]:
    r"""Return how much each source symbol's embedding sways each right target
    symbol.

    Entry (b, i, j) is $\lVert \partial \log p(y_i) / \partial x_j \rVert$, the
    length of the gradient of target symbol i's log probability by source symbol
    j's embedding: the "simple gradient" that Jain and Wallace (2019) hold
    attention against.
    """
    embedded: list[Tensor] = []
    keep = model.source_embedding.register_forward_hook(
        lambda module, arguments, output: embedded.append(output)
    )
    try:
        logits = model(source, lengths, before)
    finally:
        keep.remove()
    chosen = logits.log_softmax(dim=2).gather(2, after[..., None])[..., 0]
    gradients = [
        torch.autograd.grad(
            chosen[:, step].sum(), embedded[0], retain_graph=True
        )[0]
        for step in range(after.shape[1])
    ]
    return torch.stack(gradients, dim=1).norm(dim=3)

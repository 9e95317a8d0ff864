"""A recurrent classifier of texts in PyTorch, and its batches. Chapter 11."""

from collections.abc import Collection, Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from torch import Tensor, nn

from utils.attention.pytorch import AttentionPooling
from utils.data.batches import bucket_batches, pad
from utils.data.text import Vocabulary, tokenize

Pooling = Literal["last", "mean", "max", "attention"]
ATTENTION_UNITS = 32
EMBEDDING_SCALE = 0.1


class ReviewBatches:
    """Batches of texts of similar length, newly drawn each time they are
    iterated.

    A batch is (tokens, lengths, labels), or (tokens, lengths, prior, labels)
    where a prior is given, as `utils.training.fit` takes it. Padding happens
    here, batch by batch, to the longest text of the batch. Texts longer than
    `longest` tokens are cut.
    """

    def __init__(
        self,
        texts: Collection[str],
        labels: ArrayLike,
        vocabulary: Vocabulary,
        batch_size: int = 64,
        rng: int | np.random.Generator = 0,
        longest: int = 512,
        prior: Float[np.ndarray, " text"] | None = None,
    ):
        self.prior = None if prior is None else prior.astype(np.float32)
        self.rows = [vocabulary.encode(text)[:longest] for text in texts]
        self.lengths = np.array([len(row) for row in self.rows])
        self.labels = np.asarray(labels, dtype=np.int64)
        self.batch_size = batch_size
        self.rng = np.random.default_rng(rng)

    def __len__(self) -> int:
        """Count the batches of one pass."""
        return -(-len(self.rows) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Draw one pass."""
        for batch in bucket_batches(self.lengths, self.batch_size, self.rng):
            yield (*self.inputs(batch), torch.from_numpy(self.labels[batch]))

    def inputs(self, batch: Int[np.ndarray, " batch"]) -> tuple[Tensor, ...]:
        """Return what the model takes for some rows: tokens, lengths, and
        the prior if any."""
        tokens, lengths = pad(
            [self.rows[row] for row in batch], value=Vocabulary.PAD
        )
        inputs = (torch.from_numpy(tokens), torch.from_numpy(lengths))
        return (
            inputs
            if self.prior is None
            else (*inputs, torch.from_numpy(self.prior[batch]))
        )


class SentimentClassifier(nn.Module):
    """Embed tokens, read them in one or two directions, pool over time, and
    classify.

    Texts (batch, time), right-padded, with their lengths in; logits (batch,
    class) out, of negative and positive unless `classes` says otherwise. The
    backward direction is a second layer that reads each row reversed
    within its own length: no step of it sees padding, and nothing has to be
    packed, which on a CPU would be slower (chapter 05).

    A `prior` (batch,) is another classifier's log odds that each text is
    positive, of two classes; the network scales it and adds what it reads
    itself.

    `pooling` is "last" (the final state of each direction), "mean", "max" or
    "attention", each over valid steps alone. `word_dropout` is the share of
    tokens that training replaces by the unknown one (Iyyer et al., 2015, drop
    them instead).
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int = 100,
        hidden_size: int = 64,
        cell: Literal["RNN", "LSTM", "GRU"] = "LSTM",
        two_way: bool = True,
        pooling: Pooling = "max",
        dropout: tuple[float, float] = (0.5, 0.3),
        word_dropout: float = 0.1,
        classes: int = 2,
    ):
        super().__init__()
        kind = getattr(nn, cell)
        features = hidden_size * (1 + two_way)
        self.word_dropout = word_dropout
        self.pooling = pooling
        self.embedding = nn.Embedding(
            vocabulary_size, embedding_size, padding_idx=Vocabulary.PAD
        )
        self.embedding_dropout = nn.Dropout(dropout[0])
        self.forward_layer = kind(embedding_size, hidden_size, batch_first=True)
        self.backward_layer = (
            kind(embedding_size, hidden_size, batch_first=True)
            if two_way
            else None
        )
        self.attention = (
            AttentionPooling(features, ATTENTION_UNITS)
            if pooling == "attention"
            else None
        )
        self.head_dropout = nn.Dropout(dropout[1])
        self.head = nn.Linear(features, classes)
        self.prior_scale = nn.Parameter(torch.ones(()))
        # PyTorch draws embeddings with standard deviation 1, which saturates
        # the gates.
        with torch.no_grad():
            self.embedding.weight.mul_(EMBEDDING_SCALE)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        lengths: Int[Tensor, " batch"],
        prior: Float[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch class"]:
        """Return each class's logit."""
        if self.training and self.word_dropout:
            dropped = (
                torch.rand(tokens.shape, device=tokens.device)
                < self.word_dropout
            )
            tokens = tokens.masked_fill(
                dropped & (tokens != Vocabulary.PAD), Vocabulary.UNK
            )
        outputs = self.read(tokens, lengths)
        logits = self.head(self.head_dropout(self.pool(outputs, lengths)))
        if prior is not None:
            half = self.prior_scale * prior / 2
            logits = logits + torch.stack([-half, half], dim=1)
        return logits

    def embed(
        self, tokens: Int[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time embedding"]:
        """Look the tokens' vectors up."""
        return self.embedding(tokens)

    def read(
        self, tokens: Int[Tensor, "batch time"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch time features"]:
        """Return every step's output, both directions joined where there are
        two."""
        embedded = self.embedding_dropout(self.embed(tokens))
        forward, _ = self.forward_layer(embedded)
        if self.backward_layer is None:
            return forward
        backward, _ = self.backward_layer(reverse_rows(embedded, lengths))
        return torch.cat([forward, reverse_rows(backward, lengths)], dim=2)

    def pool(
        self,
        outputs: Float[Tensor, "batch time features"],
        lengths: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch features"]:
        """Reduce each row's valid steps to one vector."""
        mask = valid_steps(lengths, outputs.shape[1])
        if self.attention is not None:
            return self.attention(outputs, mask)[0]
        if self.pooling == "max":
            return outputs.masked_fill(~mask[:, :, None], -torch.inf).amax(
                dim=1
            )
        if self.pooling == "mean":
            return (outputs * mask[:, :, None]).sum(dim=1) / lengths[:, None]
        rows = torch.arange(len(lengths), device=lengths.device)
        half = self.forward_layer.hidden_size
        # The backward direction ends where the row begins.
        return torch.cat(
            [outputs[rows, lengths - 1, :half], outputs[:, 0, half:]], dim=1
        )


def valid_steps(
    lengths: Int[Tensor, " batch"], time: int
) -> Bool[Tensor, "batch time"]:
    """Mark the steps of right-padded rows that are no padding with True."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def reverse_rows(
    x: Float[Tensor, "batch time feature"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch time feature"]:
    """Reverse each row within its own length and leave its padding where it
    is."""
    steps = torch.arange(x.shape[1], device=x.device)
    source = torch.where(
        steps < lengths[:, None], lengths[:, None] - 1 - steps, steps
    )
    return x.gather(1, source[:, :, None].expand_as(x))


@torch.no_grad()
def positive_probabilities(
    model: SentimentClassifier,
    texts: Collection[str],
    vocabulary: Vocabulary,
    prior: Float[np.ndarray, " text"] | None = None,
    batch_size: int = 256,
) -> Float[np.ndarray, " text"]:
    """Return the model's probability that each text is positive, in
    evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    data = ReviewBatches(texts, np.zeros(len(texts)), vocabulary, prior=prior)
    found = np.empty(len(texts), dtype=np.float32)
    by_length = np.argsort(data.lengths, kind="stable")
    for batch in np.split(by_length, range(batch_size, len(texts), batch_size)):
        logits = model(*(each.to(device) for each in data.inputs(batch)))
        found[batch] = logits.softmax(dim=1)[:, 1].cpu().numpy()
    return found


def probabilities_along(
    model: SentimentClassifier, text: str, vocabulary: Vocabulary
) -> tuple[list[str], Float[np.ndarray, " token"]]:
    """Return a text's tokens and the probability of positive after each of
    them.

    After the first k tokens the model answers as if the text ended there: what
    it would say of the words read so far. A backward direction and a pooling
    see these k tokens and no more.
    """
    tokens = tokenize(text)
    beginnings = [" ".join(tokens[: k + 1]) for k in range(len(tokens))]
    return tokens, positive_probabilities(model, beginnings, vocabulary)

"""A decoder-only transformer: pre-norm blocks, learned positions, tied embeddings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from patternboost.model.rows import AttentionRows, Rows

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind


@dataclass(frozen=True)
class Shape:
    """The shape of a model."""

    #: number of tokens
    vocabulary: int
    #: longest sequence, prefix and END included
    context: int
    layers: int
    heads: int
    width: int


#: sequences on a GPU have multiples of so many tokens as input, so that training knows few shapes
BLOCK = 4
#: sequences of up to so many tokens are short for a GPU's fused attention
_SHORT = 64
#: rows of a matrix for which a GPU has its fast products are a multiple of this
_ALIGNED = 8


def context_for(longest: int) -> int:
    """Room for sequences that are a quarter longer than those so far, in whole blocks."""
    return -(-(longest + max(8, longest // 4)) // BLOCK) * BLOCK


def causal_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention, [B, H, T, D]: position t sees positions up to t. `bias` [B, H, T, T] is added.

    torch's fused form, but for training in bfloat16 where plain matrix products are faster: on a CPU its backward pass
    takes eight times as long, and on a GPU, which works on blocks of 64 and more, twice as long for short sequences
    (docs/LOG.md).
    """
    steps, wide = query.shape[-2:]
    if query.dtype != torch.bfloat16 or (query.device.type != "cpu" and steps > _SHORT):
        if bias is None:
            return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        future = torch.ones(steps, steps, dtype=torch.bool, device=query.device).triu(1)
        mask = bias.to(query.dtype).masked_fill(future, -torch.inf)
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    batch, heads = query.shape[:2]
    query, key, value = (x.reshape(batch * heads, steps, wide) for x in (query, key, value))
    added = torch.full((steps, steps), -torch.inf, dtype=query.dtype, device=query.device).triu(1)
    if bias is not None:
        added = added + bias.to(query.dtype).flatten(0, 1)
    scores = torch.baddbmm(added, query, key.transpose(1, 2), alpha=wide**-0.5)
    return torch.bmm(torch.softmax(scores, dim=-1), value).view(batch, heads, steps, wide)


class _SquaredReLU(torch.autograd.Function):
    """relu(x)^2, with half the passes over memory: what it keeps, relu(x), is also half of its derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape."""
        positive: Tensor = functional.relu(x)
        ctx.save_for_backward(positive)
        return positive.square()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        """2 relu(x) times what comes back."""
        (positive,) = ctx.saved_tensors
        returned: Tensor = (gradient * positive).mul_(2)
        return returned


def squared_relu(x: Tensor) -> Tensor:
    """relu(x)^2."""
    squared: Tensor = _SquaredReLU.apply(x)  # type: ignore[no-untyped-call]
    return squared


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each behind a norm and a skip connection."""

    def __init__(self, settings: Shape) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.norm_attention = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.norm_feed = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def split(self, x: Tensor) -> Tensor:
        """Queries, keys and values of x [B, T, W]: [3, B, H, T, D]."""
        qkv: Tensor = self.attention(self.norm_attention(x))
        batch, steps, width = x.shape
        return torch.permute(qkv.view(batch, steps, 3, self.heads, width // self.heads), (2, 0, 3, 1, 4))

    def join(self, x: Tensor, mixed: Tensor) -> Tensor:
        """What follows attention: x [B, T, W] and mixed values [B, H, T, D] to [B, T, W]."""
        x = x + self.project(mixed.transpose(1, 2).reshape(x.shape))
        hidden: Tensor = x + self.narrow(squared_relu(self.widen(self.norm_feed(x))))
        return hidden

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """x: [B, T, W]; `bias` [B, H, T, T] is added to the attention's scores."""
        query, key, value = self.split(x).unbind(0)
        return self.join(x, causal_attention(query, key, value, bias))


def columns_beyond(count: int, device: torch.device) -> int:
    """Columns without a meaning that follow `count` of them, for the sake of a GPU's products."""
    return -count % _ALIGNED if device.type == "cuda" else 0


class Names(NamedTuple):
    """The tokens of a kind as vectors: what is read and, tied, what is written."""

    #: float [K, W] and what is added to their logits, float [K]
    vectors: Tensor
    bias: Tensor
    #: which of them a token is, int64 [V]; None: the token itself
    place: Tensor | None = None

    def of(self, tokens: Tensor) -> Tensor:
        """Vectors of tokens."""
        return functional.embedding(tokens if self.place is None else self.place[tokens], self.vectors)

    def among(self, columns: Tensor | None) -> tuple[Tensor, Tensor]:
        """Vectors and biases of the tokens `columns` (int64 [C]); None: of all.

        On a GPU some columns without a meaning may follow, of probability 0.
        """
        if columns is None:
            return self.vectors, self.bias
        at = columns if self.place is None else self.place[columns]
        vectors, bias = functional.embedding(at, self.vectors), self.bias[at]
        beyond = columns_beyond(len(at), at.device)
        if not beyond:
            return vectors, bias
        # No target is in them, and they are never drawn.
        return functional.pad(vectors, (0, 0, 0, beyond)), functional.pad(bias, (0, beyond), value=-torch.inf)


class ClassTokens(NamedTuple):
    """Where the tokens of symmetry classes are among all."""

    #: the first one's number, and how many classes there are, each with a token for every level, one after the other
    first: int
    classes: int
    levels: int


#: one token for each class, wherever it is
NO_LEVELS = ClassTokens(0, 0, 1)


class Levels(nn.Module):
    """How the tokens of a class's levels differ: by one direction, the more the better the level.

    So the level above all examples means something, though no example has it: what makes sets better, a step further.
    """

    #: how far the levels reach from their middle
    _REACH = 2.0

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.randn(width) * width**-0.5)
        self.height: Tensor
        self.register_buffer("height", torch.linspace(self._REACH, -self._REACH, levels), persistent=False)

    def forward(self, symmetry: Tensor) -> Tensor:
        """The vectors of all levels of classes [..., W]: [..., levels, W]."""
        above: Tensor = self.height[:, None] * self.direction
        return symmetry[..., None, :] + above.to(symmetry.dtype)


class GPT(nn.Module):
    """Tokens in, logits of the next token out."""

    #: places of a sequence that a training step predicts at; 0: all, since all come from one pass
    looks = 0
    #: whether the CPU's own decoding (`decoding.FastDecoder`) knows how to run it
    plain = True
    #: what its layers are
    block = Block

    def __init__(self, settings: Shape, classes: ClassTokens = NO_LEVELS) -> None:
        super().__init__()
        if settings.width % settings.heads:
            raise ValueError(f"width {settings.width} must be a multiple of heads {settings.heads}")
        self.settings = settings
        self._classes = classes
        self.levels = Levels(classes.levels, settings.width) if classes.levels > 1 else None
        self.blocks = nn.ModuleList(self.block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        #: added to every logit, not trained: `set_logit_prior` sets it to how frequent the tokens are
        self.bias: Tensor
        self.register_buffer("bias", torch.zeros(settings.vocabulary))
        self.make_names()
        self.start()

    def start(self) -> None:
        """The weights before training."""
        self.apply(initialise)
        for block in self.blocks:  # residual branches start small, as in GPT-2
            for layer in (block.project, block.narrow):
                layer.weight.data /= (2 * self.settings.layers) ** 0.5  # type: ignore

    def make_names(self) -> None:
        """What tokens and places are made of."""
        tokens = self.settings.vocabulary - self._classes.classes * (self._classes.levels - 1)
        self.embedding = nn.Embedding(tokens, self.settings.width)
        self.position = nn.Embedding(self.settings.context, self.settings.width)

    def names(self, kind: Kind | None) -> Names:
        """The tokens of a kind (None: there is only one)."""
        if self.levels is None:
            return Names(self.embedding.weight, self.bias)
        first, classes, _ = self._classes
        before, own, after = self.embedding.weight.tensor_split((first, first + classes))
        return Names(torch.cat([before, self.levels(own).flatten(0, 1), after]), self.bias)

    def positions(self) -> Tensor:
        """What is added at every place, float [context, W]."""
        return self.position.weight

    def attention_bias(self, queries: Tensor, keys: Tensor, kind: Kind | None) -> list[Tensor | None]:
        """What every layer adds to the scores of tokens [B, Q] that look at tokens [B, K]: [B, H, Q, K] each."""
        return [None] * len(self.blocks)

    def forward(
        self, tokens: Tensor, columns: Tensor | None = None, kind: Kind | None = None, at: Tensor | None = None
    ) -> Tensor:
        """tokens int64 [B, T] -> logits [B, T, V] or, of the tokens `columns` (int64 [C]) alone, [B, T, C].

        `at` (int64 [K]): at these places alone, [B, K, .].
        """
        names = self.names(kind)
        x = names.of(tokens) + self.positions()[: tokens.shape[1]]
        for block, bias in zip(self.blocks, self.attention_bias(tokens, tokens, kind), strict=True):
            x = block(x, bias)
        return self.head(x if at is None else x[:, at], *names.among(columns))

    def weights(self, tokens: Tensor, kind: Kind | None) -> Tensor:
        """Attention weights of one sequence, int64 [1, T]: [layer, head, T, T].

        They are worked out beside the fused attention, which does not give them away.
        """
        x = self.names(kind).of(tokens) + self.positions()[: tokens.shape[1]]
        future = torch.ones(2 * tokens.shape[1:], dtype=torch.bool, device=tokens.device).triu(1)
        layers = []
        for block, bias in zip(self.blocks, self.attention_bias(tokens, tokens, kind), strict=True):
            query, key, _ = block.split(x).unbind(0)  # type: ignore[operator]
            scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
            scores = scores if bias is None else scores + bias
            layers.append(scores.masked_fill(future, -torch.inf).softmax(dim=-1)[0])
            x = block(x, bias)
        return torch.stack(layers)

    def rows(self, columns: Tensor, kind: Kind | None, prefix: tuple[int, ...], batch: int, room: int) -> Rows:
        """Sequences that grow from a prefix, with room for `room` tokens; logits of the tokens `columns`."""
        return AttentionRows(self, columns, kind, prefix, batch, room)

    def head(self, hidden: Tensor, vectors: Tensor, bias: Tensor) -> Tensor:
        """Logits of the tokens that have these vectors and biases."""
        return functional.linear(self.norm(hidden), vectors, bias)

    def set_logit_prior(self, counts: Tensor) -> None:
        """Tell the model how frequent the tokens are, float [V]; what depends on the context it has to learn."""
        shares = (counts + 0.5) / (counts + 0.5).sum()
        self.bias.copy_(shares.log() + math.log(len(shares)))

    def parameter_count(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.parameters())


def initialise(module: nn.Module) -> None:
    """Matrices by fan-in: the 0.02 of wide models leaves attention flat at width 64 (docs/lecture.md).

    Tokens and places are alike, so that neither drowns the other.
    """
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=(3 * module.in_features) ** -0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)

"""Where a transformer looks: the attention weights of one sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternboost.model.corpus import Kind
from patternboost.model.gpt import GPT
from patternboost.model.tokens import Example, Vocabulary
from patternboost.problem.ground import IntArray


@torch.no_grad()
def attention(model: GPT, tokens: IntArray, kind: Kind | None = None) -> Tensor:
    """Attention weights of one sequence of tokens, int64 [T], T at most the context: float32 [layer, head, T, T].

    Row i of a head says how much place i draws on places 0 to i; rows add up to 1 (of a vision transformer to less). No
    randomness; the model is left as it was.
    """
    device = next(model.parameters()).device
    return model.weights(torch.from_numpy(tokens).to(device)[None], kind).float().cpu()


@dataclass(frozen=True)
class AttentionMap:
    """Where a transformer looks while it writes a construction."""

    #: the elements that every token is about, in the order of the sequence
    cells: list[IntArray]
    #: float32 [layer, head, step, place]: step i writes token i (the last one END) and looks at places 0 to i + 1,
    #: which are the size, the class and the tokens before it; places beyond are 0
    weights: NDArray[np.float32]


def attention_map(model: GPT, vocabulary: Vocabulary, example: Example) -> AttentionMap | None:
    """Where `model` looks while it writes `example`; None where that is longer than its context."""
    tokens = vocabulary.encode(example)[:-1]  # all but END, after which nothing is written
    if len(tokens) > model.settings.context:
        return None
    cells = vocabulary.places(example.n, example.symmetry, tokens[2:])
    kind = Kind(example.n, example.symmetry)
    return AttentionMap(cells, attention(model, tokens, kind)[:, :, 1:].numpy())

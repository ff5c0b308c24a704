"""What the networks that know what their tokens stand for have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from patternboost.model.gpt import GPT, ClassTokens, Shape
from patternboost.model.networks.places import size_features
from patternboost.model.networks.world import World

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind
    from patternboost.model.tokens import Vocabulary


def class_tokens(vocabulary: Vocabulary) -> ClassTokens:
    """Where a vocabulary has its classes."""
    return ClassTokens(1 + len(vocabulary.sizes), len(vocabulary.classes), vocabulary.levels)


class KnowingGPT(GPT):
    """A network with a world. A kind is always needed."""

    def __init__(self, settings: Shape, world: World) -> None:
        self.world = world
        super().__init__(settings, class_tokens(world.vocabulary))

    def make_kinds(self) -> None:
        """What sizes and classes are made of, where these have no tokens of their own."""
        self.read_size = nn.Linear(len(size_features(1)), self.settings.width)
        self.classes = nn.Embedding(len(self.world.vocabulary.classes), self.settings.width)

    def size_and_class(self, kind: Kind, device: torch.device) -> tuple[Tensor, Tensor]:
        """The vectors of a kind's size and class, [W] each."""
        size = self.read_size(self.world.size(kind, device).to(self.read_size.weight.dtype))
        return size, self.classes.weight[self.world.class_number(kind)]

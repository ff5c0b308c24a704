"""The architectures, by the names that settings use; all have the interface of `GPT`."""

from __future__ import annotations

from patternboost.model.gpt import GPT, Shape
from patternboost.model.networks.every_size import EverySize
from patternboost.model.networks.graph import GraphTransformer
from patternboost.model.networks.knowing import KnowingGPT, class_tokens
from patternboost.model.networks.vision import VisionTransformer
from patternboost.model.networks.world import World
from patternboost.model.tokens import Vocabulary

#: networks that know what their tokens stand for, and so need one token for each orbit
KNOWING: dict[str, type[KnowingGPT]] = {
    "every-size": EverySize,
    "graph": GraphTransformer,
    "vit": VisionTransformer,
}


def make_network(name: str, shape: Shape, vocabulary: Vocabulary) -> GPT:
    """A network of a shape, untrained. Raises ValueError for one that cannot read this vocabulary."""
    if name == "gpt":
        return GPT(shape, class_tokens(vocabulary))
    return KNOWING[name](shape, World(vocabulary))

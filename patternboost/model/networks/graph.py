"""A graph transformer: attention knows how two orbits lie to each other (Ying et al. 2021, "Do transformers really
perform badly for graph representation?": a bias for every relation and head)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from patternboost.model.networks.knowing import KnowingGPT
from patternboost.model.networks.relations import RELATIONS

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind


class GraphTransformer(KnowingGPT):
    """Every head of every layer adds a number for every relation to its scores."""

    plain = False

    @override
    def make_names(self) -> None:
        super().make_names()
        self.lies = nn.Embedding(RELATIONS, self.settings.layers * self.settings.heads)

    @override
    def attention_bias(self, queries: Tensor, keys: Tensor, kind: Kind | None) -> list[Tensor | None]:
        assert kind is not None
        table, place = self.world.relations(kind, queries.device), self.world.place(kind, queries.device)
        relation = table[place[queries][:, :, None], place[keys][:, None, :]].int()
        shape = (*relation.shape, self.settings.layers, self.settings.heads)
        added = functional.embedding(relation, self.lies.weight).view(shape)
        return list(added.permute(3, 0, 4, 1, 2).unbind(0))

"""A transformer for every size: what a token means is computed from where its orbit lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from patternboost.model.gpt import Names
from patternboost.model.networks.knowing import KnowingGPT
from patternboost.model.networks.places import feature_count

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind


class EverySize(KnowingGPT):
    """So it writes for sizes that it never saw. A kind is always needed."""

    @override
    def make_names(self) -> None:
        width = self.settings.width
        inputs = feature_count(self.world.dimension)
        self.read = nn.Sequential(
            nn.Linear(inputs, 2 * width), nn.ReLU(), nn.Linear(2 * width, 2 * width), nn.ReLU(),
            nn.Linear(2 * width, width + 1),
        )  # fmt: skip
        self.make_kinds()
        self.end = nn.Embedding(1, width)
        self.end_bias = nn.Parameter(torch.zeros(1))
        self.turn = nn.Linear(width, width, bias=False)

    @override
    def names(self, kind: Kind | None) -> Names:
        assert kind is not None
        device = self.end_bias.device
        dtype = self.end_bias.dtype
        made = self.read(self.world.features(kind, device).to(dtype))
        scale = self.settings.width**-0.5
        vectors = functional.layer_norm(made[:, :-1], (self.settings.width,)) * scale
        size, symmetry = self.size_and_class(kind, device)
        classes = symmetry[None] if self.levels is None else self.levels(symmetry)
        zero = torch.zeros(1 + len(classes), dtype=made.dtype, device=device)
        return Names(
            torch.cat([vectors, self.end.weight.to(made.dtype), size[None].to(made.dtype), classes.to(made.dtype)]),
            torch.cat([made[:, -1], self.end_bias.to(made.dtype), zero]),
            self.world.place(kind, device),
        )

    @override
    def positions(self) -> Tensor:
        """Waves in the number of the place, mixed by a matrix: places beyond those seen are like those before."""
        width, device, dtype = self.settings.width, self.end_bias.device, self.end_bias.dtype
        place = torch.arange(self.settings.context, device=device)[:, None]
        waves = place * torch.exp(-torch.arange(width // 2, device=device) * (9.2 / (width // 2)))
        mixed: Tensor = self.turn((torch.cat([waves.sin(), waves.cos()], dim=1) * width**-0.5).to(dtype))
        return mixed

    @override
    def set_logit_prior(self, counts: Tensor) -> None:
        """Nothing: how frequent tokens are at one size says nothing of another; it is read off their places."""

"""A vision transformer (Dosovitskiy et al. 2020): it sees the board so far in patches and says what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from patternboost.model.gpt import Block
from patternboost.model.networks.knowing import KnowingGPT
from patternboost.model.rows import Rows
from patternboost.problem import ProblemError

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind

#: patches of a board, at most, and places of a patch that a model has weights for: 36 patches of up to 400 orbits
PATCHES, PLACES = 36, 400


class SeeingBlock(Block):
    """Every patch sees every other."""

    @override
    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        query, key, value = self.split(x).unbind(0)
        return self.join(x, functional.scaled_dot_product_attention(query, key, value))


class VisionTransformer(KnowingGPT):
    """Not a sequence but a set is what it reads: beside the board it is told only what was placed last."""

    plain = False
    #: every place of a sequence is a board of its own
    looks = 4
    block = SeeingBlock

    @override
    def make_names(self) -> None:
        width = self.settings.width
        self.see = nn.Linear(2 * PLACES, width)
        self.where = nn.Embedding(PATCHES + 1, width)  # the last: the board as a whole
        self.make_kinds()
        self.say = nn.Linear(width, PLACES)
        self.say_end = nn.Linear(width, 1)

    @override
    def forward(
        self, tokens: Tensor, columns: Tensor | None = None, kind: Kind | None = None, at: Tensor | None = None
    ) -> Tensor:
        assert kind is not None
        assert columns is not None
        slots = self.slots(kind, tokens.device)
        cells = self._cells(kind)
        one = torch.zeros(*tokens.shape, cells + 1, device=tokens.device, dtype=self.say.weight.dtype)
        one.scatter_(2, slots[self.world.place(kind, tokens.device)[tokens]][..., None], 1.0)
        boards, last = one.cumsum(dim=1).clamp_(max=1), one
        if at is not None:
            boards, last = boards[:, at], last[:, at]
        batch, steps = boards.shape[:2]
        logits = self.looked(boards.flatten(0, 1), last.flatten(0, 1), columns, kind)
        return logits.view(batch, steps, -1)

    def slots(self, kind: Kind, device: torch.device) -> Tensor:
        """Where on the patches every token of the kind lies, int64 [N + besides]; beyond them all: nowhere.

        Raises ProblemError where there are more orbits than patches hold.
        """
        if self.world.grid(kind, PATCHES).places > PLACES:
            raise ProblemError(
                f"model = vit: n = {kind.n}, {kind.symmetry}, is too large for {PATCHES} patches of {PLACES} orbits; "
                "search a symmetry class, or use another model"
            )
        return self.world.slots(kind, PATCHES, device)

    def _cells(self, kind: Kind) -> int:
        grid = self.world.grid(kind, PATCHES)
        return grid.patches * grid.places

    def seen(self, boards: Tensor, last: Tensor, kind: Kind) -> Tensor:
        """What goes into the first layer, [B, patches + 1, W], from boards [B, cells + 1] and what was placed last."""
        grid = self.world.grid(kind, PATCHES)
        batch, device = len(boards), boards.device
        both = torch.stack([boards[:, :-1], last[:, :-1]], dim=1).view(batch, 2, grid.patches, grid.places)
        both = functional.pad(both, (0, PLACES - grid.places)).transpose(1, 2).flatten(2)
        x = self.see(both) + self.where.weight[: grid.patches]
        size, symmetry = self.size_and_class(kind, device)
        board = self.where.weight[PATCHES] + size + symmetry
        return torch.cat([x, board.to(x.dtype).expand(batch, 1, -1)], dim=1)

    def looked(self, boards: Tensor, last: Tensor, columns: Tensor, kind: Kind) -> Tensor:
        """Logits [B, C] of the tokens `columns` for boards [B, cells + 1]."""
        grid, device = self.world.grid(kind, PATCHES), boards.device
        x = self.seen(boards, last, kind)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        cells = self.say(x[:, :-1])[..., : grid.places].flatten(1)
        every = torch.cat([cells, self.say_end(x[:, -1])], dim=1)
        of = self.slots(kind, device)[self.world.place(kind, device)[columns]]  # END: the slot after all cells
        return every[:, of] + self.bias[columns]

    @override
    def weights(self, tokens: Tensor, kind: Kind | None) -> Tensor:
        """How much the board as a whole draws on the patch of each token placed so far, shared among those in it.

        What it draws on empty patches is on none of them, so that rows add up to less than 1.
        """
        assert kind is not None
        grid, steps = self.world.grid(kind, PATCHES), tokens.shape[1]
        slot = self.slots(kind, tokens.device)[self.world.place(kind, tokens.device)[tokens[0]]]
        one = functional.one_hot(slot, self._cells(kind) + 1).to(self.say.weight.dtype)
        x = self.seen(one.cumsum(dim=0).clamp_(max=1), one, kind)
        patch = (slot // grid.places).clamp_(max=grid.patches)  # the prefix lies on the board as a whole
        so_far = torch.ones(steps, steps, device=tokens.device).tril()
        beside = (functional.one_hot(patch, grid.patches + 1).float().cumsum(dim=0))[:, patch].clamp_(min=1)
        layers = []
        for block in self.blocks:
            query, key, _ = block.split(x).unbind(0)  # type: ignore[operator]
            drawn = (query[:, :, -1:] @ key.transpose(2, 3) * query.shape[-1] ** -0.5).softmax(dim=-1)[:, :, 0]
            layers.append((drawn[:, :, patch] / beside[:, None] * so_far[:, None]).transpose(0, 1))
            x = block(x)
        return torch.stack(layers)

    @override
    def rows(self, columns: Tensor, kind: Kind | None, prefix: tuple[int, ...], batch: int, room: int) -> Rows:
        assert kind is not None
        return BoardRows(self, columns, kind, batch)


class BoardRows(Rows):
    """Boards that fill up."""

    def __init__(self, model: VisionTransformer, columns: Tensor, kind: Kind, batch: int) -> None:
        self._model, self._columns, self._kind = model, columns, kind
        device = columns.device
        self._slot_of = model.slots(kind, device)[model.world.place(kind, device)]
        cells = int(self._slot_of.max()) + 1
        self._boards, self._last = (
            torch.zeros(batch, cells, device=device, dtype=model.say.weight.dtype) for _ in "ab"
        )
        self.first = torch.zeros(len(columns), device=device, dtype=model.say.weight.dtype)
        self.begin()

    def begin(self) -> None:
        """See `Rows`."""
        self.restart()
        self._last.zero_()
        self.first.copy_(self._model.looked(self._boards[:1], self._last[:1], self._columns, self._kind)[0])

    def step(self, tokens: Tensor, span: int) -> Tensor:
        """See `Rows`."""
        self.steps += 1
        slots = self._slot_of[tokens][:, None]
        self._last.zero_().scatter_(1, slots, 1.0)
        self._boards.scatter_(1, slots, 1.0)
        return self._model.looked(self._boards, self._last, self._columns, self._kind)

    def restart(self) -> None:
        """See `Rows`."""
        self.steps = 2
        self._boards.zero_()

    def keep(self, rows: Tensor) -> None:
        """See `Rows`."""
        self._boards, self._last = self._boards[rows], self._last[rows]

    def compile(self) -> None:
        """See `Rows`: its layers run as they are, since what takes the time is matrix products."""

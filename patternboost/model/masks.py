"""Legality masks as sampling applies them: kept on the host by numba, or on the device by tensor operations alone.

The host's masks serve every tokenisation and every table, but each token has to travel there and back. The device's
serve orbit tokens on tables that have bitmaps (`patternboost.search.bitmaps`), and wait for nothing.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from patternboost.model.tokens import END, TokenMask
from patternboost.search.bitmaps import BitRows


class LogitMask(Protocol):
    """What may come next in each of a batch of growing sequences."""

    def apply(self, logits: Tensor) -> Tensor:
        """Logits [B, C] with minus infinity where a token must not come next (in place)."""

    def extend(self, tokens: Tensor) -> None:
        """One more token per sequence, int64 [B] on the logits' device."""

    def keep(self, rows: Tensor) -> None:
        """Forget all sequences but `rows`, int64."""


class HostMask(LogitMask):
    """A tokenisation's own mask."""

    def __init__(self, mask: TokenMask) -> None:
        self._mask = mask

    @override
    def apply(self, logits: Tensor) -> Tensor:
        return logits.masked_fill_(torch.from_numpy(self._mask.blocked).to(logits.device).bool(), -torch.inf)

    @override
    def extend(self, tokens: Tensor) -> None:
        self._mask.extend(tokens.cpu().numpy())

    @override
    def keep(self, rows: Tensor) -> None:
        self._mask.keep(rows.cpu().numpy())


class DeviceBits:
    """A table's bitmaps on a device, in 32-bit words (torch shifts no unsigned 64-bit ones): shared by all batches."""

    def __init__(self, bits: BitRows, columns: np.ndarray[tuple[int, ...], np.dtype[np.int64]], device: torch.device):
        self.orbits = bits.orbits
        self.triples = bits.triples
        rows = torch.from_numpy(bits.bits.view(np.int32).reshape(-1, 2 * bits.words)).to(device)
        self.rows = rows
        self.pair_row, self.zero_row = bits.pair_at // bits.words, bits.zero_at // bits.words
        usable = torch.from_numpy(bits.usable.view(np.int32)).to(device)
        self.forbidden = ~usable
        orbit = torch.arange(bits.orbits, device=device)
        self.word, self.shift = orbit >> 5, (orbit & 31).to(torch.int32)
        self.orbit_of = torch.full((int(columns.max()) + 1,), bits.orbits, device=device)  # END and others: no orbit
        self.orbit_of[torch.from_numpy(columns[:-1]).to(device)] = orbit
        if columns[-1] != END:
            raise ValueError("the last column of a mask must be END")


class DeviceMask:
    """Which orbits are free in every row, as bitmaps that are gathered and joined on the device."""

    def __init__(self, bits: DeviceBits, batch: int, length: int) -> None:
        self._bits = bits
        device = bits.rows.device
        self._blocked = bits.forbidden.repeat(batch, 1)
        self._members = torch.full((batch, length), bits.orbits, device=device)
        self._count = torch.zeros(1, dtype=torch.int64, device=device)

    def apply(self, logits: Tensor) -> Tensor:
        """Logits [B, C] with minus infinity where a token must not come next (in place)."""
        b = self._bits
        taken = (self._blocked[:, b.word] >> b.shift) & 1
        logits[:, : b.orbits].masked_fill_(taken.bool(), -torch.inf)
        return logits

    def extend(self, tokens: Tensor, span: int) -> None:
        """One more token per row, int64 [B]; END changes nothing. There were at most `span` tokens before."""
        b = self._bits
        added = b.orbit_of[tokens]
        rows = [torch.where(added < b.orbits, b.pair_row + added, b.zero_row)[:, None]]
        if b.triples and span:
            earlier = self._members[:, :span]
            low, high = torch.minimum(earlier, added[:, None]), torch.maximum(earlier, added[:, None])
            index = low * (2 * b.orbits - low - 1) // 2 + high - low - 1
            rows.append(torch.where(high < b.orbits, index, b.zero_row))
        self._blocked |= _join(b.rows[torch.cat(rows, dim=1)])
        own = torch.where(added < b.orbits, torch.ones_like(added), 0).to(torch.int32) << (added & 31).to(torch.int32)
        place = (added.clamp(max=b.orbits - 1) >> 5)[:, None]
        self._blocked.scatter_(1, place, self._blocked.gather(1, place) | own[:, None])
        self._members.index_copy_(1, self._count, added[:, None])
        self._count.add_(1).clamp_(max=self._members.shape[1] - 1)

    def restart(self) -> None:
        """Empty all rows."""
        self._blocked.copy_(self._bits.forbidden.expand_as(self._blocked))
        self._members.fill_(self._bits.orbits)
        self._count.zero_()


def _join(bitmaps: Tensor) -> Tensor:
    """The union of bitmaps [B, m, W] over m: halves on halves, since torch has no reduction for `or`."""
    while bitmaps.shape[1] > 1:
        half = bitmaps.shape[1] // 2
        joined = bitmaps[:, :half] | bitmaps[:, half : 2 * half]
        bitmaps = torch.cat([joined, bitmaps[:, 2 * half :]], dim=1)
    return bitmaps[:, 0]

"""Keeping report.html up to date while a run goes on, at about a hundredth of its time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternboost.report.data import pack_weights
from patternboost.report.findings import MAX_TOKENS, Findings, find_control, gallery, read_attention
from patternboost.report.html import write_report
from patternboost.store.files import write_json

if TYPE_CHECKING:
    from patternboost.loop.session import Search
    from patternboost.model.tokens import Example

#: a report that took t seconds to write is written anew after this many times t at the earliest
_PAUSE = 99


class LiveReport:
    """An observer of a search that writes its report after every generation, or as often as is cheap."""

    def __init__(self) -> None:
        self._next = 0.0
        self._log: list[dict[str, Any]] | None = None
        self._control: tuple[Path, list[dict[str, Any]]] | None = None
        #: the newest sample of the model, and its generation
        self._drawn: tuple[Example | None, int] = (None, 0)

    def __call__(self, search: Search, entry: dict[str, Any]) -> None:
        """Write the report if it is due; the log is kept in memory rather than read again and again."""
        if self._log is None:
            self._log = search.run.read_log()
            self._control = find_control(search.run)
        else:
            self._log.append(entry)
        if search.drawn is not self._drawn[0]:
            self._drawn = (search.drawn, entry["generation"])
        began = time.monotonic()
        if began >= self._next:
            self.write(search, "running")
            now = time.monotonic()
            self._next = now + _PAUSE * (now - began)

    def write(self, search: Search, state: str) -> None:
        """Write the report now."""
        if self._log is None:
            self._log = search.run.read_log()
            self._control = find_control(search.run)
        _write_attention(search, *self._drawn)
        write_report(
            Findings(
                search.run,
                search.instance,
                search.run.best(search.instance.problem),
                self._log,
                state,
                gallery(search.instance, search.pool.entries),
                self._control,
                read_attention(search.run, search.instance),
            )
        )


def _write_attention(search: Search, example: Example | None, generation: int) -> None:
    """The attention over a sample of the model, as attention.json in the run's folder."""
    if search.generator is None or example is None:
        return
    looked = search.generator.attention(example)
    if looked is None or len(looked.cells) >= MAX_TOKENS:
        return
    data = {
        "generation": generation,
        "symmetry": example.symmetry,
        "cells": [[list(p) for p in search.instance.to_points(cells)] for cells in looked.cells],
        "weights": [
            [pack_weights([row[: i + 2] for i, row in enumerate(head)]) for head in layer]
            for layer in looked.weights.tolist()
        ],
    }
    write_json(search.run.folder / "attention.json", data)

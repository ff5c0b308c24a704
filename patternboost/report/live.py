"""Keeping report.html up to date while a run goes on, at about a hundredth of its time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from patternboost.loop.outputs import GenerationEvent
from patternboost.problem import Instance
from patternboost.report.data import pack_weights
from patternboost.report.findings import (
    MAX_TOKENS,
    Findings,
    differing,
    find_control,
    gallery,
    read_attention,
    saved_pool,
)
from patternboost.report.html import write_report
from patternboost.store.files import write_json
from patternboost.store.run_folder import RunFolder

#: a report that took t seconds to write is written anew after this many times t at the earliest
_PAUSE = 99


class LiveReport:
    """An observer of a search that writes its report after every generation, or as often as is cheap."""

    def __init__(self, run: RunFolder, instance: Instance) -> None:
        self._run = run
        self._instance = instance
        self._next = 0.0
        self._log: list[dict[str, Any]] | None = None
        self._control: tuple[Path, list[dict[str, Any]]] | None = None
        self._last: GenerationEvent | None = None
        #: the sample whose attention the folder holds
        self._shown: object = None

    def __call__(self, event: GenerationEvent) -> None:
        """Write the report if it is due; the log is kept in memory rather than read again and again."""
        self._last = event
        if self._log is None:
            self._read()
        else:
            self._log.append(event.entry)
        began = time.monotonic()
        if began >= self._next:
            self._write("running")
            now = time.monotonic()
            self._next = now + _PAUSE * (now - began)

    def finish(self, state: str) -> None:
        """Write the report of a search that ended: 'stopped' or 'finished'."""
        if self._log is None:
            self._read()
        self._write(state)

    def _read(self) -> None:
        self._log = self._run.read_log()
        self._control = find_control(self._run)

    def _write(self, state: str) -> None:
        run, instance, event = self._run, self._instance, self._last
        members = saved_pool(run) if event is None else event.members
        if event is not None and event.sample is not None and event.sample is not self._shown:
            self._shown = event.sample
            _write_attention(event)
        write_report(
            Findings(
                run,
                instance,
                run.best(instance.problem),
                self._log or [],
                state,
                gallery(instance, members),
                self._control,
                differing(run, self._control),
                read_attention(run, instance),
            )
        )


def _write_attention(event: GenerationEvent) -> None:
    """The attention over a sample of the model, as attention.json in the run's folder."""
    attention = event.attention()
    if attention is None or event.sample is None or len(attention.cells) >= MAX_TOKENS:
        return
    instance = event.context.instance
    data = {
        "generation": event.entry["generation"],
        "symmetry": event.sample.symmetry,
        "cells": [[list(p) for p in instance.to_points(cells)] for cells in attention.cells],
        "weights": [
            [pack_weights([row[: i + 2] for i, row in enumerate(head)]) for head in layer]
            for layer in attention.weights.tolist()
        ],
    }
    write_json(event.run.folder / "attention.json", data)

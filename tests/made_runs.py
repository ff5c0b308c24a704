"""Run folders made without a search: as long, and as large, as a test asks for."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from samples import greedy

from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry, Pool
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key, class_orbits
from patternboost.report.data import pack_weights
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import Settings

ORIGINS = tuple(Origin)


def made_entry(generation: int, seconds: float, best: int, rng: random.Random) -> dict[str, Any]:
    """A generation's line in the log, with histograms as wide as those of n = 64."""

    def histogram(low: int, high: int) -> dict[str, int]:
        middle = (low + high) / 2
        bell = {s: round(60 * rng.random() * 2.0 ** -(((s - middle) / 8) ** 2)) for s in range(max(1, low), high + 1)}
        return {str(score): count for score, count in bell.items() if count}

    origins = {}
    for origin in ORIGINS:
        before = {} if origin.empty else histogram(best // 3, best - 2)
        after = histogram(2 * best // 3, best - 1) | {str(best): 1 + rng.randrange(3)}
        walks = sum(after.values())
        mean = sum(int(s) * c for s, c in after.items()) / walks
        figures = {"walks": walks, "best": best, "mean": round(mean, 3), "new": walks // 9}
        origins[str(origin)] = figures | {"before": before, "after": after}

    def total(kind: str) -> dict[str, int]:
        scores = sorted({s for of in origins.values() for s in of[kind]}, key=int)
        return {s: sum(of[kind].get(s, 0) for of in origins.values()) for s in scores}

    loss = 3.0 / (1 + 0.02 * generation)
    return {
        "generation": generation,
        "seconds": round(seconds, 3),
        "best": best,
        "pool": {"size": 5000, "median": best - 6.0, "least": best - 14},
        "starts": {"both-mirrors": 700, "none": 80},
        "leader": "both-mirrors",
        "before": total("before"),
        "after": total("after"),
        "origins": origins,
        "new": round(0.1 + 0.1 * rng.random(), 4),
        "improved": sum(origins["model"]["after"].values()),
        "sampled": 900,
        "malformed": 5,
        "empty": 1,
        "novel": 30,
        "temperature": 1.1,
        "valid": sum(origins["model"]["after"].values()) - 3,
        "train": {
            "steps": 150,
            "loss": loss,
            "held_out_loss": loss + 0.3,
            "counted_loss": 3.6,
            "curve": [[s, loss + 0.1 / s, loss + 0.3] for s in (50, 100, 150)],
        },
        "steps": 8_000_000,
        "worked": {origin: of["walks"] / 100 for origin, of in origins.items()},
        "phases": {"train": 14.2, "sample": 6.1, "search": 35.0, "verify": 0.4},
        "bests": [],
    }


def made_log(generations: int, best: int, every: float = 57.6) -> list[dict[str, Any]]:
    """A log in which the score rises to `best`, `every` seconds a generation."""
    rng = random.Random(7)
    log = []
    for g in range(generations):
        score = best - round(8 * (1 - g / max(1, generations - 1)) ** 2)
        entry = made_entry(g, (g + 1) * every, score, rng)
        if not log or score > log[-1]["best"]:
            entry["bests"] = [[round((g + 0.4) * every, 3), score]]
        log.append(entry)
    return log


def made_run(folder: Path, generations: int = 20, n: int = 12, model: str = "gpt", attention: bool = True) -> RunFolder:
    """A finished run of isosceles at size n: certificates, log, pool, attention."""
    instance = problem("isosceles", n)
    run = RunFolder.create(folder, Settings("isosceles", n, generations=generations, model=model, jobs=1, seed=3))
    made = [greedy(instance, seed) for seed in range(14)]
    best = max(made, key=lambda c: c.score)
    best.save(run.best_path(best))
    for entry in made_log(generations, best.score + 0):
        run.log(entry)
    pool = Pool(5000, 1000, 0.5)
    elements = [instance.to_elements(c.points) for c in made]
    pool.merge(Entry(canonical_key(instance, e), e, "none", i, Origin.MODEL, len(e)) for i, e in enumerate(elements))
    run.checkpoint(generations, lambda path: pool.save(path / "pool.npz") or {})
    if attention:
        orbits = class_orbits(instance, "mirror")
        cells = [[list(p) for p in instance.to_points(orbits.expand(np.array([i])))] for i in range(2, 14)]
        rng = random.Random(1)

        def head() -> list[str]:
            rows = [[rng.random() for _ in range(i + 2)] for i in range(len(cells) + 1)]
            return pack_weights([[w / sum(row) for w in row] for row in rows])

        weights = [[head() for _ in range(4)] for _ in range(4)]
        data = {"generation": generations - 1, "symmetry": "mirror", "cells": cells, "weights": weights}
        (folder / "attention.json").write_text(json.dumps(data))
    run.close()
    return run

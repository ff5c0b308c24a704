"""Constructions for tests, made in plain Python from the definition alone."""

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from patternboost.problem import Instance
from patternboost.problem.ground import Grid, IntArray
from patternboost.problem.registry import find_problem, problem
from patternboost.store.construction import Construction
from patternboost.store.reading import read_file


def read_all(*arguments: Any, **options: Any) -> list[Construction]:
    """The constructions in a file, whatever it was taken for."""
    return read_file(*arguments, **options)[1]


def read(
    folder: Path,
    content: str | bytes,
    name: str = "file",
    problem: str | None = "isosceles",
    n: int | None = 3,
) -> list[Construction]:
    """The constructions in a file of this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(path, problem, n)


def greedy(instance: Instance, seed: int) -> Construction:
    """A random valid construction to which no point can be added."""
    cells = [tuple(int(x) for x in p) for p in instance.points]
    random.Random(seed).shuffle(cells)
    chosen: list[tuple[int, ...]] = []
    for cell in cells:
        if instance.violation([*chosen, cell]) is None:
            chosen.append(cell)
    return Construction.of(instance, chosen)


def isosceles(n: int = 8, seed: int = 0) -> Construction:
    return greedy(problem("isosceles", n), seed)


def broken(n: int = 8) -> Construction:
    """Three points in the corner that make a right isosceles triangle, and one far away."""
    return Construction.of(problem("isosceles", n), [(0, 0), (0, 1), (1, 0), (n - 1, n - 2)])


def edges() -> Construction:
    """A valid construction on a ground set that is no grid."""
    return Construction.of(problem("no-triangle", 5), [(0, 1), (1, 4)])


def cube() -> Construction:
    """A valid construction of points in a cube."""
    return Construction.of(problem("no-three-in-line-cube", 3), [(0, 1, 2), (2, 0, 0)])


class Space(Grid):
    """Points of five dimensions, just as much of a ground set as exports ask for: there is no drawing."""

    drawing = ""
    dimension = 5

    def size(self, n: int) -> int:
        return n**self.dimension

    def points(self, n: int) -> IntArray:
        return np.array(list(itertools.product(range(n), repeat=self.dimension)), np.int64)

    def elements(self, n: int, points: IntArray) -> IntArray:
        return points @ n ** np.arange(self.dimension)[::-1]

    def symmetries(self, n: int) -> IntArray:
        return np.arange(self.size(n), dtype=np.int64)[None]

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        return {"none": []}


def undrawn() -> Construction:
    """A valid construction on a ground set that has no drawing."""
    space = replace(find_problem("isosceles"), name="space", ground=Space(), violation=lambda points: None)
    return Construction.of(space.at(3), [(0, 1, 2, 0, 1)])

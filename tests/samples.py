"""Constructions for tests, made in plain Python from the definition alone."""

import itertools
import random
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from patternboost.construction import Construction
from patternboost.ground import Grid, IntArray
from patternboost.problem import Instance
from patternboost.registry import find_problem, problem


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


class Edges(Grid):
    """Edges [u, v] of the complete graph on n vertices, just as much of a ground set as exports ask for."""

    drawing = "graph"

    def size(self, n: int) -> int:
        return n * (n - 1) // 2

    def points(self, n: int) -> IntArray:
        return np.array(list(itertools.combinations(range(n), 2)), np.int64).reshape(-1, 2)

    def elements(self, n: int, points: IntArray) -> IntArray:
        return points[:, 0] * n + points[:, 1]

    def stabiliser_class(self, n: int, fixed: NDArray[np.bool_]) -> str:
        return "none"

    def symmetries(self, n: int) -> IntArray:
        return np.arange(n * n, dtype=np.int64)[None]


def edges() -> Construction:
    """A valid construction on a ground set that is no grid."""
    graph = replace(find_problem("isosceles"), name="edges", ground=Edges(), violation=lambda points: None)
    return Construction.of(graph.at(5), [(0, 1), (1, 4)])


class Cube(Edges):
    """Points of the n x n x n cube, just as much of a ground set as exports ask for."""

    drawing = ""
    dimension = 3

    def size(self, n: int) -> int:
        return n**self.dimension

    def points(self, n: int) -> IntArray:
        return np.array(list(itertools.product(range(n), repeat=self.dimension)), np.int64)

    def elements(self, n: int, points: IntArray) -> IntArray:
        return points @ n ** np.arange(self.dimension)[::-1]

    def symmetries(self, n: int) -> IntArray:
        return np.arange(self.size(n), dtype=np.int64)[None]


class Space(Cube):
    """Points of five dimensions, of which there is no drawing."""

    dimension = 5


def cube() -> Construction:
    """A valid construction of points in a cube."""
    box = replace(find_problem("isosceles"), name="cube", ground=Cube(), violation=lambda points: None)
    return Construction.of(box.at(3), [(0, 1, 2), (2, 0, 0)])


def undrawn() -> Construction:
    """A valid construction on a ground set that has no drawing."""
    space = replace(find_problem("isosceles"), name="space", ground=Space(), violation=lambda points: None)
    return Construction.of(space.at(3), [(0, 1, 2, 0, 1)])

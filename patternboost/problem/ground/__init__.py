"""Ground sets: the finite sets that constructions choose from, and the symmetries that act on them."""

from patternboost.problem.ground.affine import F3, AffineSpace
from patternboost.problem.ground.base import MAX_ELEMENTS, GroundSet, IntArray
from patternboost.problem.ground.cube import CUBE, Cube
from patternboost.problem.ground.edges import EDGES, Edges
from patternboost.problem.ground.grid import GRID, Grid
from patternboost.problem.ground.torus import TORUS, Torus

__all__ = [
    "CUBE",
    "EDGES",
    "F3",
    "GRID",
    "MAX_ELEMENTS",
    "TORUS",
    "AffineSpace",
    "Cube",
    "Edges",
    "Grid",
    "GroundSet",
    "IntArray",
    "Torus",
]

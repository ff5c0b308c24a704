"""Ground sets: the finite sets that constructions choose from, and the symmetries that act on them."""

from patternboost.ground.affine import F3, AffineSpace
from patternboost.ground.base import MAX_ELEMENTS, GroundSet, IntArray
from patternboost.ground.cube import CUBE, Cube
from patternboost.ground.edges import EDGES, Edges
from patternboost.ground.grid import GRID, Grid
from patternboost.ground.torus import TORUS, Torus

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

"""Ground sets: the finite sets that constructions choose from, and the symmetries that act on them."""

from patternboost.problem.ground.affine import F3, AffineSpace
from patternboost.problem.ground.base import MAX_ELEMENTS, GroundSet, IntArray
from patternboost.problem.ground.bipartite import BIPARTITE, Bipartite
from patternboost.problem.ground.cube import CUBE, Cube
from patternboost.problem.ground.edges import EDGES, Edges
from patternboost.problem.ground.grid import GRID, Grid
from patternboost.problem.ground.hypercube import HYPERCUBE, Hypercube
from patternboost.problem.ground.torus import TORUS, Torus
from patternboost.problem.sizes import BoardSize, fits_in, scale, sides, size_from_code, size_of, size_to_json

__all__ = [
    "BIPARTITE",
    "CUBE",
    "EDGES",
    "F3",
    "GRID",
    "HYPERCUBE",
    "MAX_ELEMENTS",
    "TORUS",
    "AffineSpace",
    "Bipartite",
    "BoardSize",
    "Cube",
    "Edges",
    "Grid",
    "GroundSet",
    "Hypercube",
    "IntArray",
    "Torus",
    "fits_in",
    "scale",
    "sides",
    "size_from_code",
    "size_of",
    "size_to_json",
]

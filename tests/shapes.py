"""One problem of every shape that the engine serves, at a size where plain Python is quick."""

from patternboost.problem.registry import problem

#: problem, n: k = 2 to 5; grid, torus, F_3^n, cube and edges; with and without a conflict update of its own
SHAPES = [
    ("distance-1-2", 5),
    ("isosceles", 5),
    ("no-three-in-line", 5),
    ("no-three-in-line-torus", 4),
    ("cap-set", 3),
    ("no-square", 4),
    ("no-triangle", 6),
    ("no-four-cycle", 6),
    ("no-four-coplanar", 3),
    ("no-five-on-a-sphere", 2),
]
#: those whose forbidden sets have four or more elements
LARGE = [(name, n) for name, n in SHAPES if problem(name, n).problem.k >= 4]


def classes(name, n, most=6):
    """Some symmetry classes: first, last, and what lies evenly between."""
    known = list(problem(name, n).classes)
    return [known[round(i * (len(known) - 1) / max(1, most - 1))] for i in range(min(most, len(known)))]


#: problem, n, class
CASES = [(name, n, symmetry) for name, n in SHAPES for symmetry in dict.fromkeys(classes(name, n))]

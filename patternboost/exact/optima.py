"""Every set of a given number of points, up to symmetry, and not only one: how many optima there are.

On ground sets whose symmetries are listed the solver goes through all sets of which no image is larger. Graphs have too
many symmetries for that; they are grown vertex by vertex (`patternboost.exact.graphs`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from patternboost.exact.constraints import hypergraph
from patternboost.exact.graphs import graphs, is_of_graphs, require_canonical
from patternboost.exact.model import Model, moves_of
from patternboost.exact.solver import Watch, solve
from patternboost.exact.windows import Window
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.ground.base import OfVertices
from patternboost.problem.symmetry import canonical_form
from patternboost.search.memory import Building
from patternboost.search.tasks import prepare


def optima(
    instance: Instance,
    symmetry: str,
    points: int,
    *,
    parts: list[Window],
    over: Callable[[], bool],
    tell: Callable[[int], None],
    seed: int = 0,
) -> tuple[list[IntArray], bool]:
    """All sets of `points` points within a class, one for each up to symmetry, and whether these are all.

    Each as its canonical form (int64, sorted); they are sorted. They are not all where `over` ended it. `tell` hears
    their number now and then; `parts` bounds parts of the board. Raises ExactError where pynauty is needed and missing.
    """
    require_canonical(instance)
    found: dict[bytes, IntArray] = {}

    def keep(elements: IntArray) -> None:
        form = canonical_form(instance, elements)
        found.setdefault(form.tobytes(), form)

    def ended() -> bool:
        tell(len(found))
        return over()

    if symmetry == "none" and is_of_graphs(instance):
        complete = graphs(instance, points, ended, keep)
    else:
        table = prepare(instance, symmetry, Building(stopped=over)).table
        graph = hypergraph(table)
        model = Model(graph)
        model.within(parts)
        model.break_symmetry(moves_of(table, graph), defined=True)
        model.exactly(points)
        watch = Watch(lambda orbits: keep(table.orbits.expand(orbits)), lambda _: None)
        complete = solve(model, seed=seed, over=ended, watch=watch, every=True).complete
    return [found[key] for key in sorted(found)], complete


def images(instance: Instance, elements: IntArray) -> int | None:
    """How many sets are equivalent to one, itself included; None where the symmetries are too many to be listed."""
    if isinstance(instance.problem.ground, OfVertices) and instance.problem.symmetries == "all":
        return None
    return len(np.unique(np.sort(instance.symmetries[:, elements], axis=1), axis=0))

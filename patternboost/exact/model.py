"""A hypergraph as a program of the solver: one Boolean per free orbit, as many points as can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from patternboost.exact.constraints import Hypergraph
from patternboost.exact.covers import at_most
from patternboost.exact.solver import cp_sat
from patternboost.exact.windows import Window
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_preserving
from patternboost.search.tables import Table


class Model:
    """A program of the solver with the meaning of its variables."""

    def __init__(self, graph: Hypergraph) -> None:
        self.graph = graph
        self.program = cp_sat().CpModel()
        #: one Boolean per free orbit: whether it is chosen
        self.variables: list[Any] = [self.program.new_bool_var("") for _ in range(graph.count)]
        self._forbid()
        self.points = sum(int(w) * x for w, x in zip(graph.weights, self.variables, strict=True))
        self.program.maximize(self.points)

    def _forbid(self) -> None:
        x = self.variables
        for limit in at_most(self.graph):
            members = [x[i] for i in limit.members]
            if limit.given < 0 and limit.limit == 1:
                self.program.add_at_most_one(members)
            elif limit.given < 0 and len(members) == limit.limit + 1:
                self.program.add_bool_or([~m for m in members])
            elif limit.given < 0:
                self.program.add(sum(members) <= limit.limit)
            elif len(members) == 2:
                self.program.add_bool_or([~x[limit.given], ~members[0], ~members[1]])
            else:
                self.program.add(sum(members) <= 1).only_enforce_if(x[limit.given])

        for sets in self.graph.larger:
            for row in sets.tolist():
                self.program.add_bool_or([~x[i] for i in row])

    def at_least(self, points: int) -> None:
        """Ask for a set of at least `points` points."""
        self.program.add(self.points >= points)

    def prefer(self, bonus: IntArray) -> None:
        """Among sets of equally many points prefer those with the larger sum of `bonus` (0 or 1 per variable)."""
        favour = sum(int(b) * x for b, x in zip(bonus, self.variables, strict=True))
        self.program.maximize((int(bonus.sum()) + 1) * self.points + favour)

    def within(self, windows: Iterable[Window]) -> None:
        """Add bounds on parts of the ground set; each counts points of the whole table's orbits."""
        place = np.full(int(self.graph.orbits.max(initial=-1)) + 1, -1, np.int64)
        place[self.graph.orbits] = np.arange(self.graph.count)
        for window in windows:
            known = [(int(c), place[o]) for o, c in zip(window.orbits, window.counts) if o < len(place)]
            terms = [c * self.variables[i] for c, i in known if i >= 0]
            self.program.add(sum(terms) <= window.bound)

    def exactly(self, points: int) -> None:
        """Ask for all sets of `points` points, none better than another."""
        self.program.clear_objective()
        self.program.add(self.points == points)

    def break_symmetry(self, moves: Sequence[IntArray], defined: bool = False) -> None:
        """Keep of every set's images under `moves` (permutations of the variables, a group) the largest one.

        Largest: the choices, read as a 0/1 string in the order of the variables, compare highest. `defined`: each set
        has one assignment of the variables that this takes, as whoever counts assignments needs.
        """
        for move in {tuple(m.tolist()) for m in moves}:
            self._not_below_image(move, defined)

    def _not_below_image(self, move: tuple[int, ...], defined: bool) -> None:
        """x >= x[move] in lexicographic order: up to each place, all equal so far or a larger bit before."""
        x, program = self.variables, self.program
        seen: set[tuple[int, int]] = set()
        equal: list[Any] = []  # the literal that all compared places so far are equal; none at the start
        for i, j in enumerate(move):
            if i == j or (j, i) in seen:
                continue  # compared already: equal wherever it matters
            seen.add((i, j))
            unless = [~e for e in equal]
            program.add_bool_or([*unless, x[i], ~x[j]])
            following = program.new_bool_var("")
            program.add_bool_or([*unless, x[i], x[j], following])
            program.add_bool_or([*unless, ~x[i], ~x[j], following])
            if defined:
                for so_far in equal:
                    program.add_implication(following, so_far)
                program.add_bool_or([~following, x[i], ~x[j]])
                program.add_bool_or([~following, ~x[i], x[j]])
            equal = [following]

    def hint(self, orbits: IntArray) -> None:
        """Tell the solver a set to begin with."""
        chosen = np.isin(self.graph.orbits, orbits)
        for variable, value in zip(self.variables, chosen, strict=True):
            self.program.add_hint(variable, bool(value))

    def orbits_of(self, values: Any) -> IntArray:
        """The orbits (of the table) that an assignment of the variables chooses, ascending."""
        chosen: IntArray = self.graph.orbits[np.asarray(values, bool)]
        return chosen


def moves_of(table: Table, graph: Hypergraph) -> list[IntArray]:
    """The symmetries that keep the class of a table, as permutations of a whole graph's variables."""
    orbits = table.orbits
    place = np.full(orbits.count, -1, np.int64)
    place[graph.orbits] = np.arange(graph.count)
    representatives = orbits.representatives[graph.orbits]
    return [place[orbits.orbit_of[p[representatives]]] for p in class_preserving(table.instance, orbits)]

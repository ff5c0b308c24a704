"""Tokens: every tokenisation spells every construction in exactly one way, and says what is no spelling."""

import numpy as np
import pytest
from models import examples_at, some_set, vocabulary_for
from shapes import SHAPES, classes

from patternboost.model.tokens import END, TOKENISATIONS, Example
from patternboost.problem.registry import problem
from patternboost.search.tables import build_table


def taught(name, *sizes, tokens):
    """A vocabulary that has seen constructions of all its sizes."""
    vocabulary = vocabulary_for(name, *sizes, tokens=tokens)
    vocabulary.learn([e for n in sizes for c in classes(name, n, 3) for e in examples_at(n, c, 20, name)], seed=1)
    return vocabulary


@pytest.mark.parametrize("tokens", TOKENISATIONS)
@pytest.mark.parametrize(("name", "n"), [*SHAPES, ("isosceles", 3), ("isosceles", 6), ("no-three-in-line", 7)])
def test_round_trip_at_every_size_and_class(name, n, tokens):
    instance = problem(name, n)
    vocabulary = taught(name, n, n + 1, tokens=tokens)
    for symmetry in instance.classes:
        table = build_table(instance, symmetry)
        for seed in range(3):
            elements = some_set(table, seed)
            example = Example(n, symmetry, elements)
            sequence = vocabulary.encode(example)
            assert sequence[-1] == END
            assert tuple(sequence[:2]) == vocabulary.prefix(n, symmetry)
            assert vocabulary.decode(n, symmetry, sequence[2:]).tolist() == elements.tolist()
            assert set(sequence[2:]) <= set(vocabulary.columns(n, symmetry))
            assert vocabulary.columns(n, symmetry)[-1] == END
            for move in range(8):
                moved = vocabulary.decode(n, symmetry, vocabulary.encode(example, move)[2:])
                assert len(moved) == len(elements)
                assert instance.violation(instance.to_points(moved)) is None


def test_an_orbit_token_means_the_same_place_at_every_size():
    vocabulary = vocabulary_for("isosceles", 5, 8)
    for corner_of in (5, 8):
        corner = np.array([corner_of * corner_of - 1])
        assert vocabulary.encode(Example(corner_of, "none", corner))[2] == vocabulary.count - 1
    second = [vocabulary.encode(Example(n, "none", np.array([n + 1])))[2] for n in (5, 8)]
    assert second[0] == second[1]


@pytest.mark.parametrize("tokens", ["orbits", "merged"])
def test_malformed_cells_are_told(tokens):
    vocabulary = vocabulary_for("isosceles", 4, 6, tokens=tokens)
    cell, other = vocabulary.encode(Example(4, "none", np.array([0, 5])))[2:4]
    assert vocabulary.decode(4, "none", [cell, other, END]).tolist() == [0, 5]
    assert vocabulary.decode(4, "none", [cell, other]) is None
    assert vocabulary.decode(4, "none", [cell, cell, END]) is None
    assert vocabulary.decode(4, "none", [cell, 1, END]) is None
    inner = vocabulary.encode(Example(6, "none", np.array([14])))[2]  # a cell that a 4 x 4 board does not have
    assert vocabulary.decode(4, "none", [inner, END]) is None
    assert vocabulary.decode(4, "none", [END]).tolist() == []


def test_malformed_strings_are_told():
    vocabulary = vocabulary_for("isosceles", 2, 3, tokens="bits")
    zero, one = vocabulary.first, vocabulary.first + 1
    assert vocabulary.decode(2, "none", [one, zero, zero, one, END]).tolist() == [0, 3]
    assert vocabulary.decode(2, "none", [one, zero, zero, END]) is None
    assert vocabulary.decode(2, "none", [one, zero, zero, one, one, END]) is None
    assert vocabulary.decode(2, "none", [one, zero, zero, one]) is None
    assert vocabulary.decode(2, "none", [one, zero, 1, one, END]) is None


def test_merges_shorten_what_occurs_together_and_survive_a_checkpoint():
    vocabulary = vocabulary_for("isosceles", 6, tokens="merged")
    vocabulary.learn([e for c in ("none", "both-mirrors", "both-mirrors+half") for e in examples_at(6, c, 20)], seed=1)
    plain = vocabulary_for("isosceles", 6)
    assert vocabulary.merges
    examples = examples_at(6, "none", 30)
    assert sum(len(vocabulary.encode(e)) for e in examples) < 0.9 * sum(len(plain.encode(e)) for e in examples)
    again = vocabulary_for("isosceles", 6, tokens="merged")
    again.restore(vocabulary.settings())
    assert all(again.encode(e).tolist() == vocabulary.encode(e).tolist() for e in examples)


@pytest.mark.parametrize("merges", [None, [[1]], [[0, 5]], [["a", 30]], [[30, 10**6]], [[30, 31]] * 1000])
def test_damaged_merges_are_refused(merges):
    vocabulary = vocabulary_for("isosceles", 6, tokens="merged")
    with pytest.raises(ValueError, match="merge"):
        vocabulary.restore({"merges": merges})

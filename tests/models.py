"""Small models, vocabularies and examples for the tests of the learned half."""

import numpy as np
import torch

from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.tokens import TOKENISATIONS, Example, classes_at
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import find_problem, problem
from patternboost.search.tables import build_table
from patternboost.search.walker import make_walker

CPU = torch.device("cpu")


def some_set(table, seed):
    """A random maximal valid set of a table's class."""
    walker = make_walker(table, None, (1, 3), seed)
    walker.start(np.empty(0, np.int64))
    return table.orbits.expand(np.sort(walker.best[0]))


def vocabulary_for(name, *sizes, tokens="orbits", levels=1):
    family = find_problem(name)
    return TOKENISATIONS[tokens](family, sizes, classes_at(family, sizes), levels)


def examples_at(n, symmetry, count, name="isosceles"):
    table = build_table(problem(name, n), symmetry)
    return [Example(n, symmetry, some_set(table, seed)) for seed in range(count)]


def small_generator(vocabulary, seed=0, precision="fp32", **training):
    shape = {"layers": 2, "heads": 2, "width": 32}
    return NetworkGenerator(vocabulary, shape, TrainSettings(**training), SampleSettings(), CPU, seed, precision)

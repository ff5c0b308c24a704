"""Constructions as token sequences: one token per orbit, 0/1 strings, or learned tokens of several orbits."""

from patternboost.model.tokens.base import END, Example, TokenMask, Vocabulary, classes_at
from patternboost.model.tokens.bits import BitVocabulary
from patternboost.model.tokens.merged import MergedVocabulary
from patternboost.model.tokens.orbits import OrbitVocabulary

__all__ = [
    "END",
    "TOKENISATIONS",
    "BitVocabulary",
    "Example",
    "MergedVocabulary",
    "OrbitVocabulary",
    "TokenMask",
    "Vocabulary",
    "classes_at",
]

#: by the names that settings use (`settings.TOKENS`)
TOKENISATIONS: dict[str, type[Vocabulary]] = {
    "orbits": OrbitVocabulary,
    "bits": BitVocabulary,
    "merged": MergedVocabulary,
}

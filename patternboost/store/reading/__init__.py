"""Reading constructions from the files that people have. `reader.py` says what a file is; each kind has a file here."""

from patternboost.store.reading.reader import read_file

__all__ = ["read_file"]

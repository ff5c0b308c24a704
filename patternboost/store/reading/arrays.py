"""npz: arrays as an export writes them; of others only `points` must be there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from patternboost.store.construction import MAX_POINTS, Construction
from patternboost.store.npz import read_arrays
from patternboost.store.reading.source import Source


def read_npz(source: Source) -> Construction:
    """The points of an array, each a row. Raises FileError."""
    arrays = read_arrays(source.path, ("points", "n", "score", "problem", "sha256"))
    points = arrays.get("points")
    if points is None or points.ndim != 2 or points.dtype.kind not in "iu" or 0 in points.shape[1:]:
        raise source.fault("holds no array 'points' of integers with a point in each row")
    if len(points) > MAX_POINTS:
        raise source.fault(f"{len(points)} points, more than {MAX_POINTS}, refused")
    name, sha256 = (_scalar(source, arrays, key, "U") for key in ("problem", "sha256"))
    n, score = (_scalar(source, arrays, key, "iu") for key in ("n", "score"))
    if name is not None and not re.fullmatch(r"[a-z0-9-]{1,64}", name):  # never the path of a problem file
        raise source.fault(f"the problem's name {name[:64]!r} is no problem name")
    construction = source.construction(points.tolist(), name, n)
    return replace(construction, claimed_score=score, claimed_sha256=sha256)


def _scalar(source: Source, arrays: dict[str, NDArray[Any]], name: str, kinds: str) -> Any:
    """The one value of an array, as a Python int or str; None where the file has no such array."""
    array = arrays.get(name)
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in kinds:
        raise source.fault(f"the array {name!r} must be a single {'text' if kinds == 'U' else 'integer'}")
    return array.reshape(-1)[0].item()

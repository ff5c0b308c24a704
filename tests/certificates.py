"""Certificates for tests of the verifier, right and wrong, and its answers to files."""

import json
from pathlib import Path
from typing import Any

from commands import Answer, invoke
from samples import isosceles

from patternboost.store.construction import FORMAT, Construction

Data = dict[str, Any]


def on_board(construction: Construction) -> bool:
    """Whether every point is on the ground set, once."""
    points = construction.points
    return len(set(points)) == len(points) and set(points) <= construction.instance.point_set


def body(construction: Construction) -> Data:
    """A certificate's fields with the right score, symmetry and hash, whether the set is valid or not."""
    return {
        "format": FORMAT,
        "problem": construction.problem,
        "n": construction.n,
        "score": construction.score,
        "points": [list(p) for p in construction.points],
        "definition": "",
        "symmetry": construction.symmetry if on_board(construction) else "none",
        "sha256": construction.sha256,
        "found": {},
    }


def verify(tmp_path: Path, data: object) -> Answer:
    """The command's answer to a file of this content: text, bytes, or a JSON value."""
    file = tmp_path / "certificate.json"
    if isinstance(data, bytes):
        file.write_bytes(data)
    else:
        file.write_text(data if isinstance(data, str) else json.dumps(data))
    return invoke("verify", file)


GOOD = json.dumps(body(isosceles()))

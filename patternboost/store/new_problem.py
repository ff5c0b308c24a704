"""`patternboost new-problem`: a problem file to start from, which works as it is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from patternboost.problem.base import require_name
from patternboost.problem.errors import ProblemError
from patternboost.store.files import write_text


def new_problem(name: str, folder: str | Path = ".") -> Path:
    """Write a commented template under the name and return its path.

    Raises ProblemError for a name that cannot be or a file that is there already.
    """
    path = Path(folder) / f"{require_name(name).replace('-', '_')}.py"
    if path.exists():
        raise ProblemError(f"{path} is there already: choose another name, or move it")
    template = (files("patternboost.problem") / "template.py").read_text()
    write_text(path, template.replace("NAME", name).replace("FILE", path.name))
    return path

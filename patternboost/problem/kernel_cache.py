"""Where numba keeps compiled kernels: a folder of the user's cache that is named after the kernels' source.

numba notices that a cached kernel is out of date by its own file alone. Our kernels call each other across files, so a
changed file would leave stale copies of its code inside others; a folder per state of the source cannot. The kernels of
problems that come from elsewhere (a user's file, another package) are not kept at all: what they are compiled from is
not known here.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import shutil
import tempfile
import warnings
from pathlib import Path

import platformdirs
from numba import config
from numba.core.errors import NumbaExperimentalFeatureWarning

from patternboost.problem.sealed_cache import seal


def kernel_sources() -> list[Path]:
    """Every file that a kept kernel may be compiled from: all of this package, and all problems that ship with it."""
    package = Path(__file__).parent.parent
    spec = importlib.util.find_spec("patternboost_problems")
    problems = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    return [file for folder in (package, *problems) for file in sorted(folder.rglob("*.py"))]


def is_kept(module: str) -> bool:
    """Whether the kernels of a module are kept: those whose sources `kernel_sources` lists."""
    return module.partition(".")[0] in ("patternboost", "patternboost_problems")


def is_empty() -> bool:
    """Whether no kernel was kept yet, so that the first ones take half a minute to compile."""
    folder = config.CACHE_DIR  # type: ignore[attr-defined]
    return not folder or not any(Path(folder).rglob("*.nbi"))


def use_own_cache() -> None:
    """Point numba to our folder, unless the user chose one (NUMBA_CACHE_DIR)."""
    # Rules are passed to kernels as values, which works and which numba calls experimental.
    warnings.filterwarnings("ignore", category=NumbaExperimentalFeatureWarning)
    if config.CACHE_DIR:  # type: ignore[attr-defined]
        return
    seal()
    digest = hashlib.sha256()
    for file in kernel_sources():
        digest.update(file.read_bytes())
    folder = Path(platformdirs.user_cache_dir("patternboost", appauthor=False)) / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:  # no home, or none that can be written: kernels last as long as this process
        folder = Path(tempfile.mkdtemp(prefix="patternboost-kernels-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]

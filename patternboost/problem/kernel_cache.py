"""Where numba keeps compiled kernels: a folder of the user's cache that is named after the kernels' source.

numba notices that a cached kernel is out of date by its own file alone. Our kernels call each other across files, so a
changed file would leave stale copies of its code inside others; a folder per state of the source cannot.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import platformdirs
from numba import config


def use_own_cache() -> None:
    """Point numba to our folder, unless the user chose one (NUMBA_CACHE_DIR) or it cannot be made."""
    if config.CACHE_DIR:  # type: ignore[attr-defined]
        return
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for file in [package / "problem" / "base.py", *sorted((package / "search").glob("*.py"))]:
        digest.update(file.read_bytes())
    folder = Path(platformdirs.user_cache_dir("patternboost", appauthor=False)) / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # numba then looks for a place of its own
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]

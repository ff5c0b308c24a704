"""Arrays in an npz file, read without trust: bounded, and without pickled objects."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patternboost.store.files import MAX_BYTES, FileError


def read_arrays(path: Path, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Those of the wanted arrays that are there, by name. Raises FileError, in one line."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileError(f"{path}: larger than {MAX_BYTES >> 20} MiB, refused")
        with zipfile.ZipFile(path) as archive:
            # What a member unpacks to is bounded by the size it states: zipfile reads no further.
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise FileError(f"{path}: larger than {MAX_BYTES >> 20} MiB when unpacked, refused")
            names = [name for name in wanted if f"{name}.npy" in archive.namelist()]
            contents = {name: io.BytesIO(archive.read(f"{name}.npy")) for name in names}
        return {name: np.lib.format.read_array(data, allow_pickle=False) for name, data in contents.items()}
    except FileError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy each have several ways to refuse a broken file
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise FileError(f"{path}: not an npz file of arrays: {said[0][:200]}") from error

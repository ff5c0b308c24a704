"""What all tests share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, so that no test sees or touches the user's archive."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PATTERNBOOST_HOME", str(folder))
    return folder

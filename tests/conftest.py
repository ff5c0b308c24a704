"""What all tests share."""

from pathlib import Path

import pytest
from commands import QUICK, invoke

from patternboost.store import library


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, so that no test sees or touches the user's archive."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PATTERNBOOST_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def nothing_ships(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests know what is in their archive; what ships beside it has a test of its own."""
    library.shipped.cache_clear()
    if request.module.__name__ != "test_library":
        monkeypatch.setattr(library, "_listed", dict)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of isosceles n=7."""
    folder = tmp_path / "made" / "run"
    assert invoke("search", "isosceles", 7, *QUICK, "--run-dir", folder).status == 0
    return folder

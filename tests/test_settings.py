"""Settings: from and to TOML, by name, and what is refused."""

import dataclasses

import pytest

import patternboost as pb
from patternboost.problem.registry import find_problem
from patternboost.store.files import FileError
from patternboost.store.settings import (
    Settings,
    SettingsError,
    check,
    from_keywords,
    from_toml,
    idle_settings,
    parse_assignments,
    to_toml,
)


def test_settings_round_trip_through_toml(tmp_path):
    settings = Settings(
        "isosceles", 9, seed_from=('a "b"\\c\n', "archive"), minutes=1.5, mask=False, learning_rate=3e-4
    )
    path = tmp_path / "settings.toml"
    path.write_text(to_toml(settings))
    assert from_toml(path) == settings


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("problem = 'isosceles'\nn = 'x'", "n must be"),
        ("problem = 'isosceles'\nn = 3\nmagic = 1", "magic"),
        ("problem = 'isosceles'", "n"),
        ("problem = ", "TOML"),
        ("problem = 'isosceles'\nn = 3\nstarts = 0", "starts"),
        ("problem = 'isosceles'\nn = 3\nseed_from = [1]", "seed_from"),
        ("problem = 'isosceles'\nn = 3\nmodel = 'magic'", "gpt, every-size, graph, vit, bigram, unigram, none"),
    ],
)
def test_damaged_settings_are_refused(tmp_path, text, word):
    path = tmp_path / "settings.toml"
    path.write_text(f'version = "{pb.__version__}"\n{text}')
    with pytest.raises(FileError, match=word):
        from_toml(path)


def test_settings_by_name_are_checked():
    values = parse_assignments(["starts=7", "mask=false", "learning_rate=0.5", "model=none"])
    changed = from_keywords("isosceles", 9, values)
    assert (changed.starts, changed.mask, changed.learning_rate, changed.model) == (7, False, 0.5, "none")
    for wrong in ("starts", "magic=1", "starts=x", "mask=maybe", "n=4"):
        with pytest.raises(SettingsError):
            parse_assignments([wrong])
    with pytest.raises(SettingsError, match="did you mean learning_rate"):
        parse_assignments(["learning_rat=1"])
    base = Settings("isosceles", 9)
    for wrong in ({"jobs": 0}, {"top": 1.5}, {"minutes": -1.0}, {"width": 30}, {"tenure_max": 0}, {"temperature": 0.0},
                  {"top_p": 0.0}, {"learning_rate": 1000.0}, {"starts": 10**20}):  # fmt: skip
        with pytest.raises(SettingsError):
            check(dataclasses.replace(base, **wrong))
        with pytest.raises(SettingsError):
            from_keywords("isosceles", 9, wrong)
    with pytest.raises(SettingsError, match="must be of type int"):
        from_keywords("isosceles", 9, {"jobs": "two"})


def test_settings_that_do_nothing_are_named():
    assert idle_settings(Settings("isosceles", 9), find_problem("isosceles")) == []
    four = idle_settings(Settings("no-square", 9, regions=0.5), find_problem("no-square"))
    assert four == ["regions: forbidden sets of 4 have no regions but those of seeds"]
    none = idle_settings(Settings("isosceles", 9, model="none", width=128, heads=8), find_problem("isosceles"))
    assert none == ["heads: there is no model", "width: there is no model"]


def test_settings_of_another_version_are_refused_in_one_line_that_names_it(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('problem = "isosceles"\nn = 9\nfocus = 0.8\n')
    with pytest.raises(FileError, match=r"a run of patternboost 0\.1\.0, which reads it; this is "):
        from_toml(path)

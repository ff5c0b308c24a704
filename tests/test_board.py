"""Pictures of constructions: well formed, complete, and the same every time."""

import re
import struct
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import broken, edges, isosceles

from patternboost.construction import Construction
from patternboost.registry import problem
from patternboost.report import board

SVG = "{http://www.w3.org/2000/svg}"


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@given(st.integers(1, 8), st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_svg_has_a_circle_for_every_point(n: int, seed: int) -> None:
    construction = isosceles(n, seed)
    root = ET.fromstring(board.svg(construction))
    circles = list(root.iter(f"{SVG}circle"))
    cells = {(float(c.get("cy", "")) // board.CELL, float(c.get("cx", "")) // board.CELL) for c in circles}
    assert len(circles) == construction.score
    assert cells == set(construction.points)
    assert not list(root.iter(f"{SVG}ellipse"))


def test_svg_says_what_it_shows() -> None:
    assert "<title>isosceles n=8, 4 points</title>" in board.svg(broken(8))
    assert "<title>isosceles n=1, 1 point</title>" in board.svg(isosceles(1))


def test_svg_is_scaled_by_its_view_box_and_draws_the_grid_as_one_path() -> None:
    root = ET.fromstring(board.svg(isosceles(8)))
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)
    (path,) = root.iter(f"{SVG}path")
    assert path.get("d", "").count("M") == 2 * 9


def test_largest_board_stays_light() -> None:
    points = [(i, (i * i) % 256) for i in range(256)]
    assert len(board.svg(Construction.of(problem("isosceles", 256), points))) < 32_000


def test_notebook_shows_the_board() -> None:
    assert isosceles(5)._repr_svg_() == board.svg(isosceles(5))


def test_witness_is_ringed_joined_and_coloured() -> None:
    construction = broken(8)
    witness = construction.instance.violation(construction.points)
    assert witness is not None
    root = ET.fromstring(board.svg(construction, witness))
    rings = {(int(e.get("cy", "")) // 10, int(e.get("cx", "")) // 10) for e in root.iter(f"{SVG}ellipse")}
    assert rings == set(witness)
    (polygon,) = root.iter(f"{SVG}polygon")
    assert len(polygon.get("points", "").split()) == 3
    inked, marked = (list(g.iter(f"{SVG}circle")) for g in root.iter(f"{SVG}g") if g.get("fill") != "none")
    assert (len(inked), len(marked)) == (1, 3)


def test_square_witness_is_no_bow_tie() -> None:
    corners = [(0, 0), (3, 3), (0, 3), (3, 0)]
    outline = board._picture(Construction.of(problem("isosceles", 4), corners), corners).outline
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in zip(outline, [*outline[1:], outline[0]]))


@pytest.mark.parametrize("n", [1, 2, 8, 37, 64, 100, 217, 256])
def test_png_is_about_800_pixels_wide(n: int) -> None:
    width, height = size_of(board.png(Construction.of(problem("isosceles", n), [(0, 0)])))
    assert width == height
    assert 680 <= width <= 920


def test_png_is_the_same_every_time_and_marks_the_witness() -> None:
    construction = broken(8)
    witness = construction.instance.violation(construction.points) or []
    assert board.png(construction, witness) == board.png(construction, witness)
    assert board.png(construction, witness) != board.png(construction)
    assert b"matplotlib" not in board.png(construction).lower()


def test_png_needs_no_points() -> None:
    size_of(board.png(Construction.of(problem("isosceles", 4), [])))


def test_tikz_has_every_point_and_the_witness() -> None:
    construction = broken(8)
    picture = board.tikz(construction, [(0, 0), (0, 1), (1, 0)])
    assert picture.startswith(r"\begin{tikzpicture}")
    assert picture.endswith("\\end{tikzpicture}\n")
    assert picture.count("{") == picture.count("}")
    discs = re.findall(r"\\foreach \\x/\\y in \{([^}]*)\}\s*\\fill", picture)
    pairs = [pair.strip() for disc in discs for pair in disc.split(",")]
    assert sorted(pairs) == ["0.5/0.5", "0.5/1.5", "1.5/0.5", "6.5/7.5"]
    assert "-- cycle" in picture
    assert "cycle" not in board.tikz(construction)


def test_tikz_of_nothing_has_no_empty_loop() -> None:
    assert r"\x/\y" not in board.tikz(Construction.of(problem("isosceles", 4), []))


def test_text() -> None:
    assert board.text(Construction.of(problem("isosceles", 3), [(0, 1), (2, 0)])) == ".#.\n...\n#..\n"


@pytest.mark.parametrize("draw", [board.svg, board.png, board.tikz, board.text])
def test_what_cannot_be_drawn_is_refused_in_one_line(draw) -> None:  # type: ignore[no-untyped-def]
    for construction in (
        edges(),
        Construction.of(problem("isosceles", 4), [(0, 4)]),
        Construction.of(problem("isosceles", 4), [(0, 1, 2)]),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            draw(construction)


@pytest.mark.parametrize("draw", [board.svg, board.png, board.tikz])
def test_witness_must_be_part_of_the_construction(draw) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"witness point \[5, 5\]"):
        draw(broken(8), [(0, 0), (5, 5)])

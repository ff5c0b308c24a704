"""Pictures of constructions: well formed, complete, and the same every time."""

import re
import struct
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import broken, cube, edges, isosceles, undrawn

from patternboost.problem.registry import problem
from patternboost.store.construction import Construction
from patternboost.store.drawing import board, picture, render
from patternboost.store.drawing.graph import graph_scene
from patternboost.store.drawing.layers import layers_scene
from patternboost.store.drawing.scene import CELL

SVG = "{http://www.w3.org/2000/svg}"


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@given(st.integers(1, 8), st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_svg_has_a_circle_for_every_point(n: int, seed: int) -> None:
    construction = isosceles(n, seed)
    root = ET.fromstring(picture.svg(construction))
    circles = list(root.iter(f"{SVG}circle"))
    cells = {(float(c.get("cy", "")) // CELL, float(c.get("cx", "")) // CELL) for c in circles}
    assert len(circles) == construction.score
    assert cells == set(construction.points)
    assert not list(root.iter(f"{SVG}ellipse"))


def test_svg_says_what_it_shows() -> None:
    assert "<title>isosceles n=8, 4 points</title>" in picture.svg(broken(8))
    assert "<title>isosceles n=1, 1 point</title>" in picture.svg(isosceles(1))


def test_svg_is_scaled_by_its_view_box_and_draws_the_grid_as_one_path() -> None:
    root = ET.fromstring(picture.svg(isosceles(8)))
    assert "viewBox" in root.attrib
    assert not {"width", "height"} & set(root.attrib)
    (path,) = root.iter(f"{SVG}path")
    assert path.get("d", "").count("M") == 2 * 9


def test_largest_board_stays_light() -> None:
    points = [(i, (i * i) % 256) for i in range(256)]
    assert len(picture.svg(Construction.of(problem("isosceles", 256), points))) < 32_000


def unsized(shown: str | None) -> str:
    """A notebook's picture without the width that it has there."""
    return re.sub(r'<svg width="\d+" style="[^"]*" ', "<svg ", shown or "", count=1)


def test_notebook_shows_the_board() -> None:
    for construction, width in ((isosceles(5), 150), (isosceles(40), 360)):
        shown = construction._repr_svg_()
        assert shown is not None
        assert f'<svg width="{width}" ' in shown
        assert unsized(shown) == picture.svg(construction)
    assert unsized(broken(8)._repr_svg_()) == picture.svg(broken(8), broken(8).witness())
    assert undrawn()._repr_svg_() is None
    assert Construction.of(problem("isosceles", 4), [(0, 9)])._repr_svg_() is None


def test_witness_is_ringed_joined_and_coloured() -> None:
    construction = broken(8)
    witness = construction.instance.violation(construction.points)
    assert witness is not None
    root = ET.fromstring(picture.svg(construction, witness))
    rings = {(int(e.get("cy", "")) // 10, int(e.get("cx", "")) // 10) for e in root.iter(f"{SVG}ellipse")}
    assert rings == set(witness)
    (polygon,) = root.iter(f"{SVG}polygon")
    assert len(polygon.get("points", "").split()) == 3
    inked, marked = (list(g.iter(f"{SVG}circle")) for g in root.iter(f"{SVG}g") if g.get("fill") != "none")
    assert (len(inked), len(marked)) == (1, 3)


def test_square_witness_is_no_bow_tie() -> None:
    corners = [(0, 0), (3, 3), (0, 3), (3, 0)]
    outline = picture.scene_of(Construction.of(problem("isosceles", 4), corners), corners).outline
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in zip(outline, [*outline[1:], outline[0]]))


@pytest.mark.parametrize("n", [1, 2, 8, 37, 64, 100, 217, 256])
def test_png_is_about_800_pixels_wide(n: int) -> None:
    width, height = size_of(picture.png(Construction.of(problem("isosceles", n), [(0, 0)])))
    assert width == height
    assert 680 <= width <= 920


def test_png_is_the_same_every_time_and_marks_the_witness() -> None:
    construction = broken(8)
    witness = construction.instance.violation(construction.points) or []
    assert picture.png(construction, witness) == picture.png(construction, witness)
    assert picture.png(construction, witness) != picture.png(construction)
    assert b"matplotlib" not in picture.png(construction).lower()


def test_png_needs_no_points() -> None:
    size_of(picture.png(Construction.of(problem("isosceles", 4), [])))


def test_tikz_has_every_point_and_the_witness() -> None:
    construction = broken(8)
    drawn = picture.tikz(construction, [(0, 0), (0, 1), (1, 0)])
    assert drawn.startswith(r"\begin{tikzpicture}")
    assert drawn.endswith("\\end{tikzpicture}\n")
    assert drawn.count("{") == drawn.count("}")
    discs = re.findall(r"\\foreach \\x/\\y in \{([^}]*)\}\s*\\fill", drawn)
    pairs = [pair.strip() for disc in discs for pair in disc.split(",")]
    assert sorted(pairs) == ["0.5/0.5", "0.5/1.5", "1.5/0.5", "6.5/7.5"]
    assert "-- cycle" in drawn
    assert "cycle" not in picture.tikz(construction)


def test_tikz_of_nothing_has_no_empty_loop() -> None:
    assert r"\x/\y" not in picture.tikz(Construction.of(problem("isosceles", 4), []))


def test_text() -> None:
    assert board.text(Construction.of(problem("isosceles", 3), [(0, 1), (2, 0)])) == ".#.\n...\n#..\n"


@pytest.mark.parametrize("draw", [picture.svg, picture.png, picture.tikz, board.text])
def test_what_cannot_be_drawn_is_refused_in_one_line(draw) -> None:  # type: ignore[no-untyped-def]
    for construction in (
        undrawn(),
        Construction.of(problem("isosceles", 4), [(0, 4)]),
        Construction.of(problem("isosceles", 4), [(0, 1, 2)]),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            draw(construction)


@pytest.mark.parametrize("draw", [picture.svg, picture.png, picture.tikz])
def test_witness_must_be_part_of_the_construction(draw) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"witness point \[5, 5\]"):
        draw(broken(8), [(0, 0), (5, 5)])


@pytest.mark.parametrize("suffix", [".svg", ".png", ".tikz", ".tex", ".PNG"])
def test_the_ending_of_a_name_chooses_the_format(suffix: str) -> None:
    content = picture.picture_bytes(broken(8), suffix)
    start = {".png": b"\x89PNG", ".svg": b"<svg"}.get(suffix.lower(), b"\\begin{tikzpicture}")
    assert content.startswith(start)


@pytest.mark.parametrize("suffix", [".pdf", "", ".svgz"])
def test_other_endings_are_refused(suffix: str) -> None:
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.tikz, \.tex"):
        picture.picture_bytes(broken(8), suffix)


# -- other ground sets -------------------------------------------------------------------------------------------------


def test_the_ground_set_chooses_the_drawing() -> None:
    assert picture.drawing_of(isosceles(5).instance) == "board"
    assert picture.drawing_of(cube().instance) == "layers"
    assert picture.drawing_of(edges().instance) == "graph"
    assert picture.drawing_of(undrawn().instance) is None


def test_a_cube_is_drawn_by_layers() -> None:
    """Every point stands on the board of its first coordinate, in the cell of the other two."""
    points = [(0, 0, 0), (0, 2, 1), (1, 1, 1), (2, 2, 0)]
    scene = layers_scene("box", points, 3, [(1, 1, 1)])
    assert (len(scene.boards), [text for _, text in scene.labels]) == (3, ["x = 0", "x = 1", "x = 2"])
    spots = [(b.centre(r, c)) for b, p in zip([scene.boards[p[0]] for p in points], points) for r, c in [p[1:]]]
    assert scene.plain == [spots[0], spots[1], spots[3]]
    assert scene.marked == [spots[2]]
    corners = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in scene.boards]
    for i, (x, y, right, bottom) in enumerate(corners):
        assert 0 <= x < right <= scene.width
        assert 0 <= y < bottom <= scene.height
        assert all(
            right <= u or v_right <= x or bottom <= v or v_bottom <= y for u, v, v_right, v_bottom in corners[:i]
        )
    root = ET.fromstring(render.svg(scene))
    assert len(list(root.iter(f"{SVG}circle"))) == 4
    assert len(list(root.iter(f"{SVG}ellipse"))) == 1


@pytest.mark.parametrize(("n", "dimension"), [(3, 2), (1, 3), (2, 3), (10, 3), (3, 4), (5, 4), (3, 5), (3, 6)])
def test_layers_of_any_size(n: int, dimension: int) -> None:
    scene = layers_scene("box", [(n - 1,) * dimension], n)
    assert len(scene.boards) == n ** (dimension - 2)
    last = scene.boards[-1]
    assert scene.plain == [last.centre(n - 1, n - 1)]
    assert size_of(render.png(scene))[0] <= 1000
    with pytest.raises(ValueError, match="one coordinate"):
        layers_scene("box", [(0,)], n)


def test_vectors_modulo_three_are_drawn_on_boards_of_three() -> None:
    cap = Construction.of(problem("cap-set", 5), [(0, 1, 2, 0, 1), (2, 2, 2, 2, 2)])
    scene = picture.scene_of(cap)
    assert len(scene.boards) == 27
    assert scene.plain == [scene.boards[5].centre(0, 1), scene.boards[26].centre(2, 2)]


def test_a_graph_has_its_vertices_on_a_circle() -> None:
    scene = graph_scene("graph", [(0, 1), (1, 4)], 5, [(1, 4)])
    middle = scene.width / 2
    distances = [((x - middle) ** 2 + (y - middle) ** 2) ** 0.5 for x, y in scene.nodes]
    assert distances == pytest.approx([distances[0]] * 5)
    assert scene.segments == [(scene.nodes[0], scene.nodes[1])]
    assert scene.marked_segments == [(scene.nodes[1], scene.nodes[4])]
    assert scene.title == "graph, 2 edges"
    assert not graph_scene("graph", [], 200).labels


@pytest.mark.parametrize("construction", [cube(), edges()], ids=["cube", "graph"])
def test_every_drawing_has_every_format(construction: Construction) -> None:
    first = construction.points[:1]
    ET.fromstring(picture.svg(construction, first))
    size_of(picture.png(construction, first))
    assert picture.png(construction, first) == picture.png(construction, first) != picture.png(construction)
    drawn = picture.tikz(construction, first)
    assert drawn.count("{") == drawn.count("}")
    assert "red" in drawn
    assert unsized(construction._repr_svg_()) == picture.svg(construction)

"""A scene as SVG, PNG and TikZ."""

from __future__ import annotations

from html import escape
from io import BytesIO

from patternboost.store.drawing.scene import CELL, Board, Scene, Segment, Spot

#: About how many pixels wide a PNG's picture is; cells are a whole number of pixels, which keeps grid lines even.
PIXELS = 760
#: Longer side of a TikZ picture, millimetres.
MILLIMETRES = 100

CARD, PAPER, LINES, INK, ALARM = "#f4f2ec", "#ffffff", "#cfccc4", "#1d3f72", "#d2401f"
SOFT = "#77746c"


def svg(scene: Scene) -> str:
    """One self-contained SVG. Every part has a class, so that a page can colour it otherwise."""
    margin, radius = scene.margin, f"{scene.radius:g}"
    low = f"{-margin:g}"
    wide, high = f"{scene.width + 2 * margin:g}", f"{scene.height + 2 * margin:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{low} {low} {wide} {high}" role="img">',
        f"<title>{escape(scene.title)}</title>",
        f'<rect class="card" x="{low}" y="{low}" width="{wide}" height="{high}" rx="{margin / 2:g}" fill="{CARD}"/>',
    ]
    for board in scene.boards:
        at = f'x="{board.x:g}" y="{board.y:g}" ' if board.x or board.y else ""
        parts += [
            f'<rect class="paper" {at}width="{board.width}" height="{board.height}" fill="{PAPER}"/>',
            f'<path class="lines" d="{_grid(board)}" fill="none" stroke="{LINES}" stroke-width="{scene.line:g}" '
            'stroke-linecap="square"/>',
        ]
    pen = f'fill="none" stroke-width="{scene.stroke:g}" stroke-linejoin="round" stroke-linecap="round"'
    for segments, name, colour in ((scene.segments, "ink", INK), (scene.marked_segments, "alarm", ALARM)):
        if segments:
            path = "".join(f"M{a:.6g} {b:.6g}L{c:.6g} {d:.6g}" for (a, b), (c, d) in segments)
            parts.append(f'<path class="{name}-line" d="{path}" {pen} stroke="{colour}"/>')
    if scene.outline:  # below the points, so that it hides none of them
        corners = " ".join(f"{x:g},{y:g}" for x, y in scene.outline)
        parts.append(f'<polygon class="alarm-line" points="{corners}" {pen} stroke="{ALARM}"/>')
    if scene.nodes:
        parts += [f'<g class="soft" fill="{SOFT}">', *_svg_discs(scene.nodes, radius), "</g>"]
    parts += [f'<g class="ink" fill="{INK}">', *_svg_discs(scene.plain, radius), "</g>"]
    if scene.marked:
        ring = f"{scene.ring:g}"
        parts += [
            # Rings are ellipses, so that the number of circles is the number of points.
            f'<g class="alarm-line" {pen} stroke="{ALARM}">',
            *(f'<ellipse cx="{x:g}" cy="{y:g}" rx="{ring}" ry="{ring}"/>' for x, y in scene.marked),
            "</g>",
            f'<g class="alarm" fill="{ALARM}">',
            *_svg_discs(scene.marked, radius),
            "</g>",
        ]
    if scene.labels:
        style = f'font-family="sans-serif" font-size="{scene.label_size:g}" text-anchor="middle"'
        parts += [
            f'<g class="soft" fill="{SOFT}" {style} dominant-baseline="central">',
            *(f'<text x="{x:.6g}" y="{y:.6g}">{escape(text)}</text>' for (x, y), text in scene.labels),
            "</g>",
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(board: Board) -> str:
    x, y, width, height = board.x, board.y, board.width, board.height
    rows = "".join(f"M{x:g} {y + s:g}H{x + width:g}" for s in range(0, height + 1, CELL))
    return rows + "".join(f"M{x + s:g} {y:g}V{y + height:g}" for s in range(0, width + 1, CELL))


def _svg_discs(centres: list[Spot], radius: str) -> list[str]:
    return [f'<circle cx="{x:.6g}" cy="{y:.6g}" r="{radius}"/>' for x, y in centres]


def png(scene: Scene) -> bytes:
    """About 800 pixels wide or high, always the same bytes."""
    # Imported late: matplotlib takes long to load, and most commands draw nothing.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import EllipseCollection, LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon, Rectangle

    cell = max(1, round(PIXELS / (scene.side / CELL)))
    margin = round(scene.margin * cell / CELL)
    dpi = 64  # a power of two: sizes in inches are exact, and no pixel is lost to rounding
    points_per_unit = cell / CELL * 72 / dpi
    size = [(round(cell * length / CELL) + 2 * margin) / dpi for length in (scene.width, scene.height)]
    figure = Figure(figsize=(size[0], size[1]), dpi=dpi, facecolor=CARD)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    border = margin * CELL / cell
    axes.set(xlim=(-border, scene.width + border), ylim=(scene.height + border, -border))
    grid: list[Segment] = []
    for board in scene.boards:
        x, y, wide, high = board.x, board.y, board.width, board.height
        axes.add_patch(Rectangle((x, y), wide, high, facecolor=PAPER, edgecolor="none", zorder=1))
        grid += [((x, y + s), (x + wide, y + s)) for s in range(0, high + 1, CELL)]
        grid += [((x + s, y), (x + s, y + high)) for s in range(0, wide + 1, CELL)]
    width = scene.line * points_per_unit
    axes.add_collection(
        LineCollection(grid, colors=LINES, linewidths=width, capstyle="projecting", snap=True, zorder=2)
    )
    stroke = scene.stroke * points_per_unit
    for segments, colour in ((scene.segments, INK), (scene.marked_segments, ALARM)):
        axes.add_collection(LineCollection(segments, colors=colour, linewidths=stroke, capstyle="round", zorder=3))

    def discs(centres: list[Spot], radius: float, zorder: int, face: str, edge: str = "none") -> None:
        if not centres:
            return
        collection = EllipseCollection(
            [2 * radius],
            [2 * radius],
            [0],
            units="xy",
            offsets=centres,
            offset_transform=axes.transData,
            facecolors=face,
            edgecolors=edge,
            linewidths=stroke,
            zorder=zorder,
        )
        axes.add_collection(collection)

    if scene.outline:
        axes.add_patch(
            Polygon(scene.outline, fill=False, edgecolor=ALARM, linewidth=stroke, joinstyle="round", zorder=3)
        )
    discs(scene.nodes, scene.radius, 4, SOFT)
    discs(scene.plain, scene.radius, 4, INK)
    discs(scene.marked, scene.ring, 5, "none", ALARM)
    discs(scene.marked, scene.radius, 6, ALARM)
    for (x, y), text in scene.labels:
        font = scene.label_size * points_per_unit
        axes.text(x, y, text, fontsize=font, color=SOFT, ha="center", va="center", parse_math=False)
    out = BytesIO()
    # Without "Software" the bytes do not depend on matplotlib's version number.
    canvas.print_png(out, metadata={"Title": scene.title, "Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def tikz(scene: Scene) -> str:
    """A tikzpicture, for a document that loads tikz."""
    millimetres = MILLIMETRES / (scene.side / CELL)  # of a cell
    line = f"{scene.line / CELL * millimetres:.3f}mm"
    stroke = f"{scene.stroke / CELL * millimetres:.3f}mm"
    lines = [
        # y grows downwards, so that coordinates are (column, row) with row 0 at the top
        rf"\begin{{tikzpicture}}[x={millimetres:.4g}mm,y=-{millimetres:.4g}mm]",
        f"  % {scene.title}",
    ]
    for board in scene.boards:
        shift = f",shift={{({_tikz(board.x)},{_tikz(board.y)})}}" if board.x or board.y else ""
        lines += [
            rf"  \foreach \i in {{0,...,{board.rows}}}",
            rf"    \draw[black!20,line width={line},line cap=rect{shift}] (0,\i) -- ({board.columns},\i);",
            rf"  \foreach \i in {{0,...,{board.columns}}}",
            rf"    \draw[black!20,line width={line},line cap=rect{shift}] (\i,0) -- (\i,{board.rows});",
        ]
    ink, alarm = "blue!60!black", "red!85!black"
    pen = f"line width={stroke},line join=round,line cap=round"
    for segments, colour in ((scene.segments, ink), (scene.marked_segments, alarm)):
        for (a, b), (c, d) in segments:
            lines.append(rf"  \draw[{colour},{pen}] ({_tikz(a)},{_tikz(b)}) -- ({_tikz(c)},{_tikz(d)});")
    disc = f"circle[radius={scene.radius / CELL:.4g}]"
    if scene.outline:
        path = " -- ".join(f"({_tikz(x)},{_tikz(y)})" for x, y in scene.outline)
        lines.append(rf"  \draw[{alarm},{pen}] {path} -- cycle;")
    lines += _tikz_circles(scene.nodes, rf"\fill[black!55] (\x,\y) {disc};")
    lines += _tikz_circles(scene.plain, rf"\fill[{ink}] (\x,\y) {disc};")
    rings = rf"\draw[{alarm},{pen}] (\x,\y) circle[radius={scene.ring / CELL:.3g}];"
    lines += _tikz_circles(scene.marked, rings)
    lines += _tikz_circles(scene.marked, rf"\fill[{alarm}] (\x,\y) {disc};")
    for (x, y), text in scene.labels:
        lines.append(rf"  \node[black!55,font=\scriptsize] at ({_tikz(x)},{_tikz(y)}) {{{text}}};")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _tikz(x: float) -> str:
    return f"{x / CELL:.5g}"


def _tikz_circles(centres: list[Spot], command: str) -> list[str]:
    r"""A \foreach over centres, ten a line; none at all for no centres, since TikZ visits an empty list once."""
    if not centres:
        return []
    pairs = [f"{_tikz(x)}/{_tikz(y)}" for x, y in centres]
    rows = [", ".join(pairs[i : i + 10]) for i in range(0, len(pairs), 10)]
    return [r"  \foreach \x/\y in {", *(f"    {row}," for row in rows[:-1]), f"    {rows[-1]}}}", f"    {command}"]

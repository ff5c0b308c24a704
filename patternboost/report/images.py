"""Plots by matplotlib as PNG, and as a part of a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any


def png(draw: Callable[[Any], None], width: float, height: float) -> bytes:
    """What `draw(figure)` draws, as a PNG; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def image(png: bytes) -> str:
    """A PNG as a part of a page."""
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(png).decode()}">'

"""The curves of a report as a figure for a paper, by matplotlib."""

from __future__ import annotations

from pathlib import Path

from patternboost.report.data import best_curve, loss_curve
from patternboost.report.findings import Findings
from patternboost.store.files import atomic_write
from patternboost.store.records import known_record

KINDS = ("pdf", "png", "svg")


def write_plot(path: Path, findings: Findings) -> Path:
    """Best score against time, with the control, and the losses where there are any.

    The ending of the name says which of `KINDS` it is. Raises ValueError for another, or where there is no log yet.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ValueError(f"--plot {path}: its name must end in .{', .'.join(KINDS)}")
    curve = best_curve(findings.log)
    if not curve:
        raise ValueError(f"--plot {path}: the run has no score to plot yet")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses = loss_curve(findings.log)
    figure = Figure(figsize=(8 if losses else 5, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if losses else 1, squeeze=False)[0]
    axes[0].step(*zip(*curve), where="post", label="with the model" if losses else "this run")
    if findings.control is not None and (control := best_curve(findings.control[1])):
        axes[0].step(*zip(*control), where="post", label="control")
    known = known_record(findings.instance.name, findings.instance.n)
    if known is not None:
        axes[0].axhline(known.value, color="tab:red", linestyle="--", label=f"best known: {known.value}")
    axes[0].set(xlabel="seconds", ylabel="best score", title=str(findings.instance))
    axes[0].yaxis.get_major_locator().set_params(integer=True)
    axes[0].legend()
    if losses:
        generations = [generation for generation, _, _ in losses]
        for name, values in (("training", [a for _, a, _ in losses]), ("held out", [b for _, _, b in losses])):
            axes[1].plot(generations, [float("nan") if v is None else v for v in values], label=name)
        axes[1].set(xlabel="generation", ylabel="cross-entropy per token")
        axes[1].legend()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}[kind]
    with atomic_write(path) as file:
        figure.savefig(file, format=kind, dpi=200, metadata=metadata)
    return path

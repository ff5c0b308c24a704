"""A lesson's page: the rates beside the lecture's, the loss curve, samples, and attention heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patternboost.model.attention import attention
from patternboost.report.images import png
from patternboost.report.page import render
from patternboost.studies.lecture.learning import Learned, Score

#: samples listed on the page
_LISTED = 40
#: a heatmap has labels on its axes up to so many places
_LABELLED = 48


def heatmap(learned: Learned, string: str) -> bytes:
    """Where every layer (row) and head (column) looks while the string is written."""
    weights = attention(learned.model, learned.characters.encode(string)[:-1]).numpy()
    labels = learned.characters.labels(string)
    layers, heads = weights.shape[:2]

    def draw(figure: Any) -> None:
        axes = figure.subplots(layers, heads, squeeze=False)
        for layer in range(layers):
            for head in range(heads):
                place = axes[layer][head]
                place.imshow(weights[layer, head], vmin=0, cmap="viridis", interpolation="nearest")
                place.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=8)
                shown = range(len(labels)) if len(labels) <= _LABELLED else []
                place.set_xticks(shown, [labels[i] for i in shown], fontsize=5)
                place.set_yticks(shown, [labels[i] for i in shown], fontsize=5)

    return png(draw, 3.2 * heads, 3.2 * layers)


def curve(learned: Learned) -> bytes:
    """Losses, and the share of samples that obeys the rule, along the training."""

    def draw(figure: Any) -> None:
        axes, rated = figure.subplots(1, 2)
        steps = [step for step, _, _ in learned.log.curve]
        axes.plot(steps, [loss for _, loss, _ in learned.log.curve], label="training")
        axes.plot(steps, [held for _, _, held in learned.log.curve], label="held out")
        axes.set(xlabel="step", ylabel="cross-entropy per symbol")
        axes.legend()
        rated.plot(*zip(*learned.rates, strict=True) if learned.rates else ([], []), marker=".")
        rated.set(xlabel="step", ylabel="share of samples that obeys", ylim=(-0.02, 1.02))

    return png(draw, 9, 3)


def drawn(learned: Learned) -> dict[str, bytes]:
    """The lesson's pictures by file name; no heatmap where no sample was well-formed."""
    formed = [s for s in learned.transformer.samples if s]
    right = [s for s in formed if learned.strings.obeys(s)]  # one that breaks the rule shows little of it
    shown = min(right or formed, key=len, default=None)
    pictures = {"curve.png": curve(learned)}
    return pictures if shown is None else pictures | {"attention.png": heatmap(learned, shown)}


def _share(value: float) -> str:
    return f"{value:.1%}"


def rates(learned: Learned) -> list[tuple[str, str, str]]:
    """Rows of what is measured: its name, the transformer's, the bigram's."""
    rows = [("obey the rule", learned.transformer.obeys, learned.bigram.obeys)]
    rows += [(name, share, learned.bigram.parts[name]) for name, share in learned.transformer.parts.items()]
    rows.append(("of a wrong format", learned.transformer.malformed, learned.bigram.malformed))
    return [(name, _share(ours), _share(theirs)) for name, ours, theirs in rows]


def _samples(score: Score, learned: Learned) -> str:
    """The first samples, one a line, each with whether it obeys the rule."""
    lines = []
    for sample in score.samples[:_LISTED]:
        mark = "-" if sample is None else ("yes" if learned.strings.obeys(sample) else "no")
        lines.append(f"{mark:4}{sample if sample is not None else '(wrong format)'}")
    return "\n".join(lines)


def _lesson(learned: Learned, pngs: dict[str, bytes]) -> dict[str, Any]:
    """What the template shows of one data set."""
    strings, settings = learned.strings, learned.settings
    return {
        "name": strings.name,
        "definition": strings.definition,
        "lecture": strings.lecture,
        "protocol": f"Here: {learned.log.steps:,} steps of {settings.batch} strings, {len(learned.data):,} strings, "
        f"{learned.model.parameter_count():,} parameters, weight decay {settings.weight_decay:g}, seed "
        f"{settings.seed}, {learned.log.seconds:.0f} s.",
        "head": (f"{settings.samples} samples", "transformer", "bigram"),
        "rates": rates(learned),
        "curve": pngs["curve.png"],
        "attention": pngs.get("attention.png"),
        "samples": _samples(learned.transformer, learned),
    }


def lesson_html(name: str, lessons: Sequence[Learned], pictures: Sequence[dict[str, bytes]]) -> str:
    """The page of one lesson, or of several that belong together; `pictures` as `drawn` makes them."""
    shown = [_lesson(learned, pngs) for learned, pngs in zip(lessons, pictures, strict=True)]
    return render("lesson", title=name, lessons=shown)

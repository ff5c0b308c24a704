"""What the report's page draws, as JSON: the log cut down to what a page can hold, the control, the attention map."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from patternboost.loop.origins import Origin
from patternboost.report.progress import time_text

#: most generations with histograms, and most points of a curve, that a page holds
MAX_GENERATIONS = 500
MAX_POINTS = 1000
#: a loss per token that is lower by less than this is no lower
_GAIN = 0.01

_T = TypeVar("_T")
Entry = Mapping[str, Any]


def thinned(items: Sequence[_T], most: int) -> list[_T]:
    """At most `most` of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / (most - 1)
    return [items[round(i * step)] for i in range(most)]


def is_better(score: int, other: int, entry: Entry) -> bool:
    """Whether a score is better than another, by a line of the log that says which are wanted."""
    return score < other if entry.get("minimised") else score > other


def best_curve(log: Sequence[Entry]) -> list[tuple[float, int]]:
    """Seconds and best score: every new best at its moment, where the log knows it, and the end of the log."""
    curve: list[tuple[float, int]] = []
    for entry in log:
        moments = [(float(t), int(score)) for t, score in entry.get("bests", [])]
        for seconds, score in [*moments, (float(entry["seconds"]), int(entry["best"]))]:
            if score and (not curve or is_better(score, curve[-1][1], entry)):
                curve.append((seconds, score))
    if curve and log and log[-1]["seconds"] > curve[-1][0]:
        curve.append((float(log[-1]["seconds"]), curve[-1][1]))
    return curve


def loss_curve(log: Sequence[Entry]) -> list[tuple[float, float | None, float | None]]:
    """Generation (with the share of its training steps as a fraction), loss, held-out loss; at most `MAX_POINTS`."""
    curve: list[tuple[float, float | None, float | None]] = []
    for entry in log:
        train = entry.get("train")
        if not train:
            continue
        looks = train.get("curve") or [[train["steps"], train["loss"], train["held_out_loss"]]]
        last = max(step for step, _, _ in looks) or 1
        curve += [(round(entry["generation"] + step / last, 3), loss, held) for step, loss, held in looks]
    return thinned(curve, MAX_POINTS)


def counted_curve(log: Sequence[Entry]) -> list[tuple[int, float]]:
    """Generation, and the held-out loss of counting tokens alone; at most `MAX_POINTS`."""
    found = [(e["generation"], (e.get("train") or {}).get("counted_loss")) for e in log]
    return thinned([(generation, loss) for generation, loss in found if loss is not None], MAX_POINTS)


def learned(log: Sequence[Entry]) -> str:
    """Whether the model learned more than how frequent tokens are, in a sentence; empty where it did not train."""
    trained = [e["train"] for e in log if (e.get("train") or {}).get("held_out_loss") is not None]
    if not trained or trained[-1].get("counted_loss") is None:
        return ""
    held, counted = trained[-1]["held_out_loss"], trained[-1]["counted_loss"]
    verdict = "knows more than that" if held < counted - _GAIN else "has learned no more than that"
    return f"Held out, the model is at {held:.2f} a token, counting tokens alone at {counted:.2f}: the model {verdict}."


def opening(log: Sequence[Entry]) -> int:
    """The generation that a report opens at: the last one that time did not cut short; its place in the log."""
    walks = [sum(entry["after"].values()) for entry in log]
    usual = sorted(walks)[len(walks) // 2] if walks else 0
    full = [i for i, count in enumerate(walks) if 2 * count >= usual]
    return full[-1] if full else 0


def generation_data(entry: Entry, seconds: float) -> dict[str, Any]:
    """One generation, which took `seconds`: its figures and, by the origin of the start, its histograms."""
    after = entry["after"]
    walks = sum(after.values())
    empty = sum(entry["origins"].get(name, {}).get("walks", 0) for name in Origin if name.empty)
    drawn, malformed = entry["sampled"], entry["malformed"]
    walked = entry["origins"].get("model", {}).get("walks", 0)
    phases = {name: round(s, 2) for name, s in entry["phases"].items()}
    phases["other"] = round(max(0.0, seconds - sum(entry["phases"].values())), 2)
    return {
        "generation": entry["generation"],
        "seconds": round(entry["seconds"], 1),
        "best": entry["best"],
        "walks": walks,
        "leader": entry["leader"],
        "pool": entry["pool"]["size"],
        "sampled": drawn,
        "malformed": malformed,
        "new": entry["new"],
        "improved": _share(entry.get("improved"), walks - empty),
        "valid": _share(entry.get("valid"), walked + malformed) if drawn else None,
        "phases": phases,
        "origins": {
            name: {kind: histogram for kind in ("before", "after") if (histogram := of.get(kind))}
            for name, of in entry["origins"].items()
        },
        "all": {"before": entry["before"], "after": after},
    }


def _share(count: int | None, of: int) -> float | None:
    return None if count is None or of <= 0 else round(count / of, 4)


def report_data(
    log: Sequence[Entry], control: Sequence[Entry] | None, known: int | None, attention: Any
) -> dict[str, Any]:
    """The page's data, ready for JSON. `known` is the best known score, `control` the log of the control run."""
    curves = [{"name": "this run", "points": best_curve(log)}]
    if control:
        curves.append({"name": "control", "points": best_curve(control)})
    ends = [0.0, *(entry["seconds"] for entry in log)]
    lengths = [max(0.0, end - begin) for begin, end in itertools.pairwise(ends)]
    kept = thinned(range(len(log)), MAX_GENERATIONS)
    whole = opening(log)
    return {
        "curves": curves,
        "known": known,
        "generations": [generation_data(log[i], lengths[i]) for i in kept],
        "loss": loss_curve(log),
        "counted": counted_curve(log),
        "opening": min(range(len(kept)), key=lambda i: abs(kept[i] - whole), default=0),
        "attention": attention,
        "origins": {"all": "all starts"} | {str(o): o.label for o in Origin},
    }


def origin_rows(log: Sequence[Entry]) -> list[list[str]]:
    """What came of every kind of start: walks, workers' time, new sets, best score and how often it was reached."""
    rows = []
    for origin in dict.fromkeys(name for entry in log for name in entry["origins"]):
        parts = [entry["origins"][origin] for entry in log if origin in entry["origins"]]
        walks, new = (sum(int(part.get(name, 0)) for part in parts) for name in ("walks", "new"))
        best = (min if log[-1].get("minimised") else max)(int(part["best"]) for part in parts)
        often = sum(int(part.get("after", {}).get(str(best), 0)) for part in parts)
        seconds = sum(float(entry.get("worked", {}).get(origin, 0.0)) for entry in log)
        rows.append([origin_label(origin), f"{walks:,}", time_text(seconds), f"{new:,}", str(best), f"{often:,}"])
    sign = 1 if log and log[-1].get("minimised") else -1
    return sorted(rows, key=lambda row: (sign * int(row[4]), row[0]))


def origin_label(origin: str) -> str:
    """An origin in words; one of an earlier version as it is."""
    return Origin(origin).label if origin in list(Origin) else origin


#: levels of an attention weight, one character each
LEVELS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def pack_weights(rows: Sequence[Sequence[float]]) -> list[str]:
    """Weights from 0 to 1 as one character each: the square root in 62 levels, so that small ones still show."""
    top = len(LEVELS) - 1
    return ["".join(LEVELS[round(top * math.sqrt(min(1.0, max(0.0, w))))] for w in row) for row in rows]

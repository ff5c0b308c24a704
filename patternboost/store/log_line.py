"""What a line of a run's log must hold before anything is made of it: files are not trusted."""

from __future__ import annotations

import math
from typing import Any

_NUMBERS = ("seconds", "best", "new", "sampled", "malformed", "steps")
_MAX_TEXT = 64


def is_log_line(value: Any) -> bool:
    """Whether a JSON value is a generation's line as `loop.statistics` makes it, in this version or an older one.

    >>> is_log_line({"generation": 0, "seconds": "soon"})
    False
    """
    try:
        return (
            type(value["generation"]) is int
            and value["generation"] >= 0
            and all(_number(value[name]) for name in _NUMBERS)
            and _text(value["leader"])
            and all(_number(value["pool"][name]) for name in ("size", "median", "least"))
            and all(_histogram(value[name]) for name in ("before", "after"))
            and all(_text(name) and _number(seconds) for name, seconds in value["phases"].items())
            and all(_text(name) and _number(seconds) for name, seconds in value.get("worked", {}).items())
            and all(_text(name) and _origin(walks) for name, walks in value["origins"].items())
            and all(_number(value.get(name, 0)) for name in ("improved", "valid", "empty", "novel"))
            and (value.get("temperature") is None or _number(value["temperature"]))
            and all(len(moment) == 2 and all(map(_number, moment)) for moment in value.get("bests", []))
            and (value["train"] is None or _train(value["train"]))
            and all(_text(name) and _number(x) for name, x in (value.get("align") or {}).items())
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 2**63


def _text(value: Any) -> bool:
    return type(value) is str and len(value) <= _MAX_TEXT and value.isprintable()


def _histogram(value: Any) -> bool:
    """Score, a whole number as text, to count."""
    return all(abs(int(score)) < 2**53 and type(count) is int and 0 <= count < 2**63 for score, count in value.items())


def _origin(value: Any) -> bool:
    known = all(_number(value[name]) for name in ("walks", "best", "mean"))
    return (
        known and _number(value.get("new", 0)) and all(_histogram(value.get(name, {})) for name in ("before", "after"))
    )


def _train(value: Any) -> bool:
    looks = [(value["steps"], value["loss"], value["held_out_loss"]), *value.get("curve", [])]
    counted = value.get("counted_loss")
    return (counted is None or _number(counted)) and all(
        _number(step) and all(x is None or _number(x) for x in (loss, held)) for step, loss, held in looks
    )

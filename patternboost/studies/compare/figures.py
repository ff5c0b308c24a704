"""What a comparison's outcomes say, with their uncertainty."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from patternboost.studies.compare.arm_run import ArmRun

#: the level at which a difference is called one
LEVEL = 0.05
_RESAMPLES = 20_000
#: fewer runs of an arm cannot show a difference at this level, whatever they are
LEAST_RUNS = 4


@dataclass(frozen=True)
class Verdict:
    """How an arm does against the control."""

    arm: str
    #: share of the pairs (a run of the arm, a run of the control) that the arm's wins, ties counted half; and its 95 %
    #: interval (bootstrap over runs)
    share: float
    low: float
    high: float
    #: two-sided permutation test of that share being 1/2, corrected for the number of arms (see `holm`)
    p: float
    runs: int
    control: str = "none"

    def __str__(self) -> str:
        p = f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001"
        what = f"wins {self.share:.0%} of the pairs (95 %: {self.low:.0%} to {self.high:.0%}; {p})"
        if self.runs < LEAST_RUNS:
            return (
                f"{self.arm} against {self.control}: {what}; too few runs for a verdict, {LEAST_RUNS} of each at least"
            )
        if self.p >= LEVEL:
            return f"{self.arm} against {self.control}: no difference shown; {what}"
        return f"{self.arm} is {'better' if self.share > 0.5 else 'worse'} than {self.control}: {what}"


def least_p(runs: int, arms: int) -> float:
    """The least p that `runs` runs of each of `arms` arms can come to for one of them, corrected: all its pairs won."""
    return min(1.0, 2 / comb(2 * runs, runs) * (arms - 1))


def runs_needed(arms: int) -> int:
    """How many runs of each arm it takes for a verdict, if an arm wins all its pairs."""
    return next(runs for runs in count(LEAST_RUNS) if least_p(runs, arms) < LEVEL)


def too_easy(outcomes: Sequence[ArmRun], seconds: float) -> bool:
    """Whether all runs came to the same score within the first half of their time: scores tell no arms apart then."""
    if len(outcomes) < LEAST_RUNS or len({o.best for o in outcomes}) > 1:
        return False
    times = [o.time_to(o.best) for o in outcomes]
    return all(time is not None and time <= seconds / 2 for time in times)


def of_arm(outcomes: Sequence[ArmRun], arm: str) -> list[ArmRun]:
    """The outcomes of one arm, by seed."""
    return sorted((o for o in outcomes if o.arm == arm), key=lambda o: o.seed)


def ranking(outcomes: Sequence[ArmRun]) -> NDArray[np.float64]:
    """A number for each run, higher for better: by best score, among equal ones by how soon it was reached."""
    keys = [(o.best_merit, -(o.time_to(o.best) or 0.0)) for o in outcomes]
    order = {key: float(i) for i, key in enumerate(sorted(set(keys)))}
    return np.array([order[key] for key in keys])


def _wins(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    difference = ours[:, None] - theirs[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def verdict(ours: Sequence[ArmRun], control: Sequence[ArmRun], seed: int = 0) -> Verdict:
    """An arm's runs against the control's (one of each at least)."""
    ranks = ranking([*ours, *control])
    a, b = ranks[: len(ours)], ranks[len(ours) :]
    rng = np.random.default_rng(seed)
    share = _wins(a, b)
    draws = [_wins(rng.choice(a, len(a)), rng.choice(b, len(b))) for _ in range(2_000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    p = 1.0
    if len(a) > 1 and len(b) > 1:
        test = stats.permutation_test(
            (a, b), _wins, n_resamples=_RESAMPLES, alternative="two-sided", vectorized=False, rng=rng
        )
        p = min(1.0, float(test.pvalue))
    return Verdict(ours[0].arm, share, float(low), float(high), p, min(len(a), len(b)), control[0].arm)


def holm(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts on several arms, their p corrected for how many there are.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    order = sorted(range(len(verdicts)), key=lambda i: verdicts[i].p)
    corrected, least = list(verdicts), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, verdicts[i].p * (len(verdicts) - rank)))
        corrected[i] = dataclasses.replace(verdicts[i], p=least)
    return corrected


def hit_rates(outcomes: Sequence[ArmRun], arms: Sequence[str]) -> list[tuple[int, list[float]]]:
    """(score, share of each arm's runs that reached it) for every best score of a run, the best first."""
    scores = sorted({o.best for o in outcomes if o.curve}, reverse=not any(o.minimised for o in outcomes))
    by_arm = [of_arm(outcomes, arm) for arm in arms]
    return [(s, [sum(o.reached(s) for o in runs) / max(1, len(runs)) for runs in by_arm]) for s in scores]


def target_of(outcomes: Sequence[ArmRun], asked: int, control_arm: str = "none") -> int:
    """The score that times are measured to: as asked, else the control's best (or anyone's, without a control)."""
    control = of_arm(outcomes, control_arm)
    best = max(control or outcomes, key=lambda o: o.best_merit, default=None)
    return asked or (0 if best is None else best.best)


def times_to(outcomes: Sequence[ArmRun], score: int) -> list[float]:
    """Seconds until each run reached a score; infinity for those that did not."""
    return [float("inf") if (time := o.time_to(score)) is None else time for o in outcomes]


def median_time(runs: Sequence[ArmRun], score: int) -> float | None:
    """The median of the seconds to a score; runs that did not reach it took longer than any. None: most did not."""
    times = sorted(times_to(runs, score))
    if not times:
        return None
    middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2
    return None if np.isinf(middle) else middle


def curves(runs: Sequence[ArmRun], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Best score so far of every run at the given moments, float64[runs, moments]; before the first its first, or 0."""
    out = np.zeros((len(runs), len(seconds)))
    for row, outcome in zip(out, runs, strict=True):
        if outcome.minimised and outcome.curve:
            row[:] = outcome.curve[0][1]
        for moment, score in outcome.curve:
            row[seconds >= moment] = score
    return out

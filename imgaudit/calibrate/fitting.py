"""From joined labels to a calibration: the mapping, how well it holds, and thresholds with their expected error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import expit

from imgaudit import __version__
from imgaudit.calibrate.joining import Item, Joined, shares
from imgaudit.calibration.fitted import Calibration, Estimate, Quality, Spread, Threshold
from imgaudit.errors import UsageError
from imgaudit.kernels import calibration as kernel
from imgaudit.kernels.agreement import cohen_kappa
from imgaudit.kernels.inference import clopper_pearson
from imgaudit.types import Abstained

LEAST_EACH = 10
LEAST_SCORES = 20
MOST_BINS = 10
LEAST_IN_BIN = 15
USELESS = 0.97
"""Share of the error of always saying the share of yes, from which on a mapping is told to say nothing."""
SAYS_NOTHING = (
    "On held-out labels the probabilities err no less, or hardly less, than always saying the share of yes: they tell "
    "next to nothing about a single picture."
)
Method = Literal["auto", "isotonic", "logistic", "percentile"]
Floats = kernel.Floats


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        measure: full name.
        high_is_fault: whether high values are the faults, so that alarms are raised above a threshold and not below.
        about: what a yes means, in words.
        method: how values are mapped; `auto` takes, of isotonic and logistic, what errs less on held-out labels.
        false_alarms: the share of the faultless that may be alarmed.
    """

    measure: str
    high_is_fault: bool
    about: str
    method: Method = "auto"
    false_alarms: float = 0.05


def method_of(name: str) -> Method:
    """The method of a name. Raises UsageError for an unknown one."""
    known: dict[str, Method] = {one: one for one in get_args(Method)}
    if name not in known:
        raise UsageError(f"--map {name!r}: expected one of {', '.join(known)}")
    return known[name]


def fitted(joined: Joined, wish: Wish) -> Calibration:
    """The calibration of joined labels. Raises UsageError where they are too few or of one kind only."""
    if wish.method == "percentile":
        return _percentile(joined, wish)
    if isinstance(joined.items[0].said if joined.items else None, bool):
        return _classes(joined, wish)
    return _scores(joined, wish)


def _file(joined: Joined, wish: Wish, values: Floats, **content: Any) -> Calibration:
    limits = (*content.pop("limits", ()), *_limits(joined))
    return Calibration(
        measure=wish.measure,
        checker_version=joined.version,
        model=joined.model,
        seen=(float(values.min()), float(values.max())),
        sources=joined.sources,
        counts={**joined.counts, "used": len(values), **content.pop("counts", {})},
        limits=limits,
        imgaudit=__version__,
        **content,
    )


def _limits(joined: Joined) -> list[str]:
    said = []
    counts = joined.counts
    if counts.get("untold"):
        said.append(f"{counts['untold']} pictures have no value: the check could not tell. No figure counts them.")
    if counts.get("divided"):
        said.append(f"About {counts['divided']} pictures people were divided; no figure counts them.")
    if counts.get("presumed"):
        said.append(f"{counts['presumed']} labels are presumed: a person decided and did not dispute the check.")
    largest = max(shares(joined.items).values(), default=0)
    if largest > 1:
        said.append(
            f"Up to {largest} pictures share a prompt: they were held out together, but the intervals take pictures "
            "for independent and are somewhat too narrow."
        )
    elif not joined.grouped:
        said.append("Nobody said which pictures share a prompt; if many do, figures and intervals are too good.")
    if joined.version is None:
        said.append("Nobody said which version of the checker measured, so that no rubric takes this file.")
    return said


# --- a distribution ---------------------------------------------------------------------------------------------------


def _percentile(joined: Joined, wish: Wish) -> Calibration:
    values = np.asarray([item.value for item in joined.items], dtype=np.float64)
    if len(values) < LEAST_SCORES:
        raise UsageError(f"{wish.measure}: {len(values)} values are too few; expected at least {LEAST_SCORES}")
    if values.min() == values.max():
        raise UsageError(f"{wish.measure}: all {len(values)} values are {values[0]:g}; there is nothing to tell apart")
    limit = "A percentile says how a picture stands among the reference's, and not whether it is good."
    return _file(
        joined, wish, values, method="percentile", gives="percentile", knots=_rounded_knots(kernel.percentiles(values)),
        about=f"share of the reference's {len(values):,} values that lie below", limits=(limit,),
    )  # fmt: skip


def _rounded_knots(knots: kernel.Knots) -> tuple[tuple[float, float], ...]:
    return tuple((x, round(y, 9)) for x, y in knots)


# --- numbers that people gave -----------------------------------------------------------------------------------------


def _scores(joined: Joined, wish: Wish) -> Calibration:
    items = joined.items
    if len(items) < LEAST_SCORES:
        raise UsageError(f"{wish.measure}: {len(items)} scored pictures are too few; expected at least {LEAST_SCORES}")
    if wish.method == "logistic":
        raise UsageError("--map logistic is for labels yes and no; give isotonic, or --yes-from NUMBER too")
    values = np.asarray([item.value for item in items], dtype=np.float64)
    human = np.asarray([item.said for item in items], dtype=np.float64)
    correlation = kernel.spearman(values, human)
    if correlation is None:
        raise UsageError(f"{wish.measure}: all values, or all scores of people, are the same; there is nothing to map")
    if correlation[1] is not None and correlation[1][1] < 0:
        raise _turned(f"Spearman's correlation is {correlation[0]:.2f}")
    groups = [item.group for item in items]
    parts = kernel.folds(groups, np.zeros(len(items)))
    told = kernel.held_out(values, human, parts, _fit_isotonic)
    mean = kernel.held_out(values, human, parts, lambda _, wanted: lambda x: np.full(len(x), wanted.mean()))
    within = max(shares(items).values()) > 1
    pairs = kernel.pairwise(values, human, groups if within else None)
    quality = Quality(
        spearman=_estimate(correlation[0], correlation[1], len(items)),
        pairwise=None if pairs is None else _estimate(pairs.value, pairs.interval, pairs.pairs),
        pairs_within=None if pairs is None else "one prompt" if within else "nothing: all pictures were paired",
        absolute_error=round(float(np.abs(told - human).mean()), 6),
        absolute_error_of_mean=round(float(np.abs(mean - human).mean()), 6),
        raters=joined.raters,
    )
    return _file(
        joined, wish, values, method="isotonic", gives="score", knots=_rounded_knots(kernel.isotonic(values, human)),
        about="the score that people give such a picture on average", quality=quality,
        limits=("The mapped value is in the unit of people's scores.",),
    )  # fmt: skip


def _fit_isotonic(values: Floats, wanted: Floats) -> Callable[[Floats], Floats]:
    return partial(kernel.along, kernel.isotonic(values, wanted))


def _turned(what: str) -> UsageError:
    return UsageError(f"the values fall where people's labels rise ({what}); if yes marks what is low, add --yes low")


# --- yes and no -------------------------------------------------------------------------------------------------------


def _classes(joined: Joined, wish: Wish) -> Calibration:
    items = joined.items
    values = np.asarray([item.value for item in items], dtype=np.float64)
    yes = np.asarray([item.said for item in items], dtype=bool)
    _check_labels(wish, yes)
    parts = _folds(items, yes)
    area = kernel.auroc(values, yes)
    interval = kernel.auroc_interval(area, int(yes.sum()), int((~yes).sum()))
    if interval[1] < 0.5:
        raise _turned(f"the area under the curve is {area:.2f}")
    method, told = _chosen(wish.method, values, yes, parts)
    share = kernel.held_out(values, yes, parts, lambda _, wanted: lambda x: np.full(len(x), wanted.mean()))
    bins = kernel.reliability(told, yes, min(MOST_BINS, max(2, len(yes) // LEAST_IN_BIN)))
    quality = Quality(
        auroc=_estimate(area, interval, len(items)),
        brier=round(kernel.brier(told, yes), 6),
        brier_of_share=round(kernel.brier(share, yes), 6),
        expected_error=round(kernel.expected_error(bins), 6),
        raters=joined.raters,
    )
    mapping: dict[str, Any] = {"method": method, "gives": "probability", "about": wish.about}
    if method == "logistic":
        mapping["logistic"] = kernel.logistic(values, yes)
    else:
        mapping["knots"] = _rounded_knots(kernel.isotonic(values, yes, kernel.cautious(len(yes))))
    empty = kernel.brier(told, yes) >= USELESS * kernel.brier(share, yes)
    limit = (
        f"{yes.mean():.0%} of the labelled pictures are yes. Where the share is another, the probabilities do not "
        "hold; the two error rates of a threshold do, as far as the pictures are alike."
    )
    made = _file(
        joined, wish, values, **mapping, quality=quality, limits=(*((SAYS_NOTHING,) if empty else ()), limit),
        counts={"yes": int(yes.sum()), "no": int((~yes).sum())},
        reliability=tuple(
            Spread(count=one.count, said=round(one.said, 6), seen=round(one.seen, 6), interval=_six(one.interval))
            for one in bins
        ),
    )  # fmt: skip
    return _with_thresholds(made, wish, (values, yes, parts))


def _check_labels(wish: Wish, yes: Any) -> None:
    many, few = int(yes.sum()), int((~yes).sum())
    if not many or not few:
        raise UsageError(f"all {len(yes)} labels are {'yes' if many else 'no'}; expected both kinds")
    if min(many, few) < LEAST_EACH:
        raise UsageError(
            f"{wish.measure}: {many} yes and {few} no are too few; expected at least {LEAST_EACH} of each. "
            "Label more pictures"
        )


def _folds(items: Sequence[Item], yes: Any) -> Any:
    parts = kernel.folds([item.group for item in items], yes)
    for part in np.unique(parts):
        rest = yes[parts != part]
        if not rest.any() or rest.all():
            raise UsageError("the labels of one kind stand in one prompt alone; label pictures of more prompts")
    return parts


def _chosen(method: Method, values: Floats, yes: Any, parts: Any) -> tuple[Literal["isotonic", "logistic"], Floats]:
    """The mapping, and what it gives for labels that it was not fitted to."""
    ways: dict[Literal["isotonic", "logistic"], kernel.Fit] = {
        "logistic": lambda x, wanted: partial(_logistic, *kernel.logistic(x, wanted)),
        "isotonic": lambda x, wanted: partial(kernel.along, kernel.isotonic(x, wanted, kernel.cautious(len(x)))),
    }
    told = {name: kernel.held_out(values, yes, parts, fit) for name, fit in ways.items() if method in ("auto", name)}
    best = min(told, key=lambda name: kernel.brier(told[name], yes))
    return best, told[best]


def _logistic(intercept: float, slope: float, values: Floats) -> Floats:
    return np.asarray(expit(intercept + slope * values), dtype=np.float64)


def _with_thresholds(made: Calibration, wish: Wish, labels: tuple[Floats, Any, Any]) -> Calibration:
    """The calibration with a threshold for the wanted share of false alarms, and one that weighs both errors alike."""
    values, yes, parts = labels
    scores, fault = (values, yes) if wish.high_is_fault else (-values, ~yes)
    found, missing = [], {}
    for aim in ("false alarms", "balanced"):
        choose = kernel.alarm_balanced if aim == "balanced" else partial(kernel.alarm_from, share=wish.false_alarms)
        place = choose(scores, fault)
        alarms = kernel.alarms_held_out(scores, fault, parts, choose)
        if place is None or alarms is None:
            missing[aim] = (
                f"{int((~fault).sum())} faultless pictures are too few for {wish.false_alarms:.3g} of false alarms "
                f"with some of them held out; it takes more than {int(np.ceil(1 / wish.false_alarms)) - 1}"
            )
        else:
            value = place if wish.high_is_fault else -place
            found.append(_threshold((made, wish, aim), value, alarms, fault))
    return made.model_copy(update={"thresholds": tuple(found), "unsuggested": missing})


def _threshold(what: tuple[Calibration, Wish, Any], value: float, alarms: Any, fault: Any) -> Threshold:
    made, wish, aim = what
    agreed = cohen_kappa(*([("none", "alarm")[int(one)] for one in flags] for flags in (alarms, fault)))
    return Threshold(
        aim=aim,
        wanted=wish.false_alarms if aim == "false alarms" else None,
        condition=f"{made.measure} {'>=' if wish.high_is_fault else '<='} {written(value)}",
        value=value,
        calibrated=made.value(value),
        false_alarms=_share(alarms[~fault]),
        misses=_share(~alarms[fault]),
        kappa=None if isinstance(agreed, Abstained) else _estimate(agreed.value, agreed.interval, agreed.units),
    )


def written(value: float) -> str:
    """A number as conditions write it: up to six decimals, no exponent.

    >>> written(0.25), written(1e-6), written(-3.0)
    ('0.25', '0.000001', '-3')
    """
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _share(flags: Any) -> Estimate:
    count, hits = len(flags), int(flags.sum())
    return _estimate(hits / count, clopper_pearson(hits, count), count)


def _estimate(value: float, interval: tuple[float, float] | None, of: int) -> Estimate:
    return Estimate(value=round(value, 6), interval=None if interval is None else _six(interval), of=of)


def _six(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 6), round(interval[1], 6)

"""What a calibration says, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from imgaudit.calibration.fitted import Calibration, Estimate, Quality, Threshold


def lines(made: Calibration) -> Iterator[str]:
    """The calibration as a person reads it: how well the measure tells, how the mapping holds, thresholds, limits."""
    counts = ", ".join(f"{count:,} {name}" for name, count in made.counts.items())
    yield f"{made.measure}: {counts}"
    yield f"{made.method} mapping: {made.about}"
    yield from _quality(made.quality)
    if made.reliability:
        yield "said, held out   seen (95 % interval)    labels"
        for one in made.reliability:
            low, high = one.interval
            yield f"{one.said:14.2f}   {one.seen:.2f} ({low:.2f} to {high:.2f})    {one.count:9,}"
    for threshold in made.thresholds:
        yield from _threshold(threshold)
    for aim, why in made.unsuggested.items():
        yield f"no threshold for {aim}: {why}"
    yield from made.limits


def _quality(quality: Quality) -> Iterator[str]:
    if quality.auroc is not None:
        yield f"tells yes from no: AUROC {told(quality.auroc)}"
    if quality.brier is not None:
        yield (
            f"held-out probabilities: Brier score {quality.brier:.3f} ({quality.brier_of_share:.3f} by the share of "
            f"yes alone), expected calibration error {quality.expected_error:.3f}"
        )
    if quality.spearman is not None:
        yield f"follows people's scores: Spearman's correlation {told(quality.spearman)}"
    if quality.pairwise is not None:
        yield f"pairs in people's order: {told(quality.pairwise)}; shared by a pair: {quality.pairs_within}"
    if quality.absolute_error is not None:
        yield (
            f"held-out scores err by {quality.absolute_error:.3f} on average ({quality.absolute_error_of_mean:.3f} by "
            "people's mean alone)"
        )
    if quality.raters is not None:
        yield f"people agree with each other: Krippendorff's alpha {told(quality.raters)}"


def _threshold(threshold: Threshold) -> Iterator[str]:
    aim = "both errors weighed alike" if threshold.wanted is None else f"at most {threshold.wanted:.3g} of false alarms"
    yield f"suggested for {aim}: {threshold.condition}"
    kappa = f", kappa with people {told(threshold.kappa)}" if threshold.kappa is not None else ""
    yield f"  to expect: false alarms {told(threshold.false_alarms)}, misses {told(threshold.misses)}{kappa}"


def told(estimate: Estimate) -> str:
    """A number with its interval.

    >>> told(Estimate(value=0.5, interval=(0.25, 0.75), of=8))
    '0.50 (0.25 to 0.75)'
    """
    if estimate.interval is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.interval[0]:.2f} to {estimate.interval[1]:.2f})"

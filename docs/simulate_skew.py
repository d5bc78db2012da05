"""Error rates, power and coverage of the statistics of skew, by simulation: `python -m docs.simulate_skew`.

Writes the tables of docs/skew.md between their marks and leaves its prose alone. Seeds are fixed. The decisions are
those of imgaudit.kernels, called as the checker calls them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docs.simulate import percent, table
from imgaudit.kernels import classifier_error, clusters, ratios, settling, shrinkage, spread
from imgaudit.references import packaged_table, table_names

PAGE = Path(__file__).parent / "skew.md"
Floats = NDArray[np.float64]
SIZES = (8, 16, 32, 64, 100, 200, 400)
GROUPS = (2, 3, 4, 8)


@dataclass(frozen=True)
class Scale:
    """How many sets are simulated a cell: of cheap statistics, and of those that draw themselves."""

    sets: int = 2_000
    slow: int = 400


def even(groups: int) -> spread.Shares:
    """Equal shares."""
    return (1 / groups,) * groups


def drawn(size: int, shares: Sequence[float], sets: int, seed: int) -> list[tuple[int, ...]]:
    """Sets of so many pictures whose groups are drawn with these shares."""
    random = np.random.default_rng([seed, size, len(shares)])
    return [tuple(map(int, counts)) for counts in random.multinomial(size, shares, sets)]


def away(groups: int, distance: float) -> Floats:
    """Shares at a distance from equal ones: one group has more, all others less."""
    return settling.pulled(even(groups), distance)


# --- one set ---------------------------------------------------------------------------------------------------------


def floor_table(scale: Scale) -> str:
    """What chance alone gives: mean distance and 95 % quantile of fair sets."""
    rows: list[list[object]] = []
    for groups in (2, 3, 4, 8, 10):
        nulls = [spread.null(even(groups), size) for size in SIZES]
        rows.append([groups, *(f"{null.mean_tv:.2f} / {null.tv_quantile(0.95):.2f}" for null in nulls)])
    return table(["groups", *(f"n = {size}" for size in SIZES)], rows)


@dataclass(frozen=True)
class Rates:
    """Shares of simulated sets."""

    rejected: float
    skewed: float
    tolerated: float
    covered: float


def rates(groups: int, size: int, distance: float, scale: Scale) -> Rates:
    """What happens to sets whose true distance from equal shares is `distance`."""
    shares = away(groups, distance) if distance else np.array(even(groups))
    found = [spread.measure(counts, even(groups)) for counts in drawn(size, shares.tolist(), scale.sets, 1)]
    words = [spread.verdict(one) for one in found]
    return Rates(
        rejected=float(np.mean([one.p <= spread.ALPHA for one in found])),
        skewed=words.count("skewed") / len(words),
        tolerated=words.count("within_tolerance") / len(words),
        covered=float(np.mean([one.interval[0] <= distance <= one.interval[1] for one in found])),
    )


def errors_table(scale: Scale) -> str:
    """Both wrong answers, and how often the interval holds the truth."""
    rows: list[list[object]] = []
    for groups in (2, 3, 8):
        for size in (8, 16, 50, 100, 400):
            fair = rates(groups, size, 0.0, scale)
            edge, beyond = rates(groups, size, 0.1, scale), rates(groups, size, 0.101, scale)
            least = min(fair.covered, edge.covered)
            cells = (fair.rejected, fair.skewed, edge.skewed, beyond.tolerated, least)
            rows.append([groups, size, *map(percent, cells)])
    head = ["groups", "n", "fair: p ≤ 0.05", "fair: skewed", "distance 0.1: skewed", "distance 0.101: within tolerance",
            "interval covers, least"]  # fmt: skip
    return table(head, rows)


def verdicts_table(scale: Scale) -> str:
    """How often a set is called skewed, or within tolerance, by its true distance."""
    rows: list[list[object]] = []
    for groups in (2, 3, 8):
        for size in (16, 50, 100, 400):
            found = [rates(groups, size, distance, Scale(scale.slow)) for distance in (0.0, 0.1, 0.2, 0.3, 0.4)]
            rows.append([groups, size, percent(found[0].tolerated), *(percent(one.skewed) for one in found[1:])])
    return table(["groups", "n", "fair: within tolerance", "0.1: skewed", "0.2", "0.3", "0.4"], rows)


def pictures_table(scale: Scale) -> str:
    """Pictures that find a true distance in 80 of 100 sets: one set alone / twenty sets tested together."""
    rows: list[list[object]] = []
    for distance in (0.1, 0.15, 0.2, 0.3, 0.4):
        cells = []
        for groups in GROUPS:
            alone, twenty = (settling.pictures_for(even(groups), distance, alpha=alpha) for alpha in (0.05, 0.05 / 20))
            cells.append(f"{alone} / {twenty}")
        rows.append([distance, *cells])
    return table(["true distance", *(f"{groups} groups" for groups in GROUPS)], rows)


def tests_table(scale: Scale) -> str:
    """The exact test, the G-test with Williams' correction and without: false alarms of fair sets."""
    rows: list[list[object]] = []
    for groups in (2, 3, 8):
        for size in (16, 50, 100, 400):
            sets = drawn(size, even(groups), scale.sets, 2)
            exact = [spread.exact_p(counts, even(groups)) for counts in sets]
            corrected = [spread.g_test(counts, even(groups)) for counts in sets]
            cells = [float(np.mean(np.array(p) <= 0.05)) for p in (exact, corrected)]
            rows.append([groups, size, f"{size / groups:.1f}", *map(percent, cells)])
    return table(["groups", "n", "expected a group", "exact", "G-test alone"], rows)


# --- ratios and entropy ----------------------------------------------------------------------------------------------


def ratios_table(scale: Scale) -> str:
    """How often intervals hold the truth: of one share, of all ratios at once, of four fifths, of entropy."""
    rows: list[list[object]] = []
    for shares in ((0.5, 0.5), (0.9, 0.1), even(3), (0.7, 0.2, 0.1), even(8), (0.44, *(0.08,) * 7)):
        name = " ".join(f"{share:.2f}" for share in shares[:3]) + (" ..." if len(shares) > 3 else "")
        for size in (16, 50, 200):
            *held, fifths, entropy = ratio_coverage(shares, size, scale)
            rows.append([name, size, *map(percent, held), f"{fifths:.2f}", f"{entropy:.2f}"])
    head = ["true shares", "n", "Wilson, one share", "all ratios at once", "four fifths", "entropy",
            "width of four fifths", "width of entropy"]  # fmt: skip
    return table(head, rows)


def ratio_coverage(shares: Sequence[float], size: int, scale: Scale) -> list[float]:
    """Coverage of Wilson's interval, all ratios, four fifths and entropy; then mean widths of the last two."""
    groups = len(shares)
    truth = np.array(shares) * groups
    entropy = -sum(share * math.log(share) for share in shares) / math.log(groups)
    held = []
    for counts in drawn(size, shares, scale.sets, 3):
        low, high = spread.wilson(counts[0], size)
        told = [one for one in ratios.representation(counts, even(groups)) if one]
        fifths, evenness = ratios.four_fifths(counts, even(groups)), ratios.normalised_entropy(counts)
        assert fifths is not None
        assert evenness is not None
        every = all(one.interval[0] <= true <= one.interval[1] for one, true in zip(told, truth, strict=True))
        held.append([
            low <= shares[0] <= high, every, _holds(fifths, min(shares) / max(shares)), _holds(evenness, entropy),
            fifths.interval[1] - fifths.interval[0], evenness.interval[1] - evenness.interval[0],
        ])  # fmt: skip
    return [float(value) for value in np.mean(held, axis=0)]


def _holds(told: ratios.Told, truth: float) -> bool:
    return told.interval[0] - 1e-9 <= truth <= told.interval[1] + 1e-9


# --- errors of the perceiver -----------------------------------------------------------------------------------------


def erring(groups: int, error: float) -> Floats:
    """P(perceived | true) of a perceiver that errs so often, on every other group alike."""
    return np.full((groups, groups), error / (groups - 1)) + np.eye(groups) * (1 - error * groups / (groups - 1))


def correction_rates(shares: Sequence[float], size: int, error: float, labelled: int, sets: int) -> list[float]:
    """Coverage of uncorrected and corrected intervals; false alarms of uncorrected and corrected tests."""
    groups, random = len(shares), np.random.default_rng([size, labelled, round(100 * error)])
    rows = erring(groups, error)
    held = []
    for _ in range(sets):
        confusion = [random.multinomial(labelled, row) for row in rows]
        counts = tuple(map(int, random.multinomial(size, np.array(shares) @ rows)))
        fixed = classifier_error.corrected(counts, confusion)
        plain = [spread.wilson(count, size) for count in counts]
        held.append([
            np.mean([low <= share <= high for (low, high), share in zip(plain, shares, strict=True)]),
            np.mean([low <= share <= high for (low, high), share in zip(fixed.intervals, shares, strict=True)]),
            spread.exact_p(counts, tuple(shares)) <= 0.05,
            classifier_error.corrected_p(counts, shares, confusion) <= 0.05,
        ])  # fmt: skip
    return [float(value) for value in np.mean(held, axis=0)]


def correction_table(scale: Scale) -> str:
    """With a perceiver that errs: how often intervals hold the true shares, and tests reject them."""
    rows: list[list[object]] = []
    cases = (((0.9, 0.1), 100), ((0.7, 0.3), 400), (even(3), 100), ((0.7, 0.2, 0.1), 100), ((0.7, 0.2, 0.1), 400))
    for shares, size in cases:
        for error, labelled in ((0.1, 50), (0.2, 25)):
            cells = correction_rates(shares, size, error, labelled, scale.slow)
            rows.append([" ".join(f"{share:.2f}" for share in shares), size, f"{error:.0%}", labelled,
                         *map(percent, cells)])  # fmt: skip
    head = ["true shares = reference", "n", "wrong labels", "labelled a group", "covers: uncorrected", "corrected",
            "false alarm: uncorrected", "corrected"]  # fmt: skip
    return table(head, rows)


# --- templates, pairs, many sets -------------------------------------------------------------------------------------


def templated(templates: int, size: int, strength: float, random: np.random.Generator) -> list[list[int]]:
    """Counts of two groups, a row a template; templates vary as Beta with this strength around a half."""
    shares = random.beta(strength / 2, strength / 2, templates)
    return [[int(count), size - int(count)] for count in random.binomial(size, shares)]


def cluster_rates(templates: int, strength: float, sets: int) -> list[float]:
    """False alarms of the pooled exact test; coverage of the intervals of a share and of the distance."""
    random = np.random.default_rng([templates, round(strength)])
    held = []
    for _ in range(sets):
        rows = templated(templates, 50, strength, random)
        shares, distance = clusters.share_intervals(rows), clusters.tv_interval(rows, (0.5, 0.5))
        assert shares is not None
        assert distance is not None
        totals = [sum(row[side] for row in rows) for side in (0, 1)]
        held.append([spread.exact_p(totals, (0.5, 0.5)) <= 0.05, shares[0][0] <= 0.5 <= shares[0][1],
                     distance[0] <= 0 <= distance[1]])  # fmt: skip
    return [float(value) for value in np.mean(held, axis=0)]


def clusters_table(scale: Scale) -> str:
    """Templates that vary around equal shares: what pictures counted alone would say, and what templates say."""
    rows: list[list[object]] = []
    for templates in (5, 10, 20, 40):
        for strength in (1_000.0, 20.0, 4.0):
            deviation = math.sqrt(0.25 / (strength + 1))
            cells = cluster_rates(templates, strength, scale.slow * 2)
            rows.append([templates, f"{deviation:.2f}", *map(percent, cells)])
    head = ["templates", "their standard deviation", "pooled test: false alarm", "share: covers", "distance: covers"]
    return table(head, rows)


def crossed_rates(size: int, bound: float, sets: int) -> list[float]:
    """Rejections of unrelatedness; coverage of the shrunken shares; their mean error over that of raw shares."""
    random = np.random.default_rng([size, round(10 * bound)])
    truth = np.outer((0.4, 0.3, 0.2, 0.1), (0.5, 0.3, 0.2))
    truth[0, 0] += bound
    truth /= truth.sum()
    held = []
    for _ in range(sets):
        counts = random.multinomial(size, truth.ravel()).reshape(truth.shape)
        cells = shrinkage.shrunken(counts)
        told = [
            (cell.interval[0] <= truth[i, j] <= cell.interval[1], (cell.share - truth[i, j]) ** 2,
             (counts[i, j] / size - truth[i, j]) ** 2)
            for i, row in enumerate(cells) for j, cell in enumerate(row) if cell
        ]  # fmt: skip
        held.append([shrinkage.independence_p(counts) <= 0.05, *np.mean(told, axis=0)])
    rejected, covered, shrunk, raw = np.mean(held, axis=0)
    return [float(rejected), float(covered), float(math.sqrt(shrunk / raw))]


def crossed_table(scale: Scale) -> str:
    """Two attributes crossed: false alarms where they are unrelated, power where a pair is more frequent, coverage."""
    rows: list[list[object]] = []
    for size in (50, 100, 400):
        for bound in (0.0, 0.1, 0.2, 0.4):
            rejected, covered, error = crossed_rates(size, bound, scale.slow)
            rows.append([size, bound, percent(rejected), percent(covered), f"{error:.2f}"])
    head = ["n", "added to one pair", "called related", "cells: interval covers", "error against raw shares"]
    return table(head, rows)


def family_rates(prompts: int, skewed: int, sets: int) -> list[float]:
    """Of sets called skewed the share that is fair, without and with adjustment; and skewed ones found with it."""
    random = np.random.default_rng([prompts, skewed])
    truth = np.tile([0.5, 0.5], (prompts, 1))
    truth[:skewed] = [0.75, 0.25]
    outcomes = []
    for _ in range(sets):
        counts = np.stack([random.multinomial(50, shares) for shares in truth])
        p = np.array([spread.exact_p(row, (0.5, 0.5)) for row in counts])
        adjusted = np.array(spread.benjamini_hochberg(p.tolist()))
        outcomes.append([_false(p, skewed), _false(adjusted, skewed), float((adjusted[:skewed] <= 0.05).mean())])
    return [float(value) for value in np.mean(outcomes, axis=0)]


def _false(p: Floats, skewed: int) -> float:
    found = p <= 0.05
    return float(found[skewed:].sum() / max(1, found.sum()))


def family_table(scale: Scale) -> str:
    """Many sets of 50 pictures at once, of which some are 75 : 25 and the others fair."""
    rows: list[list[object]] = []
    for prompts, skewed in ((20, 2), (100, 5), (100, 20), (1000, 50)):
        cells = family_rates(prompts, skewed, max(20, scale.slow // 2) if prompts < 1000 else max(4, scale.slow // 10))
        rows.append([prompts, skewed, *map(percent, cells)])
    head = ["sets", "of them skewed", "found ones that are fair: unadjusted", "adjusted", "skewed ones found: adjusted"]
    return table(head, rows)


def settled_rates(groups: int, size: int, distance: float, sets: int) -> tuple[float, float, float]:
    """Share of sets that are open; median size that they are told; and share of them that it settles."""
    shares = away(groups, distance).tolist() if distance else list(even(groups))
    random = np.random.default_rng([groups, size, round(100 * distance)])
    told, settled, opened = [], [], 0
    for counts in drawn(size, shares, sets, 5):
        if spread.verdict(spread.measure(counts, even(groups))) != "insufficient_evidence":
            continue
        opened += 1
        found = settling.to_settle(counts, even(groups))
        if found is None:
            told.append(settling.MOST)
            continue
        more = random.multinomial(found.size - size, shares)
        after = spread.measure([int(c) for c in np.asarray(counts) + more], even(groups))
        told.append(found.size)
        settled.append(spread.verdict(after) != "insufficient_evidence")
    return opened / sets, float(np.median(told)) if told else math.nan, float(np.mean(settled)) if settled else math.nan


def settled_table(scale: Scale) -> str:
    """Open sets: the size that they are told would settle them, and how often it does."""
    rows: list[list[object]] = []
    for groups, size in ((2, 12), (2, 50), (3, 50), (8, 50)):
        for distance in (0.0, 0.05, 0.2, 0.3):
            opened, median, settled = settled_rates(groups, size, distance, scale.slow // 2)
            rows.append([groups, size, distance, percent(opened), "none" if math.isnan(median) else f"{median:.0f}",
                         "none" if math.isnan(settled) else percent(settled)])  # fmt: skip
    head = ["groups", "n", "true distance", "open", "told to settle at, median", "settled there"]
    return table(head, rows)


def unknown_rates(size: int, share: float, favoured: float, sets: int) -> tuple[float, float]:
    """Fair sets of two groups, one unknown `favoured` times as often: skewed by the known alone, and by the verdict."""
    random = np.random.default_rng([size, round(100 * share), round(favoured)])
    first = min(0.95, 2 * share * favoured / (1 + favoured))
    second = 2 * share / (1 + favoured)
    known, whole = 0, 0
    for _ in range(sets):
        women = int(random.binomial(size, 0.5))
        lost = int(random.binomial(women, first)), int(random.binomial(size - women, second))
        counts = women - lost[0], size - women - lost[1]
        known += spread.verdict(spread.measure(counts, (0.5, 0.5))) == "skewed"
        whole += spread.verdict(spread.measure(counts, (0.5, 0.5), sum(lost))) == "skewed"
    return known / sets, whole / sets


def unknown_table(scale: Scale) -> str:
    """Fair sets in which one group is harder to perceive: false alarms with and without the unknown."""
    rows: list[list[object]] = []
    for size in (50, 200):
        for share, favoured in ((0.05, 3.0), (0.2, 1.0), (0.2, 3.0), (0.4, 3.0)):
            cells = unknown_rates(size, share, favoured, scale.sets // 2)
            rows.append([size, f"{share:.0%}", f"{favoured:g}", *map(percent, cells)])
    head = ["n", "unknown", "one group unknown so many times as often", "skewed by the known alone", "verdict: skewed"]
    return table(head, rows)


# --- references ------------------------------------------------------------------------------------------------------


def references_table(scale: Scale) -> str:
    """The packaged tables, as they are."""
    tables = {name: packaged_table(name) for name in table_names()}
    names = sorted({row for rows in tables.values() for row in rows})
    cells = [
        [name, *(f"{100 * rows[name].shares['feminine']:.1f}" if name in rows else "–" for rows in tables.values())]
        for name in names
    ]
    return table(["row", *tables], [list(row) for row in cells])


# --- the page --------------------------------------------------------------------------------------------------------

TABLES: dict[str, Callable[[Scale], str]] = {
    "floor": floor_table, "errors": errors_table, "verdicts": verdicts_table, "pictures": pictures_table,
    "tests": tests_table, "ratios": ratios_table, "correction": correction_table, "clusters": clusters_table,
    "crossed": crossed_table, "family": family_table, "settled": settled_table, "unknown": unknown_table,
    "references": references_table,
}  # fmt: skip


def filled(page: str, scale: Scale, names: Sequence[str] = ()) -> str:
    """The page with its tables simulated anew, or those that are named."""
    for name, make in TABLES.items():
        marks = re.findall(rf"<!-- table: {name} -->\n.*?<!-- end -->", page, re.DOTALL)
        if len(marks) != 1:
            raise ValueError(f"{PAGE.name}: {len(marks)} marks for the table {name!r}; expected one")
        if not names or name in names:
            page = page.replace(marks[0], f"<!-- table: {name} -->\n{make(scale)}\n<!-- end -->")
    return page


def main(names: Sequence[str]) -> None:
    """Simulate and write the page."""
    PAGE.write_text(filled(PAGE.read_text(), Scale(), names))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

from __future__ import annotations

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from imgaudit.kernels.agreement import Agreed, cohen_kappa, krippendorff_alpha
from imgaudit.types import Abstained

# --- kappa ---------------------------------------------------------------------------------------------


def _verdicts(table: list[list[int]]) -> tuple[list[str], list[str]]:
    pairs = [(str(i), str(j)) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return [one for one, _ in pairs], [other for _, other in pairs]


@pytest.mark.parametrize(
    "table",
    [
        [[20, 5], [10, 15]],
        [[44, 5, 1], [7, 20, 3], [9, 5, 6]],
        [[1, 9], [9, 1]],
        [[10, 0, 2], [0, 8, 0], [3, 1, 30]],
        [[0, 4, 1], [3, 0, 2], [5, 1, 0]],
    ],
)
def test_kappa_and_its_interval_are_those_of_statsmodels(table: list[list[int]]):
    agreed = cohen_kappa(*_verdicts(table))
    reference = cohens_kappa(np.array(table))

    assert isinstance(agreed, Agreed)
    assert agreed.value == pytest.approx(reference.kappa, abs=1e-12)
    expected = max(reference.kappa_low, -1), min(reference.kappa_upp, 1)
    assert agreed.interval == pytest.approx(expected, abs=1e-9)
    assert agreed.units == sum(map(sum, table))


def test_kappa_of_a_published_table():
    # 25 of 50 proposals were rated yes and yes, no and no by two readers in 20 and 15; kappa is 0.4
    agreed = cohen_kappa(*_verdicts([[20, 5], [10, 15]]))

    assert isinstance(agreed, Agreed)
    assert agreed.value == pytest.approx(0.4)


def test_full_agreement_has_no_interval_since_nothing_varies():
    agreed = cohen_kappa(*_verdicts([[7, 0], [0, 5]]))

    assert agreed == Agreed(1.0, None, 12)


def test_a_rater_who_always_says_the_same_agrees_as_chance_does():
    agreed = cohen_kappa(["edit", "publish", "edit"], ["edit", "edit", "edit"])

    assert isinstance(agreed, Agreed)
    assert agreed.value == pytest.approx(0)
    assert agreed.interval is None


def test_kappa_abstains_where_nothing_can_be_told():
    assert cohen_kappa([], []) == Abstained("nothing was judged by both")
    one = cohen_kappa(["edit"] * 9, ["edit"] * 9)
    assert isinstance(one, Abstained)
    assert "only one verdict" in one.reason
    with pytest.raises(ValueError, match="one of each a unit"):
        cohen_kappa(["edit"], [])


# --- alpha ---------------------------------------------------------------------------------------------


def _units(*raters: str) -> list[list[str]]:
    """Units from one string a rater, one sign a unit; a dot is a missing rating."""
    rows = [rater.replace(" ", "") for rater in raters]
    return [[sign for sign in unit if sign != "."] for unit in zip(*rows, strict=True)]


# Krippendorff 2011, "Computing Krippendorff's alpha-reliability", examples A, B and C
PUBLISHED = [
    (_units("0100000010", "1110010000"), 0.095),
    (_units("aabbdcccedda", "babbbccceddd"), 0.692),
    (_units("1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."),
     0.743),
]  # fmt: skip


@pytest.mark.parametrize(("units", "published"), PUBLISHED)
def test_alpha_of_published_examples(units: list[list[str]], published: float):
    agreed = krippendorff_alpha(units)

    assert isinstance(agreed, Agreed)
    assert agreed.value == pytest.approx(published, abs=5e-4)
    assert agreed.interval is not None
    assert agreed.interval[0] < agreed.value < agreed.interval[1]


def _slow_alpha(units: list[list[str]]) -> float:
    """By the coincidence matrix, pair by pair."""
    coincidences: Counter[tuple[str, str]] = Counter()
    for unit in units:
        if len(unit) >= 2:
            for one, other in itertools.permutations(unit, 2):
                coincidences[one, other] += 1 / (len(unit) - 1)
    margins: Counter[str] = Counter()
    for (one, _), count in coincidences.items():
        margins[one] += count
    total = sum(margins.values())
    observed = sum(count for (one, other), count in coincidences.items() if one != other) / total
    expected = sum(margins[a] * margins[b] for a in margins for b in margins if a != b) / (total * (total - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(20))
def test_alpha_is_that_of_a_slow_count_of_pairs(seed: int):
    randomness = random.Random(seed)
    units = [
        [randomness.choice("per" if randomness.random() < 0.5 else "p") for _ in range(randomness.randint(0, 4))]
        for _ in range(40)
    ]

    agreed = krippendorff_alpha(units)

    assert isinstance(agreed, Agreed)
    assert agreed.value == pytest.approx(_slow_alpha(units), abs=1e-12)
    assert agreed.units == sum(len(unit) >= 2 for unit in units)


def test_alpha_does_not_depend_on_the_order_of_raters_or_units_and_is_drawn_the_same_each_time():
    units = PUBLISHED[2][0]

    assert krippendorff_alpha(units) == krippendorff_alpha([unit[::-1] for unit in units[::-1]])


def test_the_interval_of_alpha_holds_the_truth_about_as_often_as_it_says():
    # two raters who each see the true verdict with 0.9, or guess: alpha over a huge set is the truth
    randomness = np.random.default_rng(5)

    def drawn(units: int) -> list[list[str]]:
        truth = randomness.integers(0, 3, units)
        guesses = randomness.integers(0, 3, (units, 2))
        sure = randomness.random((units, 2)) < 0.9
        return np.where(sure, truth[:, None], guesses).astype(str).tolist()

    exact = krippendorff_alpha(drawn(40_000)).value
    intervals = [krippendorff_alpha(drawn(80)).interval for _ in range(200)]

    held = sum(low <= exact <= high for low, high in intervals)
    assert 0.89 <= held / 200 <= 0.985


@pytest.mark.parametrize(
    ("units", "why"),
    [
        ([], "two people"),
        ([["edit"], ["publish"], []], "two people"),
        ([["edit", "edit"], ["edit", "edit", "edit"], ["publish"]], "only one verdict"),
    ],
)
def test_alpha_abstains_where_nothing_can_be_told(units: list[list[str]], why: str):
    told = krippendorff_alpha(units)

    assert isinstance(told, Abstained)
    assert why in told.reason


def test_alpha_of_full_agreement_has_no_interval():
    assert krippendorff_alpha([["edit", "edit"], ["publish", "publish"]]) == Agreed(1.0, None, 2)


def test_alpha_that_a_resample_often_cannot_tell_has_no_interval():
    agreed = krippendorff_alpha([["edit", "edit"], ["edit", "publish"]])

    assert isinstance(agreed, Agreed)
    assert agreed.interval is None

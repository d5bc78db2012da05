"""How many pictures it takes, against published tables, slow references and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from docs import simulate_skew
from imgaudit.kernels import settling, spread


@pytest.mark.parametrize(
    ("share", "alone", "twenty"),
    [(0.60, 199, 376), (0.65, 90, 166), (0.70, 49, 92), (0.75, 30, 58), (0.80, 20, 40), (0.90, 12, 21)],
)
def test_two_groups_take_the_known_numbers(share: float, alone: int, twenty: int) -> None:
    assert settling.pictures_for((0.5, 0.5), share - 0.5) == alone
    assert settling.pictures_for((0.5, 0.5), share - 0.5, alpha=0.05 / 20) == twenty


def test_power_of_two_groups_is_that_of_the_binomial_test() -> None:
    rejected = [heads for heads in range(31) if stats.binomtest(heads, 30, 0.5).pvalue <= 0.05]
    expected = sum(stats.binom.pmf(heads, 30, 0.7) for heads in rejected)

    assert settling.power_at(30, np.array([0.7, 0.3]), (0.5, 0.5)) == pytest.approx(expected)


def test_a_planned_number_finds_the_distance_as_often_as_it_says() -> None:
    reference = (0.5, 0.3, 0.2)
    size = settling.pictures_for(reference, 0.2)
    assert size is not None

    sets = simulate_skew.drawn(size, settling.pulled(reference, 0.2).tolist(), 600, 1)
    found = np.mean([spread.exact_p(counts, reference) <= 0.05 for counts in sets])

    assert 0.75 <= found <= 0.92


def test_the_rarest_group_is_given_more_until_the_distance_is_there() -> None:
    pulled = settling.pulled([0.5, 0.3, 0.2], 0.2)

    assert spread.total_variation([round(share * 10_000) for share in pulled], [0.5, 0.3, 0.2]) == pytest.approx(0.2)
    assert pulled.argmax() == 2 or pulled[2] == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"at most 0\.50"):
        settling.pulled([0.5, 0.5], 0.6)


def test_a_distance_too_small_for_any_number_has_none() -> None:
    assert settling.pictures_for((0.5, 0.5), 0.005) is None


@pytest.mark.parametrize("groups", [2, 3, 12])
def test_the_bound_of_many_sets_is_that_of_each(groups: int) -> None:
    reference = simulate_skew.even(groups)
    counts = np.array(simulate_skew.drawn(400, reference, 30, 2))
    expected = [spread.tv_upper(tuple(map(int, row)), reference) <= spread.TOLERANCE for row in counts]

    assert settling._bounded(counts, reference).tolist() == expected


def test_completions_of_many_sets_are_those_of_each() -> None:
    reference, counts = (0.5, 0.3, 0.2), np.array([[8, 2, 1], [1, 5, 5]])

    for row, near, far in zip(
        counts, settling._nearest(counts, reference, 4), settling._farthest(counts, reference, 4), strict=True
    ):
        assert tuple(near) == spread.nearest_completion(row, reference, 4)
        assert tuple(far) == spread.farthest_completion(row, reference, 4)


def test_shares_behind_a_set_that_chance_explains_stay_near_the_reference() -> None:
    reference = simulate_skew.even(8)
    fair, lopsided = (
        np.abs(settling.plausible_shares(counts, reference) - 1 / 8).sum(1).mean() / 2
        for counts in ((5, 4, 6, 5, 5, 4, 6, 5), (33, 1, 1, 1, 1, 1, 1, 1))
    )

    assert fair < 0.08
    assert lopsided > 0.5


def test_a_set_that_is_unsettled_by_its_unknown_is_not_settled_by_more_of_them() -> None:
    reference = (0.5, 0.5)

    assert settling.to_settle((30, 30), reference, unknown=40) is None
    assert settling.to_settle((30, 30), reference, unknown=2) is not None


def test_what_would_settle_a_set_is_more_than_what_is_there() -> None:
    settled = settling.to_settle((28, 22), (0.5, 0.5))

    assert settled is not None
    assert settled.size > 50
    assert settling.more_pictures(settled, 50) == settled.size - 50
    assert settling.more_pictures(None, 50) is None


def test_a_lopsided_set_is_carried_on_as_lopsided_and_a_fair_one_as_fair() -> None:
    lopsided, fair = settling.to_settle((9, 2), (0.5, 0.5)), settling.to_settle((26, 24), (0.5, 0.5))

    assert lopsided is not None
    assert fair is not None
    assert lopsided.skewed > fair.skewed + 0.3


@pytest.mark.parametrize(("groups", "distance"), [(2, 0.0), (3, 0.25)])
def test_sets_are_mostly_settled_at_the_size_that_they_are_told(groups: int, distance: float) -> None:
    opened, _, settled = simulate_skew.settled_rates(groups, 24, distance, 40)

    assert opened > 0.2
    assert settled > 0.65


@pytest.mark.slow
@pytest.mark.parametrize("groups", [2, 3, 8])
@pytest.mark.parametrize("size", [12, 50])
def test_over_the_shares_that_are_plausible_four_in_five_are_settled(groups: int, size: int) -> None:
    # truths from fair to lopsided, as the prior has them; each open set is continued with its own
    random = np.random.default_rng([groups, size])
    settled = []
    for _ in range(300):
        strength = float(2 ** random.integers(0, 15))
        shares = random.dirichlet(np.full(groups, strength / groups))
        counts = tuple(map(int, random.multinomial(size, shares)))
        reference = simulate_skew.even(groups)
        found = settling.to_settle(counts, reference)
        if found is None or spread.verdict(spread.measure(counts, reference)) != "insufficient_evidence":
            continue
        more = random.multinomial(found.size - size, shares)
        after = spread.measure([int(count) for count in np.asarray(counts) + more], reference)
        settled.append(spread.verdict(after) != "insufficient_evidence")

    assert len(settled) > 60
    assert 0.7 <= np.mean(settled) <= 0.97

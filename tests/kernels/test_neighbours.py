"""Searches give what comparing everything with everything gives."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from imgaudit.kernels.hashes import as_words, distance
from imgaudit.kernels.neighbours import matches, near_pairs, nearest, similar_pairs


def flipped(hash: str, places: np.ndarray) -> str:
    """The hash with the bits at `places` turned over."""
    value = int(hash, 16)
    for place in places.tolist():
        value ^= 1 << place
    return f"{value:0{len(hash)}x}"


def clustered(digits: int, radius: int, centres: int = 20, others: int = 130) -> list[str]:
    """Random hashes, and copies of some of them at, below and beyond a radius, in a random order."""
    random = np.random.default_rng(digits + radius)
    hashes = [random.bytes(digits // 2).hex() for _ in range(centres + others)]
    for centre in hashes[:centres]:
        near = (0, 1, radius, radius, radius + 1)
        hashes.extend(flipped(centre, random.choice(digits * 4, bits, replace=False)) for bits in near)
    return [hashes[i] for i in random.permutation(len(hashes))]


def listed(pieces) -> list[tuple[int, int, int]]:
    return [pair for piece in pieces for pair in zip(*(part.tolist() for part in piece), strict=True)]


@pytest.mark.parametrize(("digits", "radius"), [(64, 31), (64, 7), (64, 40), (16, 10), (16, 0), (16, 15), (20, 8)])
def test_the_pair_search_finds_what_comparing_all_pairs_finds(digits: int, radius: int):
    hashes = clustered(digits, radius)
    expected = {
        (i, j, distance(hashes[i], hashes[j]))
        for i, j in combinations(range(len(hashes)), 2)
        if distance(hashes[i], hashes[j]) <= radius
    }

    found = listed(near_pairs(as_words(hashes), radius))

    assert len(expected) > 20
    assert len(found) == len(set(found))
    assert set(found) == expected


@pytest.mark.parametrize(("digits", "radius"), [(64, 31), (16, 10), (16, 0)])
def test_the_search_in_another_set_finds_what_comparing_all_finds(digits: int, radius: int):
    hashes = clustered(digits, radius)
    queries, index = hashes[:90], hashes[90:]
    expected = {
        (i, j, distance(one, other))
        for i, one in enumerate(queries)
        for j, other in enumerate(index)
        if distance(one, other) <= radius
    }

    found = listed(matches(as_words(queries), as_words(index), radius))

    assert len(expected) > 10
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_the_pair_search_works_in_pieces_when_many_hashes_share_a_word():
    hashes = as_words([f"{k:04x}{'0' * 60}" for k in range(900)])

    assert list(near_pairs(hashes, 0)) == []
    assert sum(len(first) for first, _, _ in near_pairs(hashes, 31)) == 900 * 899 // 2


def test_hashes_of_one_group_are_not_compared():
    hashes = clustered(64, 31)
    group = np.arange(len(hashes)) % 3

    found = listed(near_pairs(as_words(hashes), 31, group))

    assert set(found) == {pair for pair in listed(near_pairs(as_words(hashes), 31)) if group[pair[0]] != group[pair[1]]}
    assert len(found) > 20


def test_few_hashes_have_no_pairs_and_what_does_not_fit_is_refused():
    assert list(near_pairs(as_words([]), 0)) == []
    assert list(near_pairs(as_words(["00" * 32]), 31)) == []
    assert list(matches(as_words([]), as_words(["00" * 32]), 31)) == []
    with pytest.raises(ValueError, match="does not fit"):
        list(near_pairs(as_words(["00" * 32]), 256))
    with pytest.raises(ValueError, match="cannot be compared"):
        list(matches(as_words(["00" * 8]), as_words(["00" * 32]), 3))


def unit(count: int, width: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_similar_vectors_are_those_of_the_whole_table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imgaudit.kernels.neighbours._BLOCK", 16)
    vectors = unit(50, 6, 1)
    table = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    expected = {(i, j) for i, j in combinations(range(50), 2) if table[i, j] >= 0.6}

    found = [(i, j, value) for piece in similar_pairs(vectors, 0.6) for i, j, value in zip(*piece, strict=True)]

    assert len(expected) > 10
    assert len(found) == len({(i, j) for i, j, _ in found})
    assert {(i, j) for i, j, _ in found} == expected
    assert all(value == pytest.approx(table[i, j], abs=1e-6) for i, j, value in found)


def test_the_nearest_vector_is_the_first_of_the_largest_cosine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imgaudit.kernels.neighbours._BLOCK", 7)
    vectors, queries = unit(40, 5, 2), unit(9, 5, 3)
    vectors[30] = vectors[4]

    found = nearest(np.concatenate([queries, vectors[30:31]]), vectors)

    table = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    assert found.index[:9].tolist() == table.argmax(axis=1).tolist()
    assert found.index[9] == 4
    assert found.cosine[9] == pytest.approx(1)

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from imgaudit.digest import canonical, digest_pixels, digest_tree, drawn_seed, rounded


def test_canonical_form_does_not_depend_on_key_order():
    assert canonical({"b": [1, 2.5], "a": None}) == canonical({"a": None, "b": [1, 2.5]})


def test_canonical_form_refuses_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


def test_pixels_of_another_shape_have_another_digest():
    flat = np.zeros((2, 8, 4), np.uint8)

    assert digest_pixels(flat) != digest_pixels(flat.reshape(8, 2, 4))


def test_a_renamed_file_changes_the_digest_of_its_folder(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x")
    before = digest_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")

    assert digest_tree(tmp_path) != before


def test_measures_are_stored_with_six_decimals_and_never_as_nan():
    assert rounded(0.12345678) == 0.123457
    assert str(rounded(-0.0000001)) == "0.0"
    with pytest.raises(ValueError, match="abstain"):
        rounded(float("nan"))


def test_drawn_seeds_are_the_first_four_bytes_of_a_hash_of_case_and_index():
    expected = int.from_bytes(hashlib.sha256(b"red-circle\n3").digest()[:4], "big")

    assert drawn_seed("red-circle", 3) == expected
    assert len({drawn_seed(f"case-{n}", k) for n in range(100) for k in range(8)}) == 800

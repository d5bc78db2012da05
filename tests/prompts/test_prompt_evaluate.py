from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgaudit.prompts.evaluate import Tally, interval, lines, read, tally

DATA = Path(__file__).parent / "data"


def test_the_written_prompts_are_a_hundred_positives_and_fifty_hard_negatives():
    rows = [json.loads(line) for line in (DATA / "written.jsonl").read_text().splitlines()]
    forms = [row["form"] for row in rows]

    assert len({row["text"] for row in rows}) == 150
    assert {form: forms.count(form) for form in set(forms)} == {
        "plain": 50, "obfuscated": 30, "paraphrased": 20, "negative": 50,
    }  # fmt: skip


def test_names_are_found_as_docs_say():
    """Floors well below the figures of docs/prompts.md: a change that loses a tenth is seen."""
    written = tally(read(DATA / "written.jsonl", None), doubtful=True)
    later = tally(read(DATA / "later.jsonl", None), doubtful=True)

    assert written["all"].found >= 95
    assert written["all"].alarms <= 3
    assert _found(later, "obfuscated") >= 9
    assert _found(later, "paraphrased") >= 9


def _found(tallies: dict[str, Tally], form: str) -> int:
    return sum(count.found for group, count in tallies.items() if group.endswith(f" {form}"))


def test_prompts_written_after_the_freeze_are_found_as_docs_say():
    fresh = tally(read(DATA / "fresh.jsonl", None), doubtful=True)

    assert (fresh["all"].positives, fresh["all"].negatives) == (143, 60)
    assert fresh["all"].alarms <= 3
    assert _found(fresh, "plain") >= 46
    assert _found(fresh, "obfuscated") >= 29
    assert _found(fresh, "sexual") == 6


def test_a_child_in_a_prompt_without_one_is_a_false_alarm(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "two toddlers", "names": [], "kind": "none", "form": "negative"}\n')

    count = tally(read(path, None), doubtful=True)["all"]

    assert (count.alarms, count.negatives) == (1, 1)


def test_parti_prompts_are_told_apart(corpora: Path):
    rows = read(corpora / "prompts" / "parti" / "PartiPrompts.tsv", DATA / "parti-labels.tsv")
    count = tally(rows, doubtful=True)["all"]

    assert count.positives == 80
    assert count.found >= 78
    assert count.alarms <= 3


def test_prompts_of_real_users_are_read_without_false_alarms(corpora: Path):
    path = corpora / "prompts" / "imagereward" / "benchmark" / "benchmark-prompts.json"
    count = tally(read(path, DATA / "imagereward-labels.tsv"), doubtful=True)["all"]

    assert (count.positives, count.negatives) == (25, 75)
    assert count.found >= 20
    assert count.alarms <= 2


def test_labels_of_other_prompts_are_refused(tmp_path: Path):
    (tmp_path / "prompts.tsv").write_text("Prompt\tCategory\na boat\tx\n")
    (tmp_path / "labels.tsv").write_text("row\tdigest\tkind\tname\tnote\n1\t000000000000\tmark\tNike\t\n")

    with pytest.raises(ValueError, match="another prompt"):
        read(tmp_path / "prompts.tsv", tmp_path / "labels.tsv")


def test_the_interval_is_that_of_clopper_and_pearson():
    assert interval(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-5)
    assert interval(9, 10) == pytest.approx((0.55498, 0.99747), abs=1e-5)


def test_figures_name_counts_and_misses(tmp_path: Path):
    path = tmp_path / "few.jsonl"
    rows = [{"text": "Pikachu", "names": ["Pikachu"]}, {"text": "a boat", "names": ["Titanic"]},
            {"text": "Batman", "names": []}]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    text = "\n".join(lines(read(path, None), verbose=True))

    assert "precision 1/2" in text
    assert "recall 1/2" in text
    assert "missed: a boat" in text
    assert "false alarm: Batman -> Batman" in text


def test_names_of_every_kind_are_counted_together_by_form_and_children_by_themselves():
    """The rows of the table in docs/prompts.md."""
    fresh = tally(read(DATA / "fresh.jsonl", None), doubtful=True)
    together = {name: count.positives for name, count in fresh.items() if name.startswith("all ")}

    assert together == {
        "all plain names": 32, "all obfuscated names": 32, "all paraphrased names": 32, "all off-list names": 20,
        "all with children": 27,
    }  # fmt: skip
    assert sum(together.values()) == fresh["all"].positives

"""How often the grammar of clauses is right: `python -m imgaudit.prompts.clauses_evaluate FOLDER [--half test]`.

FOLDER is searched for files of public suites that say more than the prompt:

    GenEval          evaluation_metadata.jsonl: objects, counts, colours and relations of every prompt
    T2I-CompBench    color, shape and texture files: `a red cup and a blue plate`; numeracy: `two cats, one dog and a
                     boat`; spatial and 3d_spatial: `a cat on the left of a dog`. The prompts of these forms are what
                     the suite's own scorers take apart in this way; sentences in free form have no answer and are left
                     out, and counted.
    DSG, DPG         the csv of propositions: every clause of free-form prompts, made by a language model and checked
                     by people

The grammar was written while looking at one half of the prompts (`--half train`), chosen by digest; its figures are
those of the other half (`test`). A clause is right when kind, thing and value are: things by their whole name, of DSG
and DPG by their noun, since their names carry properties along. Intervals are 95 %, by resampling prompts.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from imgaudit.digest import digest_bytes
from imgaudit.prompts import _clause_words as lists
from imgaudit.prompts._clause_reading import singular
from imgaudit.prompts.clauses import ABSENT, clauses_of
from imgaudit.types import Clause

Fact = tuple[str, ...]
Half = Literal["train", "test", "all"]
_RESAMPLES = 1000
_SEED = 20261124
_COLOURS = "red orange yellow green blue purple pink brown black white gray grey golden silver"
_SHAPES = (
    "big small tall short long round circular spherical oval oblong square cubic rectangular triangular pyramidal "
    "conical cylindrical pentagonal hexagonal diamond teardrop crescent"
)
_TEXTURES = "rubber plastic metallic wooden fabric fluffy leather glass"
_PAIR = re.compile(r"(?:an? )?(\w+) ([\w -]+?) and (?:an? )?(\w+) ([\w -]+)")
_PLACED = re.compile(
    r"an? ([\w -]+?) (on the left of|on the right of|on the top of|on the bottom of|on side of|next to|near|"
    r"in front of|behind|hidden by) an? ([\w -]+)"
)
_STORED = {
    "on the left of": "left of", "on the right of": "right of", "on the top of": "on top of",
    "on the bottom of": "below", "on side of": "next to",
}  # fmt: skip
_NUMBERS = {word: str(value) for word, value in lists.NUMBERS.items()}
_SAME = {"wood": "wooden", "metal": "metallic", "big": "large"}
_POSSESSED = ("with", "has", "have")
"""DSG says of a part that it is there, and nothing of whose it is."""
_TUPLE = re.compile(r"(\w+) - ([\w -]*?)-? ?\((.*)\)")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A prompt with what its suite says of it: by kind, the facts. Kinds that are missing are not judged."""

    prompt: str
    suite: str
    facts: Mapping[str, frozenset[Fact]]
    by_noun: bool = False


@dataclass
class Tally:
    """Counts of one suite and kind, prompt by prompt: wanted, found, right."""

    prompts: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def totals(self) -> tuple[int, int, int]:
        """Wanted, found and right over all prompts."""
        wanted, found, right = (sum(counts[place] for counts in self.prompts) for place in range(3))
        return wanted, found, right

    def interval(self) -> tuple[float, float]:
        """95 % interval of F1, by resampling prompts."""
        import numpy as np

        counts = np.asarray(self.prompts, dtype=float)
        random = np.random.default_rng(_SEED)
        drawn = random.integers(0, len(counts), (_RESAMPLES, len(counts)))
        wanted, found, right = counts[drawn].sum(axis=1).T
        scores = np.divide(2 * right, wanted + found, out=np.ones_like(right), where=wanted + found > 0)
        low, high = np.quantile(scores, [0.025, 0.975])
        return float(low), float(high)


def f1(wanted: int, found: int, right: int) -> float:
    """The harmonic mean of precision and recall; 1 where nothing was wanted and nothing found."""
    return 2 * right / (wanted + found) if wanted + found else 1.0


# --- suites ------------------------------------------------------------------------------------------------------


def geneval(path: Path) -> Iterator[Labelled]:
    """GenEval's metadata, one JSON object a line."""
    for line in path.read_text("utf-8").splitlines():
        value = json.loads(line)
        included = value["include"]
        facts: dict[str, set[Fact]] = {kind: set() for kind in ("object", "count", "colour", "relation")}
        for thing in included:
            name = thing["class"]
            facts["object"].add((name,))
            if value["tag"] == "counting":
                facts["count"].add((name, str(thing["count"])))
            if "color" in thing:
                facts["colour"].add((name, thing["color"]))
            if "position" in thing:
                relation, to = thing["position"]
                facts["relation"].add((name, relation, included[to]["class"]))
        yield Labelled(value["prompt"], "GenEval", _frozen(facts))


def compbench(path: Path) -> Iterator[Labelled]:
    """Prompts of T2I-CompBench that have one of its forms; see the module."""
    kind = path.stem.removesuffix("_val").removesuffix("_train").split("_val_")[0]
    reader = {
        "color": lambda text: _pair(text, "colour", _COLOURS),
        "shape": lambda text: _pair(text, "attribute", _SHAPES),
        "texture": lambda text: _pair(text, "attribute", _TEXTURES),
        "spatial": _placed, "3d_spatial": _placed, "numeracy": _numbers,
    }.get(kind)  # fmt: skip
    if reader is None:
        return
    for line in path.read_text("utf-8").splitlines():
        prompt = line.strip()
        facts = reader(prompt.lower().removesuffix("."))
        if facts is not None:
            yield Labelled(prompt, f"T2I-CompBench {kind}", _frozen(facts))


def _pair(text: str, kind: str, values: str) -> dict[str, set[Fact]] | None:
    found = _PAIR.fullmatch(text)
    allowed = values.split()
    if found is None or found[1] not in allowed or found[3] not in allowed:
        return None
    names = [_one(found[2]), _one(found[4])]
    if any(" with " in name or " and " in name for name in names):
        return None
    return {"object": {(name,) for name in names},
            kind: {(names[0], _value(kind, found[1])), (names[1], _value(kind, found[3]))}}  # fmt: skip


def _placed(text: str) -> dict[str, set[Fact]] | None:
    found = _PLACED.fullmatch(text)
    if found is None:
        return None
    one, other = found[1], found[3]
    return {"object": {(one,), (other,)}, "relation": {(one, _STORED.get(found[2], found[2]), other)}}


def _numbers(text: str) -> dict[str, set[Fact]] | None:
    facts: dict[str, set[Fact]] = {"object": set(), "count": set()}
    for part in re.split(r", and |, | and ", text):
        number, _, name = part.partition(" ")
        if number not in (*_NUMBERS, "a", "an") or not re.fullmatch(r"\w+", name):
            return None
        facts["object"].add((_one(name),))
        if number in _NUMBERS:
            facts["count"].add((_one(name), _NUMBERS[number]))
    return facts


def propositions(path: Path) -> Iterator[Labelled]:
    """DSG's and DPG's csv: one proposition a row, the prompt in the column `text`."""
    rows: dict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["text"]].append(row["tuple"])
    for prompt, tuples in rows.items():
        facts: dict[str, set[Fact]] = {
            kind: set() for kind in ("object", "count", "colour", "attribute", "relation", "action")
        }
        for text in tuples:
            fact = _proposition(text)
            if fact is not None:
                facts[fact[0]].add(fact[1])
        yield Labelled(prompt, path.stem, _frozen(facts), by_noun=True)


def _proposition(text: str) -> tuple[str, Fact] | None:
    """Kind and fact of a tuple such as `attribute - color (cup, red)`; None for kinds that are not compared."""
    found = _TUPLE.fullmatch(text.strip())
    if found is None:
        return None
    broad, detailed = found[1], found[2].strip(" -")
    parts = [part.strip().lower() for part in found[3].split(",")]
    noun = _noun(parts[0])
    if broad == "entity":
        return "object", (noun,)
    if broad == "other" and detailed == "count" and len(parts) == 2:
        return "count", (noun, parts[1].lstrip("=<> "))
    if broad == "relation":
        return _told_relation(noun, parts)
    if broad == "attribute" and len(parts) == 2:
        value = _SAME.get(parts[1], parts[1])
        if detailed in ("color", "colour") or value in lists.COLOURS:
            return "colour", (noun, lists.COLOURS.get(value, value))
        doing = _doing(value)
        return ("action", (noun, doing)) if doing != value else ("attribute", (noun, value))
    return None


def _told_relation(noun: str, parts: Sequence[str]) -> tuple[str, Fact] | None:
    """A relation or an action; the suites put `wear` and `hold` now with the one, now with the other."""
    words = parts[-1]
    if len(parts) == 3 and words.startswith("wear"):
        return "relation", (noun, "wearing", _noun(parts[1]))
    doing = _doing(words)
    if len(parts) < 3 or doing != words:
        return "action", (noun, doing)
    value = lists.RELATIONS.get(tuple(words.split()), words)
    return None if value in _POSSESSED else ("relation", (noun, value, _noun(parts[1])))


def _doing(words: str) -> str:
    first = words.split(" ", 1)[0]
    return lists.GERUND.get(first, words)


def _noun(name: str) -> str:
    return singular(name.split(" of ")[0].split()[-1]).lower() if name.split() else ""


def _one(name: str) -> str:
    first, space, last = name.rpartition(" ")
    return f"{first}{space}{singular(last)}"


def _value(kind: str, word: str) -> str:
    return lists.COLOURS.get(word, word) if kind == "colour" else word


def _frozen(facts: Mapping[str, set[Fact]]) -> dict[str, frozenset[Fact]]:
    return {kind: frozenset(found) for kind, found in facts.items()}


# --- judging -----------------------------------------------------------------------------------------------------


def found_in(prompt: str, by_noun: bool) -> dict[str, frozenset[Fact]]:
    """What the grammar finds, in the form of the suites' facts. People and scenes are things as well."""
    facts: dict[str, set[Fact]] = defaultdict(set)
    for clause in clauses_of(prompt):
        fact = _fact(clause, by_noun)
        if fact is not None:
            facts[fact[0]].add(fact[1])
    return _frozen(facts)


def _fact(clause: Clause, by_noun: bool) -> tuple[str, Fact] | None:
    def name(of: str | None) -> str:
        return _noun(of or "") if by_noun else (of or "").lower()

    subject, value = name(clause.subject), clause.value or ""
    if clause.kind in ("object", "people") or (clause.kind == "scene" and clause.subject == clause.value):
        return "object", (subject,)
    if clause.kind == "negation" and value == ABSENT:
        return "absent", (subject,)
    if clause.kind == "relation":
        left_out = by_noun and value in _POSSESSED
        return None if left_out else ("relation", (subject, value, name(clause.to)))
    if clause.kind in ("count", "colour", "attribute"):
        return clause.kind, (subject, _SAME.get(value, value) if by_noun else value)
    return ("action", (subject, value)) if clause.kind == "action" else None


def suites(folder: Path) -> Iterator[Labelled]:
    """All labelled prompts below a folder, each prompt of a suite once."""
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.rglob("*")):
        for labelled in _reader(path):
            if (labelled.suite, labelled.prompt) not in seen:
                seen.add((labelled.suite, labelled.prompt))
                yield labelled


def _reader(path: Path) -> Iterable[Labelled]:
    if path.name == "evaluation_metadata.jsonl":
        return geneval(path)
    if path.suffix == ".txt" and path.parent.name == "T2I-CompBench":
        return compbench(path)
    if path.suffix == ".csv" and path.stem.startswith(("dsg", "dpg")):
        return propositions(path)
    return ()


def in_half(prompt: str, half: Half) -> bool:
    """Whether a prompt belongs to a half; the halves are told by its digest."""
    train = int(digest_bytes(prompt.encode())[0], 16) < 8
    return half == "all" or train == (half == "train")


def tallied(labelled: Iterable[Labelled], wrong: int = 0) -> dict[tuple[str, str], Tally]:
    """Counts by suite and kind; prints the first `wrong` mistakes of each to the error stream."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    shown: dict[tuple[str, str], int] = defaultdict(int)
    for one in labelled:
        found = found_in(one.prompt, one.by_noun)
        for kind, wanted in one.facts.items():
            given = found.get(kind, frozenset())
            tallies[one.suite, kind].prompts.append((len(wanted), len(given), len(wanted & given)))
            if wanted != given and shown[one.suite, kind] < wrong:
                shown[one.suite, kind] += 1
                print(f"{one.suite} {kind}: {one.prompt}\n  missed {sorted(wanted - given)}, "
                      f"made up {sorted(given - wanted)}", file=sys.stderr)  # fmt: skip
    return dict(tallies)


def table(tallies: Mapping[tuple[str, str], Tally]) -> str:
    """The figures as Markdown."""
    lines = [
        "| suite | kind | prompts | clauses | precision | recall | F1 | 95 % |",
        "| --- | --- | --: | --: | --: | --: | --: | --- |",
    ]
    for (suite, kind), tally in sorted(tallies.items()):
        wanted, found, right = tally.totals
        if not wanted and not found:
            continue
        low, high = tally.interval()
        precision, recall = right / found if found else 0.0, right / wanted if wanted else 0.0
        lines.append(
            f"| {suite} | {kind} | {len(tally.prompts)} | {wanted} | {precision:.3f} | {recall:.3f} "
            f"| {f1(wanted, found, right):.3f} | {low:.3f} to {high:.3f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit code 2 where the folder holds no suite."""
    parser = argparse.ArgumentParser(description="How often the grammar of clauses is right.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("train", "test", "all"), default="test")
    parser.add_argument("--wrong", type=int, default=0, help="mistakes to show of each suite and kind")
    options = parser.parse_args(arguments)
    labelled = [one for one in suites(options.folder) if in_half(one.prompt, options.half)]
    if not labelled:
        print(f"{options.folder}: holds no suite with labelled prompts; see this module's own words", file=sys.stderr)
        return 2
    print(table(tallied(labelled, options.wrong)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How far decisions about pictures agree with the people who annotated GenEval's.

GenEval ships what five people each said of 1,200 pictures of three models: how many of each object, which colours, and
where (`annotations/annotations_clip.csv`, `annotations_if-xl.csv`, `annotations_sdv2.csv`; the pictures themselves are
fetched by the user). Under the rules of a picture's prompt every person's answer is right or wrong, and so is a
detector's decision; `agreement` compares the two.

    people = read_annotations(folder, evaluation_metadata)
    decisions = read_decisions(results_or_run, people)
    agreement(people, decisions)

Decisions come from a `results.jsonl` of GenEval's own layout or from a run whose check `objects` looked at the
pictures. Where a file's path does not name the model (`clip`, `if-xl`, `sdv2`), the caller must.

A person's answer is read so: of each object the number, which runs to 5; a colour is right if it is among those that
were ticked; a place is right if the person chose it for the second object relative to the first. Over 1,560 to 2,400
pairs of people a task, they agree in 98.6 % (one object), 88.7 % (counting), 86.9 % (colours), 86.2 % (two objects),
84.4 % (two colours) and 79.4 % (places): no detector can be expected to do better.

Known limits: pictures of one prompt are alike, so that the intervals are somewhat too narrow; people saw the pictures
at web size.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from imgaudit.errors import ConfigError, UsageError
from imgaudit.kernels.agreement import Agreed, cohen_kappa
from imgaudit.kernels.inference import clopper_pearson
from imgaudit.types import Stored

LEAST_PEOPLE = 3
"""Annotators without whom a picture has no majority."""
LONGEST_LINE = 1_000_000
_PLACE = re.compile(r"(?:^|/)(?P<prompt>\d{5})/samples/(?P<image>\d{4,5})\.[A-Za-z]+$")
_ROW = re.compile(r"\d{1,5}")
_NAMES = {True: "right", False: "wrong"}


@dataclass(frozen=True, slots=True)
class Key:
    """One annotated picture: the model that drew it, the line of the prompt from 0, and which of its pictures."""

    model: str
    prompt: int
    image: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What people said of one picture, each as right or wrong under its prompt's rules."""

    tag: str
    said: tuple[bool, ...]

    @property
    def majority(self) -> bool:
        """What most of them said."""
        return 2 * sum(self.said) > len(self.said)


@dataclass(frozen=True, slots=True)
class People:
    """All annotated pictures, and how many rows could not be read."""

    pictures: Mapping[Key, Judged]
    dropped: int

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose pictures were annotated."""
        return tuple(sorted({key.model for key in self.pictures}))


class Share(Stored):
    """A share with its exact 95 % interval (Clopper and Pearson), and of how many."""

    value: float
    low: float
    high: float
    of: int


class TagAgreement(Stored):
    """Agreement over the pictures of one tag, or over all (`tag` is 'all')."""

    tag: str
    pictures: int
    told: int
    accuracy: Share | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    no_kappa: str | None
    with_each: Share | None
    unanimous: Share | None
    between_people: Share | None


# --- people -------------------------------------------------------------------------------------


def read_annotations(folder: Path, metadata: Path) -> People:
    """Read `annotations_MODEL.csv` of a folder, judged by the rules of `evaluation_metadata.jsonl`.

    Raises:
        ConfigError: a file is none of GenEval's. Single malformed rows (there are four) are counted and left out.
    """
    rules = _read_rules(metadata)
    files = sorted(folder.glob("annotations_*.csv"))
    if not files:
        raise ConfigError(f"{folder}: no annotations_MODEL.csv there; expected the folder 'annotations' of GenEval")
    said: dict[Key, list[bool]] = {}
    dropped = 0
    for path in files:
        model = path.stem.removeprefix("annotations_")
        for row in _rows(path):
            key, answer = _answer(model, row, rules)
            if key is None or answer is None:
                dropped += 1
            else:
                said.setdefault(key, []).append(answer)
    pictures = {key: Judged(str(rules[key.prompt]["tag"]), tuple(answers)) for key, answers in said.items()}
    return People(pictures, dropped)


def _read_rules(metadata: Path) -> list[Mapping[str, Any]]:
    try:
        rules = [json.loads(line) for line in metadata.read_text(encoding="utf-8").splitlines() if line.strip()]
        right = all({"tag", "include", "prompt"} <= rule.keys() for rule in rules)
    except (OSError, ValueError, AttributeError) as error:
        wanted = "expected GenEval's evaluation_metadata.jsonl"
        raise ConfigError(f"{metadata}: cannot be read: {error}; {wanted}") from error
    if not rules or not right:
        raise ConfigError(f"{metadata}: not GenEval's evaluation_metadata.jsonl; expected tag, include, prompt a line")
    return rules


def _rows(path: Path) -> Iterator[Mapping[str, str | None]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if "Answer.task-count-0" not in (reader.fieldnames or ()):
                raise ConfigError(f"{path}: no column 'Answer.task-count-0'; expected a file of GenEval's annotations")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _answer(
    model: str, row: Mapping[str, str | None], rules: Sequence[Mapping[str, Any]]
) -> tuple[Key | None, bool | None]:
    """The picture that a row is about, and whether it is right by what this person saw; None where unreadable."""
    prompt, image = row.get("Input.prompt_id") or "", row.get("Input.image_id") or ""
    if not _ROW.fullmatch(prompt) or not _ROW.fullmatch(image) or int(prompt) >= len(rules):
        return None, None
    rule = rules[int(prompt)]
    if row.get("Input.caption") != rule["prompt"]:
        return None, None
    try:
        return Key(model, int(prompt), int(image)), _right(rule, row)
    except ValueError:
        return None, None


def _right(rule: Mapping[str, Any], row: Mapping[str, str | None]) -> bool:
    """Whether a person's answers fulfil a prompt's rules. Raises ValueError where a count is missing."""
    below = {item["class"]: item["count"] for item in rule.get("exclude", ())}
    for place, item in enumerate(rule["include"]):
        count = int(float(row.get(f"Answer.task-count-{place}") or ""))
        if count < item["count"] or count >= below.get(item["class"], count + 1):
            return False
        if "color" in item and item["color"] not in (row.get(f"Answer.task-color-{place}") or "").split("|"):
            return False
        if "position" in item:
            wanted = str(item["position"][0]).removesuffix(" of")
            if wanted not in (row.get("Answer.task-position-x"), row.get("Answer.task-position-y")):
                return False
    return True


# --- decisions ----------------------------------------------------------------------------------


def read_decisions(path: Path, people: People, model: str | None = None) -> dict[Key, bool | None]:
    """Right, wrong or None (not told) of every annotated picture in a `results.jsonl` or a run folder.

    Args:
        path: a file of GenEval's results, or a run whose check `objects` looked at the pictures.
        people: whose pictures are looked for; others are passed over.
        model: which model drew the pictures, where their paths do not say so.

    Raises:
        UsageError: no annotated picture is among them, or nobody says which model drew them.
    """
    lines = path / "images.jsonl" if path.is_dir() else path
    found: dict[Key, bool | None] = {}
    places = 0
    for name, decision in _decisions(lines):
        place = _PLACE.search(name.replace("\\", "/"))
        if place is None:
            continue
        places += 1
        parts = name.replace("\\", "/").split("/")
        drew = model or next((known for known in people.models if known in parts), None)
        key = Key(drew or "", int(place["prompt"]), int(place["image"]))
        if key in people.pictures:
            found[key] = decision
    if not found:
        lie = f"{places} pictures lie as GenEval lays them"
        what = lie if places else "no picture lies as PROMPT/samples/IMAGE.png"
        raise UsageError(
            f"{lines}: none of the annotated pictures is there ({what}); name the model that drew them, one of: "
            f"{', '.join(people.models)}"
        )
    return found


def _decisions(lines: Path) -> Iterator[tuple[str, bool | None]]:
    try:
        with lines.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _decision(lines, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{lines}: cannot be read: {error}; expected results.jsonl or a run folder") from error


def _decision(lines: Path, number: int, line: str) -> tuple[str, bool | None]:
    """File and decision of one line: `filename` and `correct`, or a record of this program."""
    try:
        value = json.loads(line[:LONGEST_LINE])
        if "correct" in value:
            return str(value["filename"]), None if value["correct"] is None else bool(value["correct"])
        finding = next((one for one in value["findings"] if one["checker"] == "objects"), None)
        correct = (finding or {}).get("measures", {}).get("correct")
        return str(value["path"]), None if correct is None else correct >= 1
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{lines}:{number}: neither a line of GenEval's results nor of a run ({type(error).__name__})"
        ) from error


# --- both ---------------------------------------------------------------------------------------


def agreement(people: People, decisions: Mapping[Key, bool | None]) -> tuple[TagAgreement, ...]:
    """Agreement over all decided pictures, then over those of each tag, in alphabetical order."""
    keys = [key for key in sorted(decisions, key=lambda k: (k.model, k.prompt, k.image)) if key in people.pictures]
    tags = sorted({people.pictures[key].tag for key in keys})
    groups = {"all": keys, **{tag: [key for key in keys if people.pictures[key].tag == tag] for tag in tags}}
    return tuple(_agreement(tag, [(people.pictures[k], decisions[k]) for k in some]) for tag, some in groups.items())


def _agreement(tag: str, pairs: Sequence[tuple[Judged, bool | None]]) -> TagAgreement:
    enough = [(judged, decision) for judged, decision in pairs if len(judged.said) >= LEAST_PEOPLE]
    told = [(judged, decision) for judged, decision in enough if decision is not None]
    mine, theirs = [_NAMES[decision] for _, decision in told], [_NAMES[judged.majority] for judged, _ in told]
    kappa = cohen_kappa(mine, theirs)
    agreed = kappa if isinstance(kappa, Agreed) else None
    united = [(judged, decision) for judged, decision in told if len(set(judged.said)) == 1]
    return TagAgreement(
        tag=tag,
        pictures=len(pairs),
        told=len(told),
        accuracy=_share(judged.majority == decision for judged, decision in told),
        kappa=agreed.value if agreed else None,
        kappa_interval=agreed.interval if agreed else None,
        no_kappa=None if isinstance(kappa, Agreed) else kappa.reason,
        with_each=_share(answer == decision for judged, decision in told for answer in judged.said),
        unanimous=_share(judged.said[0] == decision for judged, decision in united),
        between_people=between_people(judged for judged, _ in pairs),
    )


def between_people(judged: Iterable[Judged]) -> Share | None:
    """How often two people who judged one picture agree: the best that can be hoped for."""
    return _share(one == other for picture in judged for one, other in combinations(picture.said, 2))


def _share(truths: Iterable[bool]) -> Share | None:
    held = list(truths)
    if not held:
        return None
    low, high = clopper_pearson(sum(held), len(held))
    return Share(value=sum(held) / len(held), low=low, high=high, of=len(held))

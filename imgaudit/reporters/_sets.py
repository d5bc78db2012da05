"""Sets of pictures as the page shows them: prompts whose pictures are alike, groups of copies, and the gallery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imgaudit.record import FinishedRun
from imgaudit.reporters._shared import natural
from imgaudit.types import Finding, GroupFinding, ImageRecord

MOST_SETS = 40
MOST_PICTURES = 12
MOST_COPIES = 100


class Carded(Protocol):
    """A picture with its place on the page."""

    @property
    def number(self) -> int:
        """Place, worst first, from 1."""
        ...

    @property
    def record(self) -> ImageRecord:
        """Its record."""
        ...




@dataclass(frozen=True, slots=True)
class Shown:
    """A set with the first of its pictures; `more` are not shown."""

    finding: GroupFinding
    cards: tuple[Carded, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Sets:
    """What the section on sets is given.

    Attributes:
        diversity: over the whole run, if it was measured or tried.
        prompts: the most alike first; `prompts_left_out` more are in groups.jsonl.
        duplicates: over the whole run.
        clusters: groups of copies, the largest first; `clusters_left_out` more are in groups.jsonl.
        gallery: what it is, from run.json; None where nothing was compared with one.
        no_gallery: why not, where a check asked for one.
        copies: pictures that are copies of the gallery, with the finding; `copies_left_out` more.
    """

    diversity: GroupFinding | None
    prompts: tuple[Shown, ...]
    prompts_left_out: int
    duplicates: GroupFinding | None
    clusters: tuple[Shown, ...]
    clusters_left_out: int
    gallery: Mapping[str, str] | None
    no_gallery: str | None
    copies: tuple[tuple[Carded, Finding], ...]
    copies_left_out: int


def sets_of(run: FinishedRun, cards: Sequence[Carded]) -> Sets:
    """The section on sets of a run."""
    by_id = {card.record.id: card for card in cards}
    prompts = sorted((group for group in run.groups if is_prompt(group)), key=_most_alike)
    clusters = sorted((group for group in run.groups if is_cluster(group)), key=lambda g: (-g.size, natural(g.group)))
    remembered = [(card, finding) for card in cards if (finding := _copy(card.record)) is not None]
    gallery = run.run.perceivers.get("gallery") or {}
    return Sets(
        diversity=_over_run(run.groups, "diversity"),
        prompts=tuple(_shown(group, by_id) for group in prompts[:MOST_SETS]),
        prompts_left_out=max(0, len(prompts) - MOST_SETS),
        duplicates=_over_run(run.groups, "duplicates"),
        clusters=tuple(_shown(group, by_id) for group in clusters[:MOST_SETS]),
        clusters_left_out=max(0, len(clusters) - MOST_SETS),
        gallery=gallery if "index" in gallery else None,
        no_gallery=None if "index" in gallery else _why_none(run.images),
        copies=tuple(remembered[:MOST_COPIES]),
        copies_left_out=max(0, len(remembered) - MOST_COPIES),
    )


def is_prompt(group: GroupFinding) -> bool:
    """Whether a finding is about how different the pictures of one prompt are."""
    return group.checker == "diversity" and bool(group.members)


def is_cluster(group: GroupFinding) -> bool:
    """Whether a finding is a group of copies."""
    return group.checker == "duplicates" and group.group != "run"


def _over_run(groups: Iterable[GroupFinding], checker: str) -> GroupFinding | None:
    return next((g for g in groups if g.checker == checker and not is_prompt(g) and not is_cluster(g)), None)


def _most_alike(group: GroupFinding) -> tuple[bool, float, float, tuple[tuple[int, int | str], ...]]:
    measures = group.measures
    content = measures.get("score", measures.get("layout", 1.0))
    return not group.codes, -measures.get("collapse", 0.0), content, natural(group.group)


def _shown(group: GroupFinding, by_id: Mapping[str, Carded]) -> Shown:
    held = [by_id[id] for id in group.members if id in by_id]
    return Shown(group, tuple(held[:MOST_PICTURES]), max(0, len(group.members) - min(len(held), MOST_PICTURES)))


def _copy(record: ImageRecord) -> Finding | None:
    return next((found for found in record.findings if found.checker == "memorisation" and found.codes), None)


def _why_none(images: Iterable[ImageRecord]) -> str | None:
    for record in images:
        for found in record.findings:
            if found.checker == "memorisation":
                return found.reason or found.error
    return None

"""What is to be repaired: the pictures whose final verdict is edit, with the rules that say so, places and methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imgaudit.digest import digest
from imgaudit.engine.inline import PictureRow, rows_of
from imgaudit.errors import UsageError
from imgaudit.repair.record import METHODS
from imgaudit.rubric import Rubric, Rule
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Decision, Finding, ImageRecord, Region

PREFIXES = {"text.unexpected": "unexpected: ", "text.duplicated": "again: ", "text.contrast": "faint: "}
"""How the writing checker labels the places of a fault; its finding holds the places of all of them."""
KEEPS = frozenset({"background.bars", "background.frame"})
"""Codes whose place is what is to be kept: everything around it is the fault."""


@dataclass(frozen=True)
class Aim:
    """One rule that fired, and what it asks for. `method` and `instruction` are None where the rubric names none."""

    rule: Rule
    finding: Finding
    regions: tuple[Region, ...]
    method: str | None
    instruction: str | None

    @property
    def keeps(self) -> bool:
        """Whether its places are what is to be left, and not what is to go."""
        return any(f"{term.checker}.{term.name}" in KEEPS for term in self.rule.terms if term.kind == "code")


@dataclass(frozen=True)
class Task:
    """One picture that is to be edited."""

    row: PictureRow
    record: ImageRecord
    aims: tuple[Aim, ...]

    @property
    def regions(self) -> tuple[Region, ...]:
        """All places that the aims name."""
        return tuple(region for aim in self.aims for region in aim.regions)

    @property
    def instruction(self) -> str | None:
        """What the rubric says is to be done, in one sentence or several."""
        said = dict.fromkeys(aim.instruction for aim in self.aims if aim.instruction)
        return " ".join(said) or None


def tasks_of(folder: RunFolder, rubric: Rubric) -> list[Task]:
    """The pictures whose final verdict is edit, in the run's order."""
    records = {image.id: image for image in folder.read_images() if image.verdict.final == Decision.EDIT}
    found = []
    for row in rows_of(folder):
        record = records.get(row.id)
        if record is not None:
            found.append(Task(row, record, aims_of(record.findings, rubric)))
    return found


def aims_of(findings: Sequence[Finding], rubric: Rubric) -> tuple[Aim, ...]:
    """The rules that ask for an edit or a rejection, in the rubric's order.

    A picture that a person wants edited may also break a rule that rejects; that rule has to be answered too.
    """
    by_checker = rubric.read(findings)
    aims = []
    for rule in rubric.rules().values():
        finding = by_checker.get(rule.checker)
        if rule.then in ("edit", "reject") and finding is not None and fires(rule, finding):
            aims.append(_aim(rule, finding))
    return tuple(aims)


def fires(rule: Rule, finding: Finding) -> bool:
    """Whether a rule holds for a finding."""
    return finding.outcome == "measured" and all(term.holds(finding) for term in rule.terms)


def _aim(rule: Rule, finding: Finding) -> Aim:
    prefixes = {PREFIXES[name] for term in rule.terms if (name := f"{term.checker}.{term.name}") in PREFIXES}
    regions = finding.regions
    for prefix in prefixes:
        regions = tuple(region for region in regions if region.label.startswith(prefix)) or regions
    if rule.fix is None:
        return Aim(rule, finding, regions, None, None)
    label = regions[0].label if regions else "it"
    return Aim(rule, finding, regions, rule.fix.method, rule.fix.instruction.replace("{label}", label))


def chosen(tasks: Sequence[Task], only: Sequence[str]) -> list[Task]:
    """The tasks of these pictures, or all. Raises UsageError for a picture that is not to be edited."""
    if not only:
        return list(tasks)
    known = {task.row.id for task in tasks}
    for name in only:
        if name not in known:
            raise UsageError(f"--only {name!r}: no picture of that id is to be edited; {_some(sorted(known))}")
    return [task for task in tasks if task.row.id in set(only)]


def _some(names: Sequence[str]) -> str:
    if not names:
        return "the run has none"
    return "there are: " + ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def checked_methods(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Methods in the order in which they are to be tried; None leaves it to the rubric."""
    for name in names or ():
        if name not in METHODS:
            raise UsageError(f"--method {name!r}: there is no such method; there are: {', '.join(METHODS)}")
    return tuple(dict.fromkeys(names)) if names is not None else None


def digest_of(tasks: Sequence[Task]) -> str:
    """What a folder of repairs was begun for: another verdict on another picture does not change it."""
    return digest([[t.row.id, t.row.pixels, [aim.rule.id for aim in t.aims]] for t in tasks])

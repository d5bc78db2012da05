"""One picture: what is tried, what came of each try, and which one is kept."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from imgaudit import __version__
from imgaudit.digest import digest, digest_bytes, digest_pixels
from imgaudit.engine.inline import InlineEngine
from imgaudit.engine.perceiving import Subject
from imgaudit.engine.sources import SAFE_NAME
from imgaudit.errors import ImgauditError
from imgaudit.kernels.masks import counts
from imgaudit.repair.marks import file_of, source_of
from imgaudit.repair.methods import Approach, Method, applied, approaches_to
from imgaudit.repair.originals import Canvas, Change, load
from imgaudit.repair.painting import Painter
from imgaudit.repair.record import CannotRepair, NoPicture, Repair, Try
from imgaudit.repair.tasks import Task
from imgaudit.repair.weighing import Weighed, tolerances, weigh
from imgaudit.rubric import Rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Finding, Source

WORDS = 300
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")
"""What pixels are worked on with; a generator's own libraries stand with the generator."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@dataclass(frozen=True)
class Kept:
    """A try that may be kept: its place in the record, its bytes, and what the comparison said."""

    entry: Try
    change: Change
    data: bytes
    weighed: Weighed
    source: Source


@dataclass(frozen=True)
class Mended:
    """The line of one picture, and the repaired picture's bytes where it was repaired."""

    line: Repair
    data: bytes | None = None


@dataclass(frozen=True)
class Mender:
    """What the repairs of one run share.

    Args:
        folder: the run.
        roots: where audited files lie.
        rubric: what judged the run.
        engine: measures tries with the run's own checks of single pictures.
        painter: the generator; `methods` what can be done, by name.
        tries: how many changed pictures are made at most with one method.
        wanted: methods in place of the rubric's, in the order in which they are tried.
    """

    folder: RunFolder
    roots: dict[str, Path]
    rubric: Rubric
    engine: InlineEngine
    painter: Painter
    methods: Mapping[str, Method]
    tries: int
    wanted: tuple[str, ...] | None

    def mend(self, task: Task) -> Mended:
        """Try, look anew, compare, keep the best. Whatever goes wrong with this picture is its own outcome."""
        try:
            self._check(task)
            original = load(task, self.folder, self.roots)
            approaches = approaches_to(task, self.wanted)
        except CannotRepair as error:
            return Mended(self._line(task, "refused", str(error), None))
        entries: list[Try] = []
        refusals: dict[str, str] = {}
        for approach in approaches:
            best = self._best(task, original, approach, entries, refusals)
            if best is not None:
                return self._repaired(task, approach, best, entries)
        name = approaches[-1].name
        if entries:
            said = "; ".join([_failure(entries), *(f"{m}: {why}" for m, why in refusals.items())])
            return Mended(self._line(task, "could not repair", said, name, tuple(entries)))
        why = "; ".join(refusals.values() if len(refusals) == 1 else (f"{m}: {w}" for m, w in refusals.items()))
        return Mended(self._line(task, "refused", why or "there is no way to try", name))

    def _check(self, task: Task) -> None:
        """Raise CannotRepair where a try could not be judged as the picture was."""
        single = {checker.name for checker in self.engine.checks.single}
        over_sets = [aim.rule.id for aim in task.aims if aim.rule.checker not in single]
        if over_sets:
            raise CannotRepair(f"{over_sets[0]} is about the set of pictures, which a change of one cannot answer")

    def _best(
        self, task: Task, original: Canvas, approach: Approach, entries: list[Try], refusals: dict[str, str]
    ) -> Kept | None:
        best: Kept | None = None
        for number in range(self.tries):
            try:
                change = applied(approach, self.methods, task, original, number)
                if change is None:
                    break
                made = self._looked_at(task, original, approach, change, number)
            except NoPicture as error:
                entries.append(_nothing(number, approach, str(error)))
                continue
            except CannotRepair as error:
                refusals[approach.name] = str(error)
                break
            except OSError as error:
                if error.errno in DISK:
                    raise  # not this picture's fault: the same command goes on when there is room
                entries.append(_nothing(number, approach, _said(error)))
                continue
            except Exception as error:  # a model's library raises what it likes; this picture alone is lost
                entries.append(_nothing(number, approach, _said(error)))
                continue
            entries.append(made.entry)
            if made.weighed.good and (best is None or made.weighed.rank < best.weighed.rank):
                best = made
                if not approach.by_chance:
                    break
        return best

    def _looked_at(self, task: Task, original: Canvas, approach: Approach, change: Change, number: int) -> Kept:
        data, source = file_of(task, original, change, approach.name), source_of(task, change)
        findings = self.findings(subject_of(task, data, source))
        weighed = weigh(self._before(task), findings, task.aims, self.rubric, approach.exempt)
        entry = Try(
            number=number, method=approach.name, seed=change.seed, pixels=digest_pixels(change.rgba),
            verdict=weighed.verdict, fixed=weighed.fixed, harmed=weighed.harmed, why=weighed.why,
            settings=dict(change.settings),
        )  # fmt: skip
        return Kept(entry, change, data, weighed, source)

    def findings(self, subject: Subject) -> Sequence[Finding]:
        """What the run's checks say of a changed picture."""
        return self.engine.audit([subject])[0].findings

    def _before(self, task: Task) -> list[Finding]:
        names = {"load", *(checker.name for checker in self.engine.checks.single)}
        return [finding for finding in task.record.findings if finding.checker in names]

    # --- the record

    def _repaired(self, task: Task, approach: Approach, best: Kept, entries: Sequence[Try]) -> Mended:
        reason = f"{approach.name}: try {best.entry.number + 1} of {len(entries)}: {best.weighed.why}"
        line = self._line(task, "repaired", reason, approach.name, tuple(entries))
        found: dict[str, object] = {
            "mask": counts(best.change.mask) if best.change.mask is not None else None,
            "picture": path_of(task), "pixels": best.entry.pixels, "file": digest_bytes(best.data),
            "source": best.source,
        }  # fmt: skip
        return Mended(line.model_copy(update=found), best.data)

    def _line(
        self, task: Task, outcome: str, reason: str, method: str | None, entries: tuple[Try, ...] = ()
    ) -> Repair:
        asked = dict.fromkeys(aim.method for aim in task.aims if aim.method)
        regions = task.regions
        settings: dict[str, JSON] = {
            "imgaudit": __version__, "tries": self.tries, "rubric": self.rubric.digest,
            "tolerances": tolerances(self.rubric), "libraries": {name: version(name) for name in LIBRARIES},
        }  # fmt: skip
        drew = {name for entry in entries for name in entry.method.split("+")} & {"inpaint", "regenerate"}
        if drew and (identity := self.painter.identity()) is not None:
            settings["generator"] = identity
        return Repair.model_validate({
            "id": task.row.id, "parent": task.row.pixels, "outcome": outcome, "reason": reason,
            "method": method or "+".join(asked) or None, "rules": tuple(aim.rule.id for aim in task.aims),
            "instruction": task.instruction, "region": regions[0] if regions else None, "regions": regions,
            "tries": entries, "settings": settings,
        })  # fmt: skip


def subject_of(task: Task, data: bytes, source: Source) -> Subject:
    """A changed picture on its way through the engine, as the original went."""
    row = task.row
    return Subject(
        id=row.id, path=path_of(task), data=data, case=row.case, generated=row.generated, on_suite=row.on_suite,
        seed=row.seed, source=source,
    )  # fmt: skip


def path_of(task: Task) -> str:
    """Where the repaired picture lies in its folder: by the original's name where that is a safe one."""
    folder, _, name = task.row.path.partition("/")
    if folder == "pictures" and SAFE_NAME.match(name) and name.endswith(".png"):
        return f"pictures/{name}"
    return f"pictures/repaired-{digest(task.row.id)[:16]}.png"


def _nothing(number: int, approach: Approach, why: str) -> Try:
    return Try(number=number, method=approach.name, seed=None, pixels=None, verdict=None, fixed=False, why=why[:WORDS])


def _said(error: Exception) -> str:
    if isinstance(error, ImgauditError):
        return str(error)
    words = "".join(c if c.isprintable() else " " for c in str(error))
    return f"something unexpected went wrong: {type(error).__name__}: {words}"


def _failure(entries: Sequence[Try]) -> str:
    """Why none of the tries was kept, in one sentence."""
    lost = [entry for entry in entries if entry.pixels is None]
    unfixed = [entry for entry in entries if entry.pixels is not None and not entry.fixed]
    harmed = [entry for entry in entries if entry.fixed and entry.harmed]
    said = []
    if unfixed:
        said.append(f"{len(unfixed)} did not fix it ({unfixed[-1].why})")
    if harmed:
        names = Counter(name for entry in harmed for name in entry.harmed)
        said.append(f"{len(harmed)} fixed it and harmed {', '.join(name for name, _ in names.most_common(3))}")
    if lost:
        said.append(f"{len(lost)} gave no picture ({lost[-1].why})")
    return f"of {len(entries)} tries {'; '.join(said)}"[: 4 * WORDS]

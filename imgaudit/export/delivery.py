"""A delivery: approved pictures under safe names, marked and signed, with a contact sheet and a manifest.

`delivery.json` names every file with its digest, what the picture was before, what was decided and by whom. It holds no
clock time, no path and no name of a machine: the same run, decisions and options give the same manifest, but for
digests of signed files, since a signature is made with fresh random numbers. With a key, `delivery.dsse.json` is a DSSE
envelope around the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from imgaudit.digest import digest, digest_bytes, digest_file
from imgaudit.errors import PictureError, RunError, UsageError
from imgaudit.export.best import best_of
from imgaudit.export.manifest import (
    ENVELOPE,
    MANIFEST,
    NAMED,
    PAYLOAD_TYPE,
    PICTURES,
    Decided,
    Decider,
    Delivered,
    Delivery,
    Digests,
    FromRun,
    How,
    NotDelivered,
    Repaired,
    listed,
    read_delivery,
)
from imgaudit.export.names import safe_name, suffix_of
from imgaudit.export.outbox import JOURNAL, Outbox, checked_folder, opened
from imgaudit.export.preparing import Marking, Planned, prepared
from imgaudit.export.sheet import HTML, PNG, Cell, arranged, png_name, sheet_html, sheet_pngs, thumbnails_of
from imgaudit.export.view import REPAIRS, View, log_head, open_view
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.repair.record import Repair, read_repairs
from imgaudit.reporters._shared import counted, natural, visible
from imgaudit.rubric import Rubric
from imgaudit.signing import envelope
from imgaudit.types import JSON, Decision, Evidence, ImageRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from imgaudit.export.best import Best

# --- what is to be delivered -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        folder: where to.
        marking: what is written into every picture.
        only_best: the best picture of each case alone.
        key: signs the manifest.
    """

    folder: Path
    marking: Marking
    only_best: bool = False
    key: Ed25519PrivateKey | None = None


@dataclass(frozen=True)
class Plan:
    """The pictures that may be given away, and a place in the contact sheet for every picture of the run."""

    view: View
    pictures: tuple[Planned, ...]
    cells: tuple[Cell, ...]
    refused: tuple[NotDelivered, ...]
    left: dict[Decision, int]
    best: tuple[Best, ...]


def plan_of(view: View, rubric: Rubric | None) -> Plan:
    """Pictures whose final verdict is publish, and repaired ones whose own is, by id.

    A picture that is approved as it is goes as it is. In place of one that needs an edit goes its repaired version; one
    that was rejected or put on hold stays out, whatever became of its repair.
    """
    lines = read_repairs(view.folder.path / REPAIRS)
    repairs = {name: line for name, line in lines.items() if line.outcome == "repaired"}
    repaired = _repaired(view.folder.path, rubric) if repairs else {}
    chosen: list[Planned] = []
    cells: list[Cell] = []
    refused: list[NotDelivered] = []
    left: Counter[Decision] = Counter()
    for record in view:
        final = record.verdict.final
        planned = Planned(_slim(record), view) if final is Decision.PUBLISH else None
        if final is Decision.EDIT and record.id in repairs:
            planned, why = _repaired_plan(record, view, repairs[record.id], repaired)
            refused += [NotDelivered(id=record.id, why=why)] if why else []
        cells.append(_cell(record, refused=refused[-1].why if refused and refused[-1].id == record.id else None))
        if planned is None:
            left[final] += 1
        else:
            chosen.append(planned)
    ordered = tuple(sorted(chosen, key=lambda one: natural(one.record.id)))
    best = best_of(planned.record for planned in ordered)
    return Plan(view, ordered, tuple(cells), tuple(refused), dict(sorted(left.items())), best)


def _cell(record: ImageRecord, refused: str | None = None) -> Cell:
    return Cell(record.id, record.case, record.seed, record.prompt, record.verdict.final, refused=refused)


def _repaired(run: Path, rubric: Rubric | None) -> dict[str, tuple[ImageRecord, View]]:
    view = open_view(run / REPAIRS, rubric)
    return {record.id: (_slim(record), view) for record in view}


def _repaired_plan(
    record: ImageRecord, view: View, repair: Repair, repaired: Mapping[str, tuple[ImageRecord, View]]
) -> tuple[Planned | None, str | None]:
    """The repaired picture where it may go; or nothing, with the reason where it ought to and cannot."""
    found = repaired.get(record.id)
    if found is None:
        return None, f"{REPAIRS}/ does not hold the repaired picture; repair it again"
    after, repairs_view = found
    if after.verdict.final is not Decision.PUBLISH:
        return None, None
    if repair.parent is None or repair.parent != record.pixels or repair.pixels != after.pixels:
        return None, f"{REPAIRS}/ speaks of other pixels than the record; repair it again"
    kept = after.model_copy(update={"case": record.case, "seed": record.seed})
    return Planned(kept, repairs_view, repair, _slim(record), view), None


def _slim(record: ImageRecord) -> ImageRecord:
    """Without what was seen where: thousands of records are held at once."""
    findings = tuple(one.model_copy(update={"regions": (), "evidence": Evidence()}) for one in record.findings)
    return record.model_copy(update={"findings": findings})


# --- delivering ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of it: the manifest, and how many of its files were there before."""

    delivery: Delivery
    kept: int
    sentences: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all that was to be delivered was; 4 some of it was not, or nothing is approved."""
        untold = self.delivery.only_best and any(one.id is None for one in self.delivery.best)
        return 4 if self.delivery.not_delivered or untold or not self.delivery.pictures else 0


def deliver(
    view: View, order: Order, rubric: Rubric | None = None, begin: Callable[[str, int], None] = lambda _s, _n: None,
    advance: Callable[[int], None] = lambda _n: None,
) -> Outcome:  # fmt: skip
    """Write the delivery, or go on with one of the same run and options that is there.

    Args:
        view: the run.
        order: what is asked for.
        rubric: needed where people decided, see `open_view`.
        begin: told how many pictures there are.
        advance: told after each picture.

    Raises:
        UsageError: where the folder may not be written to.
        RunError: where the folder holds another delivery, or pictures that are no longer approved.
    """
    checked_folder(order.folder, view.folder.path)
    plan = plan_of(view, rubric)
    best = {one.id for one in plan.best if one.id is not None}
    if order.only_best:
        if not plan.best and plan.pictures:
            raise UsageError("--best picks one picture of each case, and these pictures have no case; leave it out")
        kept = tuple(one for one in plan.pictures if one.record.id in best)
        plan = Plan(plan.view, kept, plan.cells, plan.refused, plan.left, plan.best)
    if not plan.pictures:
        return _nothing(plan, order)
    earlier = _earlier(order.folder)
    key = digest([view.identity, _how(order.marking).model_dump(mode="json")])
    known = _checked_earlier(earlier, plan, order, key)
    begin("export", len(plan.pictures))
    with opened(order.folder, key, known, PICTURES) as box:
        box.require(MANIFEST, ENVELOPE, HTML, PNG)
        writer = _Writer(box, order.marking, _entries(earlier, box))
        writer.check(plan)
        for planned in plan.pictures:
            writer.write(planned, planned.record.id in best)
            advance(1)
        return _concluded(writer, plan, order)


def _nothing(plan: Plan, order: Order) -> Outcome:
    """Nothing is approved: nothing is written, and an earlier delivery that says otherwise is named."""
    if (order.folder / MANIFEST).exists() or (order.folder / JOURNAL).exists():
        raise RunError(f"{order.folder}: holds a delivery, and no picture of this run is approved now; delete it")
    delivery = _delivery(plan, order, (), plan.refused, {})
    return Outcome(delivery, 0, _sentences(delivery, plan))


class _Writer:
    """Writes pictures one by one and remembers what became of each."""

    def __init__(self, box: Outbox, marking: Marking, entries: dict[str, Delivered]) -> None:
        self.box = box
        self.kept = 0
        self.delivered: list[Delivered] = []
        self.refused: list[NotDelivered] = []
        self._marking = marking
        self._entries = entries
        self._reader = ManifestReader()

    def check(self, plan: Plan) -> None:
        """Raise RunError when an interrupted delivery already holds what is no longer approved."""
        there = {name for name, entry in self._entries.items() if self.box.holds(entry.name, entry.after.file)}
        _refuse_withdrawn(self.box.folder, there, plan)

    def write(self, planned: Planned, best: bool) -> None:
        entry = self._there(planned)
        if entry is None:
            try:
                entry = self._new(planned)
            except PictureError as error:
                self.refused.append(NotDelivered(id=planned.record.id, why=str(error)))
                return
        else:
            self.kept += 1
        self.delivered.append(entry.model_copy(update={"best": best, "verdict": _decided(planned.record)}))

    def _there(self, planned: Planned) -> Delivered | None:
        entry = self._entries.get(planned.record.id)
        # an earlier manifest is a stranger's text too: the name must be the one that would be given now
        if entry is None or entry.name.rpartition(".")[0] != f"{PICTURES}/{safe_name(entry.id)}":
            return None
        if not self.box.holds(entry.name, entry.after.file):
            return None
        same = entry.before.file == planned.record.file and _repair_of(planned) == entry.repaired
        return entry if same else None

    def _new(self, planned: Planned) -> Delivered:
        record = planned.record
        made = prepared(planned, self._marking, self._reader)
        entry = Delivered(
            id=record.id,
            name=f"{PICTURES}/{safe_name(record.id)}{suffix_of(made.format)}",
            case=record.case,
            seed=record.seed,
            best=False,
            verdict=_decided(record),
            before=Digests(file=made.file_before, pixels=made.pixels),
            after=Digests(file=digest_bytes(made.data), pixels=made.pixels),
            source_type=made.kind,
            source_type_by=made.told,
            repaired=_repair_of(planned),
        )
        self.box.put(entry.name, made.data, entry.model_dump(mode="json"))
        return entry


def _repair_of(planned: Planned) -> Repaired | None:
    if planned.repair is None or planned.parent is None:
        return None
    parent = Digests(file=planned.parent.file or "", pixels=planned.parent.pixels or "")
    return Repaired(parent=parent, method=planned.repair.method or "", instruction=planned.repair.instruction)


def _decided(record: ImageRecord) -> Decided:
    verdict, human = record.verdict, record.verdict.human
    if human is None:
        return Decided(machine=verdict.machine, final=verdict.final)
    people = tuple(
        Decider(by=by, role=role, said=said) for by, role, said in zip(human.by, human.role, human.said, strict=True)
    )
    return Decided(
        machine=verdict.machine, final=verdict.final, people=people, reason=human.reason, given=human.given
    )


# --- what is there already -------------------------------------------------------------------------------------------


def _earlier(folder: Path) -> Delivery | None:
    return read_delivery(folder) if (folder / MANIFEST).exists() or (folder / MANIFEST).is_symlink() else None


def _checked_earlier(earlier: Delivery | None, plan: Plan, order: Order, key: str) -> dict[str, str]:
    """The files that an earlier delivery put there. Raises RunError where this one may not go on with it."""
    if earlier is None:
        return {}
    if earlier.run.identity != plan.view.identity:
        raise RunError(f"{order.folder}: holds the delivery of another run; give another folder")
    if digest([earlier.run.identity, earlier.how.model_dump(mode="json")]) != key:
        raise RunError(f"{order.folder}: holds a delivery of this run that was marked or signed otherwise; give the "
                       "same options, or another folder")  # fmt: skip
    _refuse_withdrawn(order.folder, {entry.id for entry in earlier.pictures}, plan)
    files = {entry.name: entry.after.file for entry in earlier.pictures}
    files |= {**earlier.sheets, MANIFEST: digest_file(order.folder / MANIFEST)}
    if (order.folder / ENVELOPE).is_file():
        files[ENVELOPE] = digest_file(order.folder / ENVELOPE)
    return files


def _refuse_withdrawn(folder: Path, delivered: Iterable[str], plan: Plan) -> None:
    approved = {planned.record.id for planned in plan.pictures}
    gone = sorted(set(delivered) - approved, key=natural)
    if gone:
        raise RunError(
            f"{folder}: holds {counted(len(gone), 'picture')} that this export would not deliver any more "
            f"({listed(gone)}); delete the folder, or give another"
        )


def _entries(earlier: Delivery | None, box: Outbox) -> dict[str, Delivered]:
    entries = {entry.id: entry for entry in earlier.pictures} if earlier is not None else {}
    for value in box.kept.values():
        try:
            entry = Delivered.model_validate_json(json.dumps(value))
        except ValidationError:
            raise RunError(f"{box.folder / JOURNAL}: is damaged; delete the folder and export anew") from None
        entries[entry.id] = entry
    return entries


# --- the rest of the files -------------------------------------------------------------------------------------------


def _concluded(writer: _Writer, plan: Plan, order: Order) -> Outcome:
    refused = tuple(sorted([*plan.refused, *writer.refused], key=lambda one: natural(one.id)))
    delivered = tuple(writer.delivered)
    bare = _delivery(plan, order, delivered, refused, {})
    box = writer.box
    records = {planned.record.id: planned.record for planned in plan.pictures}
    entries = {entry.id: entry for entry in delivered}
    why = {one.id: one.why for one in refused}
    cells = [_filled(cell, entries.get(cell.id), records.get(cell.id), why.get(cell.id)) for cell in plan.cells]
    sheet = arranged(plan.view.report.title, cells, _sentences(bare, plan, advice=False))

    def read(cell: Cell) -> bytes | None:
        return (box.folder / cell.name).read_bytes() if cell.name is not None else None

    small = thumbnails_of(sheet, read)
    files = {HTML: sheet_html(sheet, small)}
    files |= {png_name(number): data for number, data in enumerate(sheet_pngs(sheet, small))}
    for path in sorted(box.folder.glob(PNG.replace(".png", "-*.png"))):
        if path.name not in files and box.ours(path.name):
            path.unlink()
    delivery = bare.model_copy(update={"sheets": {name: digest_bytes(data) for name, data in sorted(files.items())}})
    payload = delivery.payload()
    files[MANIFEST] = payload
    if order.key is not None:
        files[ENVELOPE] = envelope(order.key, PAYLOAD_TYPE, payload).encode()
    elif (box.folder / ENVELOPE).exists() and not _envelops(box.folder / ENVELOPE, payload):
        raise RunError(f"{box.folder}: the earlier manifest was signed, and this one differs; give --sign-key again")
    for name, data in files.items():
        box.put(name, data)
    return Outcome(delivery, writer.kept, _sentences(delivery, plan))


def _envelops(path: Path, payload: bytes) -> bool:
    import base64

    try:
        return bool(base64.b64decode(json.loads(path.read_bytes())["payload"]) == payload)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _filled(cell: Cell, entry: Delivered | None, record: ImageRecord | None, why: str | None) -> Cell:
    if entry is None:
        return Cell(cell.id, cell.case, cell.seed, cell.prompt, cell.final, refused=why)
    return Cell(
        cell.id, cell.case, cell.seed, cell.prompt, cell.final, name=entry.name, best=entry.best,
        repaired=entry.repaired is not None, record=record,
    )  # fmt: skip


def _how(marking: Marking) -> How:
    signer = digest_bytes(marking.credential.chain.encode()) if marking.credential is not None else None
    return How(
        marked=marking.marked, signer=signer, source_type=marking.source_type, provider=marking.provider,
        aigc_producer=marking.aigc_producer,
    )  # fmt: skip


def _delivery(
    plan: Plan, order: Order, delivered: Sequence[Delivered], refused: Sequence[NotDelivered], sheets: dict[str, str]
) -> Delivery:
    view = plan.view
    lines, head = log_head(view.folder.path)
    run = FromRun(
        identity=view.identity, kind=view.run.kind, images=view.report.images_digest, rubric=view.report.rubric,
        decisions=lines, head=head,
    )  # fmt: skip
    return Delivery(
        run=run, how=_how(order.marking), only_best=order.only_best, pictures=tuple(delivered), best=plan.best,
        not_delivered=tuple(refused), not_approved=plan.left, sheets=sheets,
    )  # fmt: skip


def _sentences(delivery: Delivery, plan: Plan, advice: bool = True) -> tuple[str, ...]:
    """The delivery in words: for the terminal with advice, for the contact sheet without."""
    number, total = len(delivery.pictures), len(plan.cells)
    others = ", ".join(f"{count} {verdict}" for verdict, count in delivery.not_approved.items())
    said = [f"{number:,} of {counted(total, 'picture')} delivered{f'; not approved: {others}' if others else ''}."]
    if number:
        said += _told_of_marks(delivery, advice)
    repaired = sum(one.repaired is not None for one in delivery.pictures)
    if repaired:
        said.append(f"{counted(repaired, 'picture')} went in the repaired version.")
    untold = [one for one in delivery.best if one.id is None]
    if untold:
        cases = listed([one.case for one in untold])
        said.append(f"The best picture of {counted(len(untold), 'case')} cannot be told ({cases}): {untold[0].why}.")
    said += [f"{visible(one.id)}: not delivered: {one.why}." for one in delivery.not_delivered[:NAMED]]
    if len(delivery.not_delivered) > NAMED:
        said.append(f"{MANIFEST} names {len(delivery.not_delivered) - NAMED:,} more that were not delivered.")
    return tuple(said)


def _told_of_marks(delivery: Delivery, advice: bool) -> Iterator[str]:
    if not delivery.how.marked:
        yield "The files are as they came, byte for byte: not marked and not signed."
        return
    if delivery.how.signer is None:
        yield "They are marked but not signed" + ("; sign with --key and --certificates." if advice else ".")
    else:
        yield "They are marked and signed."
    assumed = sum(one.source_type_by == "assumed" for one in delivery.pictures)
    if assumed:
        text = f"{counted(assumed, 'audited file')} did not say what they are and were marked as generated"
        yield text + ("; --source-type says otherwise." if advice else ".")
    silent = sum(one.source_type is None for one in delivery.pictures)
    if silent:
        text = f"{counted(silent, 'file')} with a manifest of their own that is silent about it got no source type"
        yield text + ("; --source-type gives one." if advice else ".")


def delivered_json(outcome: Outcome) -> JSON:
    """What `--json` prints of a delivery."""
    delivery = outcome.delivery
    return {
        "delivered": len(delivery.pictures),
        "kept": outcome.kept,
        "marked": delivery.how.marked,
        "signed": delivery.how.signer is not None,
        "best": {one.case: one.id for one in delivery.best},
        "not_delivered": {one.id: one.why for one in delivery.not_delivered},
        "not_approved": {str(verdict): count for verdict, count in delivery.not_approved.items()},
    }

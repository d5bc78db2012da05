"""Control packs over a stored run, as of a day and for a role: satisfied, not satisfied, undetermined, not applicable.

The record is read once, whatever the number of packs. What cannot be told leaves a control undetermined, and so does
any failure against a text that nobody here has read (`verified: false`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit import __version__
from imgaudit.compliance.facts import FACTS, Record, licence_of
from imgaudit.compliance.result import (
    EXAMPLES,
    RETENTION,
    STATUSES,
    AnsweredLine,
    ComplianceReport,
    ControlResult,
    EvidenceResult,
    EvidenceStatus,
    LogState,
    PackResult,
    Status,
)
from imgaudit.compliance.schema import Control, Evidence, Has, Pack, Role
from imgaudit.digest import digest_bytes, digest_file
from imgaudit.dimensions import BY_ID
from imgaudit.errors import ImgauditError, RunError, UsageError
from imgaudit.pipeline import set_digest
from imgaudit.record import DimensionLine, Report
from imgaudit.rubric import Term, load_rubric, packaged_rubrics
from imgaudit.store.decisions import (
    Answers,
    Asked,
    Attested,
    check_log,
    generator_digest,
    has_decisions,
    picture_digest,
    read_log,
)
from imgaudit.store.runfolder import RunFolder
from imgaudit.summary import attested_line
from imgaudit.types import Decision, Finding, ImageRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMITS = (
    "Invisible watermarks (SynthID and others) were not looked for: none found does not mean that none is there.",
    "Whether a picture is a deepfake in law is not told by any check; only the answers of named persons stand here.",
    "Visible labels and icons were not looked for, and neither was the page on which a picture is shown.",
    "This report certifies no compliance. It says what the record of this run shows about each control, and no more.",
)
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD = "application/vnd.in-toto+json"
ENVELOPE = "comply.dsse.json"


def comply(
    path: Path, packs: Sequence[Pack], as_of: date, role: Role, key: Ed25519PublicKey | None = None
) -> ComplianceReport:
    """What the packs say about a finished run on a day, for those who act in this role.

    `key` verifies the signed head of the decision log. Raises RunError where record or log do not hold together.
    """
    folder = RunFolder.open(path)
    run, report = folder.read_run(), folder.read_report()
    if digest_file(path / "images.jsonl") != report.images_digest:
        raise RunError(f"{path}: images.jsonl is not what report.json speaks of; judge anew: imgaudit report --rubric")
    answers, log = _people(folder, as_of, key)
    tallies = {
        (pack.name, control.id): (control, [_Tally(evidence) for evidence in control.evidence])
        for pack in packs
        for control in pack.controls
        if _why_not(control, as_of, role) is None
    }
    count = _walk(folder.read_images(), list(tallies.values()), report.kind == "run", answers)
    lines = _dimensions(report, answers, count)
    record = Record(run, report, log.lines, (log.signed_lines or 0) if log.verified else 0)
    controls = tuple(
        _control(pack, control, (as_of, role), tallies.get((pack.name, control.id), (control, []))[1], (record, lines))
        for pack in packs
        for control in pack.controls
    )
    statuses: list[Status] = [control.status for control in controls]
    return ComplianceReport(
        imgaudit=__version__,
        title=report.title,
        as_of=as_of,
        role=role,
        kind=report.kind,
        generator=report.generator,
        licence=licence_of(run),
        rubric=report.rubric,
        pictures=report.pictures,
        final_counts={decision.value: report.final_counts.get(decision, 0) for decision in Decision},
        report_digest=digest_bytes((path / "report.json").read_bytes()),
        images_digest=report.images_digest,
        packs=tuple(_pack(pack, controls) for pack in packs),
        counts=_counted(statuses),
        controls=controls,
        people=tuple(_person_line(line) for line in lines.values() if line.how == "attestation"),
        log=log,
        limits=LIMITS,
        not_checked=report.not_checked,
        retention=RETENTION,
        exit_code=_exit_code(statuses),
    )


def _exit_code(statuses: Iterable[Status]) -> int:
    found = set(statuses)
    return 1 if "not satisfied" in found else 4 if "undetermined" in found else 0


def _counted(statuses: Iterable[Status]) -> dict[Status, int]:
    counts = Counter(statuses)
    return {status: counts[status] for status in STATUSES}


def _pack(pack: Pack, controls: Iterable[ControlResult]) -> PackResult:
    return PackResult(
        name=pack.name, version=pack.version, title=pack.title, about=pack.about, digest=pack.digest,
        counts=_counted(control.status for control in controls if control.pack == pack.name),
    )  # fmt: skip


# --- people ------------------------------------------------------------------------------------------


def _people(
    folder: RunFolder, as_of: date, key: Ed25519PublicKey | None
) -> tuple[Answers | None, LogState]:
    """The answers that count on the day, and the state of the log. Raises RunError for a broken log."""
    check = check_log(folder.path, key)
    if check.state == "tampered":
        raise RunError(f"{folder.path}: {check.sentences[0]}")
    if not has_decisions(folder.path):
        return None, LogState(state="none")
    entries = read_log(folder.path).entries
    given = [entry for entry in entries if isinstance(entry, Attested)]
    asked = _asked(folder) or {entry.dimension: Asked("generator", 36_500) for entry in given}
    log = LogState(
        state="intact", lines=check.lines, head=check.head, signed_lines=check.signed_lines, signer=check.signer,
        verified=key is not None and check.signed_lines is not None, sentences=check.sentences,
    )  # fmt: skip
    return Answers(entries, set_digest(folder), generator_digest(folder.read_run()), as_of, asked), log


def _asked(folder: RunFolder) -> dict[str, Asked] | None:
    """What the run's own rubric asks; None where its file is not at hand, so that each answer's own end counts."""
    info = folder.read_report().rubric
    if info.name not in packaged_rubrics():
        return None
    try:
        rubric = load_rubric(info.name)
    except ImgauditError:
        return None
    return {
        name: Asked(entry.attestation.scope, entry.attestation.valid_days)
        for name, entry in rubric.dimensions.items()
        if entry.attestation is not None
    }


def _dimensions(report: Report, answers: Answers | None, pictures: int) -> dict[str, DimensionLine]:
    """The report's lines, with those that people answer told anew for the day."""
    told = answers.lines() if answers is not None else {}
    lines = {}
    for line in report.dimensions:
        if line.how == "attestation":
            blank = line.model_copy(update={"text": BY_ID[line.id].question, "answers": ()})
            lines[line.id] = attested_line(blank, told.get(line.id, ()), pictures)
        else:
            lines[line.id] = line
    return lines


def _person_line(line: DimensionLine) -> AnsweredLine:
    return AnsweredLine(
        id=line.id, title=line.title, question=BY_ID[line.id].question, required=line.required, status=line.status,
        answered=line.measured, of=line.of, answers=line.answers,
    )  # fmt: skip


# --- pictures ----------------------------------------------------------------------------------------


@dataclass
class _Tally:
    """How often a condition over pictures was met, unmet, or could not be told."""

    evidence: Evidence
    counts: Counter[str] = field(default_factory=Counter)
    against: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    out_of_scope_unknown: int = 0

    def add(self, picture: str, status: str) -> None:
        self.counts[status] += 1
        names = self.against if status == "unmet" else self.untold
        if status != "met" and len(names) < EXAMPLES:
            names.append(picture)


def _walk(
    images: Iterable[ImageRecord],
    controls: Sequence[tuple[Control, Sequence[_Tally]]],
    generated: bool,
    answers: Answers | None,
) -> int:
    """Hold every picture against every condition; the number of pictures."""
    wanted = [
        (tally, control.pictures == "generated")
        for control, tallies in controls
        for tally in tallies
        if tally.evidence.terms
    ]
    count = 0
    for image in images:
        count += 1
        if answers is not None:
            answers.tallied(picture_digest(image.pixels, image.file))
        findings = {finding.checker: finding for finding in image.findings}
        known = generated or _says_generated(findings.get("provenance"))
        for tally, only_generated in wanted:
            if only_generated and not known:
                # a file that says nothing may be a photograph or an unmarked render: nobody knows which
                tally.out_of_scope_unknown += 1
                tally.add(image.id, "unknown")
            else:
                tally.add(image.id, _holds(tally.evidence, findings))
    return count


def _says_generated(finding: Finding | None) -> bool:
    return finding is not None and finding.measures.get("ai_disclosed") == 1.0


def _holds(evidence: Evidence, findings: dict[str, Finding]) -> str:
    """Whether one picture meets the condition; unknown where one of its terms could not be told."""
    told = [_term(term, findings.get(term.checker)) for term in evidence.terms]
    if all(one is True for one in told):
        fires: bool | None = True
    else:
        fires = False if any(one is False for one in told) else None
    if fires is None:
        return "unknown"
    return "met" if fires == (evidence.every is not None) else "unmet"


def _term(term: Term | Has, finding: Finding | None) -> bool | None:
    if finding is None or finding.outcome != "measured":
        return None
    if isinstance(term, Has):
        return term.holds(finding)
    if term.kind == "measure" and term.name not in finding.measures:
        return None
    if term.kind == "label" and term.name not in finding.labels:
        return None
    return term.holds(finding)


# --- controls ----------------------------------------------------------------------------------------


def _why_not(control: Control, as_of: date, role: Role) -> str | None:
    """Why a control does not apply, or None."""
    if role != "any" and "any" not in control.roles and role not in control.roles:
        return f"It asks {' and '.join(control.roles)}, not {role}."
    if control.applies_from is not None and as_of < control.applies_from:
        return f"It applies from {control.applies_from.isoformat()}."
    if control.applies_until is not None and as_of > control.applies_until:
        return f"It applied until {control.applies_until.isoformat()}."
    return None


def _control(
    pack: Pack,
    control: Control,
    when: tuple[date, Role],
    tallies: Sequence[_Tally],
    known: tuple[Record, dict[str, DimensionLine]],
) -> ControlResult:
    why_not = _why_not(control, *when)
    evidence = () if why_not else tuple(_evidence(tally, *known) for tally in tallies)
    status: Status
    status, why = ("not applicable", why_not) if why_not else _status(control, evidence)
    return ControlResult(
        pack=pack.name, id=control.id, title=control.title, says=control.says, roles=control.roles,
        applies_from=control.applies_from, applies_until=control.applies_until, voluntary=control.voluntary,
        source=control.source, verified=control.verified, status=status, why=why or "", evidence=evidence,
    )  # fmt: skip


def _status(control: Control, evidence: Sequence[EvidenceResult]) -> tuple[Status, str]:
    against = [one for one in evidence if one.status == "unmet"]
    untold = [one for one in evidence if one.status == "unknown"]
    if against and control.verified:
        return "not satisfied", against[0].text
    if against:
        return "undetermined", f"{against[0].text} The cited text itself was not read, so it fails nothing."
    if untold:
        return "undetermined", untold[0].text
    unread = "" if control.verified else " The cited text itself was not read."
    return "satisfied", f"All {len(evidence)} pieces of evidence are there.{unread}" if len(evidence) > 1 else (
        f"{evidence[0].text}{unread}"
    )


def _evidence(tally: _Tally, record: Record, lines: dict[str, DimensionLine]) -> EvidenceResult:
    evidence = tally.evidence
    why = evidence.because
    if evidence.terms:
        return _over_pictures(tally)
    if evidence.dimension is not None:
        return _of_dimension(evidence, lines[evidence.dimension])
    if evidence.record is not None:
        asks, tell = FACTS[evidence.record]
        status, text = tell(record)
        said = f"{text[:1].upper()}{text[1:]}."
        return EvidenceResult(kind="record", status=status, asks=asks, text=said, because=why)
    text = evidence.limit or ""
    return EvidenceResult(kind="limit", status="unknown", asks="nothing here can tell", text=text, because=why)


def _over_pictures(tally: _Tally) -> EvidenceResult:
    evidence, counts = tally.evidence, tally.counts
    total = sum(counts.values())
    status: EvidenceStatus = "unmet" if counts["unmet"] else "unknown" if counts["unknown"] or not total else "met"
    quantity = "every picture" if evidence.every is not None else "no picture"
    parts = [f"{counts['met']} of {total} pictures meet it"]
    if counts["unmet"]:
        parts.append(f"{counts['unmet']} do not")
    if counts["unknown"]:
        parts.append(f"for {counts['unknown']} it could not be told")
    if tally.out_of_scope_unknown:
        parts.append(f"{tally.out_of_scope_unknown} of those bear no mark, so whether they were generated is not known")
    return EvidenceResult(
        kind="every" if evidence.every is not None else "never",
        status=status,
        asks=f"{quantity}: {evidence.condition}",
        text=f"{'; '.join(parts)}." if total else "There is no picture to look at.",
        because=evidence.because,
        met=counts["met"],
        unmet=counts["unmet"],
        unknown=counts["unknown"],
        pictures=tuple((tally.against or tally.untold)[:EXAMPLES]),
    )


def _of_dimension(evidence: Evidence, line: DimensionLine) -> EvidenceResult:
    told: dict[str, EvidenceStatus] = {"checked": "met", "attested": "met", "declined": "unmet"}
    return EvidenceResult(
        kind="dimension", status=told.get(line.status, "unknown"), asks=f"dimension: {line.title}",
        text=f"{line.title}: {line.status}. {line.text}", because=evidence.because, answers=line.answers,
        dimension=line.id,
    )  # fmt: skip


# --- the signed statement ------------------------------------------------------------------------------


def statement(report: ComplianceReport, files: dict[str, str], pictures: Iterable[ImageRecord]) -> bytes:
    """An in-toto statement with a test-result predicate: what was tested, by which packs, and what came of it.

    Args:
        report: the result.
        files: name -> sha256 of the files that the signature covers (comply.json, report.json, ...).
        pictures: the run's pictures; those with a digest become subjects.
    """
    named = {status: [f"{c.pack}/{c.id}" for c in report.controls if c.status == status] for status in STATUSES}
    subjects = [{"name": name, "digest": {"sha256": sha}} for name, sha in sorted(files.items())]
    subjects += [{"name": f"picture/{p.id}", "digest": {"sha256": p.file}} for p in pictures if p.file is not None]
    configuration = [
        {"name": f"controls/{pack.name}@{pack.version}", "digest": {"sha256": pack.digest}} for pack in report.packs
    ]
    configuration.append({"name": f"rubric/{report.rubric.name}", "digest": {"sha256": report.rubric.digest}})
    predicate = {
        "result": {0: "PASSED", 1: "FAILED"}.get(report.exit_code, "WARNED"),
        "configuration": configuration,
        "passedTests": named["satisfied"],
        "warnedTests": named["undetermined"],
        "failedTests": named["not satisfied"],
    }
    value = {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": predicate}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check_subjects(payload: bytes, folder: Path) -> tuple[dict[str, str], int]:
    """Compare the signed digests of files with those that lie in a folder.

    Returns:
        name -> `same`, `changed` or `missing`, and the number of pictures that the statement names.

    Raises:
        UsageError: when the payload is no such statement.
    """
    try:
        value = json.loads(payload)
        subjects = [(str(one["name"]), str(one["digest"]["sha256"])) for one in value["subject"]]
        kinds = value["_type"], value["predicateType"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("the envelope holds no in-toto statement") from None
    if kinds != (STATEMENT, PREDICATE):
        raise UsageError(f"the envelope holds {kinds[1]!r}; expected a test result")
    files = [(name, sha) for name, sha in subjects if not name.startswith("picture/")]
    return {name: _compared(folder, name, sha) for name, sha in files}, len(subjects) - len(files)


def _compared(folder: Path, name: str, sha: str) -> str:
    # a name from a statement is looked up beside it and never followed elsewhere
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        return "missing"
    path = folder / name
    if not path.is_file():
        return "missing"
    return "same" if digest_file(path) == sha else "changed"

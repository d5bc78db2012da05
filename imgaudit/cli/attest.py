"""`imgaudit attest`: a named person answers a question that no check can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgaudit.cli._common import rubric_of
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.record import Report
    from imgaudit.rubric import Attestation, Rubric
    from imgaudit.store.decisions import Facts, Subject
    from imgaudit.store.runfolder import RunFolder

app = typer.Typer(rich_markup_mode=None)

REASONS = ("consent-on-file", "no-person-shown", "licence-on-file", "own-work", "reviewed", "policy", "not-applicable",
           "no-consent", "no-licence", "misleading", "unsafe", "off-brand", "other")  # fmt: skip
REASONS_HELP = f"A reason code, e.g. {', '.join(REASONS[:5])}; any word of yours in small letters."


@app.command(
    epilog="Example: imgaudit attest runs/shapes --dimension likeness --answer n/a --reason no-person-shown "
    "--by 'A. Jonas' --role editor"
)
def attest(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    dimension: list[str] = typer.Option(..., help="The question; see docs/framework.md. May be given several times."),
    answer: str = typer.Option(..., help="yes (clears), no, or n/a (does not arise)."),
    reason: str = typer.Option(..., help=REASONS_HELP),
    by: str = typer.Option(..., help="Your name."),
    role: str = typer.Option(..., help="In which role you answer, e.g. editor, legal, brand."),
    picture: list[str] = typer.Option([], metavar="ID", help="One picture by its id; all of the run if left out."),
    valid_days: int | None = typer.Option(None, min=1, help="Days it counts; at most, and by default, the rubric's."),
    note: str | None = typer.Option(None, help="In words. Kept apart from the log, so that it can be erased."),
    key: Path | None = typer.Option(None, metavar="KEY.pem", help="Sign the log's head with this Ed25519 key."),
    rubric: str | None = typer.Option(None, help="The rubric that asks; the run's own if left out."),
    as_json: bool = typer.Option(False, "--json", help="Print the decisions as JSON lines."),
) -> int:
    """Answer a question about a run, a picture, or the generator, under your name; then judge again.

    Questions are put so that a yes clears the picture. The answer is appended to decisions.jsonl, bound by digest to
    what it is about, and counts until its last day. Exit codes are those of the run's verdicts.
    """
    from imgaudit.pipeline import judge_again
    from imgaudit.signing import load_secret_key
    from imgaudit.store.decisions import append, line_of
    from imgaudit.store.runfolder import RunFolder

    if answer not in ("yes", "no", "n/a"):
        raise UsageError(f"--answer {answer!r}: expected yes, no or n/a")
    if note is not None and len(note) > 2000:
        raise UsageError("--note: is longer than 2000 characters; keep the document elsewhere and name it")
    folder = RunFolder.open(run)
    asked = rubric_of(folder.read_report().rubric, rubric)
    secret = load_secret_key(key) if key is not None else None
    now = datetime.now(UTC)
    facts: list[Facts] = []
    for name in dict.fromkeys(dimension):
        entry = _attestation(asked, name)
        if valid_days is not None and valid_days > entry.valid_days:
            raise UsageError(f"--valid-days {valid_days}: {name} counts {entry.valid_days} days by rubric {asked.name}")
        until = None if answer == "no" else (now + timedelta(days=valid_days or entry.valid_days)).date()
        more = {"dimension": name, "answer": answer, "scope": entry.scope, "until": until}
        facts.extend(_facts(subject, (by, role, reason, note), more) for subject in _subjects(folder, entry, picture))
    written = append(run, facts, now, secret)
    report = judge_again(run, asked)
    if as_json:
        for decision in written:
            typer.echo(line_of(decision).decode())
    else:
        _conclude(folder, report, len(written), bool(picture), secret is not None)
    return report.exit_code


def _facts(subject: Subject, who: tuple[str, str, str, str | None], more: dict[str, Any]) -> Facts:
    from imgaudit.store.decisions import Facts

    by, role, reason, note = who
    return Facts("attest", subject, reason=reason, by=by.strip(), role=role.strip(), more=more, note=note)


def _attestation(rubric: Rubric, name: str) -> Attestation:
    entry = rubric.dimensions.get(name)
    if entry is None or entry.attestation is None:
        people = [one for one, rule in rubric.dimensions.items() if rule.attestation is not None]
        why = "no such dimension" if entry is None else "a check, or nobody, answers it"
        raise UsageError(f"--dimension {name!r}: {why}; people answer: {', '.join(people)}")
    return entry.attestation


def _subjects(folder: RunFolder, entry: Attestation, pictures: Sequence[str]) -> list[Subject]:
    from imgaudit.pipeline import set_digest
    from imgaudit.store.decisions import Subject, generator_digest, picture_digest

    everything = set_digest(folder)
    if pictures:
        wanted = set(pictures)
        found = {image.id: image for image in folder.read_images() if image.id in wanted}
        missing = sorted(wanted - set(found))
        if missing:
            raise UsageError(f"--picture {missing[0]!r}: the run has no picture of this id; images.jsonl lists them")
        digests = dict.fromkeys(picture_digest(found[name].pixels, found[name].file) for name in pictures)
        return [Subject(pictures=everything, picture=digest) for digest in digests]
    generator = generator_digest(folder.read_run()) if entry.scope == "generator" else None
    return [Subject(pictures=everything, generator=generator)]


def _conclude(folder: RunFolder, report: Report, lines: int, single: bool, signed: bool) -> None:
    from imgaudit.reporters._shared import counted, summary

    about = "single pictures" if single else f"all {counted(report.pictures, 'picture')} of the run"
    typer.echo(f"{counted(lines, 'decision')} written to {folder.path / 'decisions.jsonl'}, about {about}")
    if not signed:
        typer.echo("the log's head was not signed: lines cut off its end would not be noticed; see --key")
    typer.echo(f"{summary(report)} (rubric {report.rubric.name})")
    unanswered = [line.id for line in report.dimensions if line.how == "attestation" and line.required
                  and line.status in ("not attested", "partly attested")]  # fmt: skip
    if unanswered:
        typer.echo(f"still to be answered: {', '.join(unanswered)}")

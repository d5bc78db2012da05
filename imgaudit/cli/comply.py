"""`imgaudit comply`: what control packs say about a run; sign the answer, and verify it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from imgaudit.cli._common import day
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.compliance.result import ComplianceReport

FORMATS = ("html", "json", "pdf")
HTML, JSON_FILE, PDF = "comply.html", "comply.json", "comply.pdf"


class RunOrCommand(TyperGroup):
    """`imgaudit comply RUN` runs the report; `verify` and `packs` are commands beside it."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Put the report's own name before arguments that start with no command."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["report", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=RunOrCommand,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What control packs (laws, codes, frameworks, your own) say about a run: imgaudit comply RUN.",
    epilog="Example: imgaudit comply runs/shapes --packs eu-art50,nist-600-1 --as-of 2026-12-02 --role deployer",
)


@app.command(epilog="Example: imgaudit comply runs/shapes --packs eu-art50,mine.yaml --pdf a-3b")
def report(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    packs: str = typer.Option("eu-art50,eu-code-of-practice,eu-omnibus", help="Control packs: names or .yaml files."),
    as_of: str | None = typer.Option(None, metavar="YYYY-MM-DD", help="The day to judge by; today (UTC) if left out."),
    role: str = typer.Option("any", help="Whose duties: provider, deployer, publisher, platform, or any."),
    formats: str = typer.Option("html,json", "--format", help="html, pdf, json; comply.json is always written."),
    pdf: str | None = typer.Option(
        None, "--pdf", metavar="CLAIM", help="Write a PDF too, and what it claims: a-3b (to keep) or ua-1 (accessible)."
    ),
    sign: Path | None = typer.Option(None, metavar="KEY.pem", help="Sign a test-result attestation with this key."),
    key: Path | None = typer.Option(None, metavar="PUB.pem", help="Verify the decision log's head with this key."),
    as_json: bool = typer.Option(False, "--json", help="Print comply.json in place of sentences."),
) -> int:
    """Hold a run against control packs, as of a day and for a role.

    Exit codes: 0 nothing stands open, 1 a control is not satisfied, 4 one is undetermined, 2 an error.
    """
    from imgaudit.compliance.schema import load_pack
    from imgaudit.comply import comply
    from imgaudit.signing import load_public_key, load_secret_key

    wanted = _formats(formats) | ({"pdf"} if pdf is not None else set())
    claim, whose = _choice("--pdf", pdf or "a-3b", ("a-3b", "ua-1")), _choice("--role", role, _roles())
    secret = load_secret_key(sign) if sign is not None else None
    chosen = [load_pack(name.strip()) for name in packs.split(",") if name.strip()]
    _each_once([pack.name for pack in chosen])
    public = load_public_key(key) if key is not None else None
    result = comply(run, chosen, day(as_of) or datetime.now(UTC).date(), whose, public)
    written = _write(run, result, wanted, claim)
    if secret is not None:
        written.append(_sign(run, result, written, secret))
    if as_json:
        typer.echo(result.model_dump_json())
    else:
        _conclude(result, written)
    return result.exit_code


@app.command(epilog="Example: imgaudit comply verify runs/shapes/comply.dsse.json --key pub.pem")
def verify(
    file: Path = typer.Argument(..., metavar="FILE", help="The attestation that --sign wrote."),
    key: Path = typer.Option(..., metavar="PUB.pem", help="The public key of whoever signed."),
) -> int:
    """Verify a signed attestation, and that the files it speaks of lie beside it unchanged.

    Exit codes: 0 all holds, 1 the signature does not fit or a file was changed, 4 a file is not there, 2 an error.
    """
    from imgaudit.comply import PAYLOAD, check_subjects
    from imgaudit.reporters._shared import visible
    from imgaudit.signing import SignatureError, key_name, load_public_key, open_envelope

    public = load_public_key(key)
    try:
        payload = open_envelope(file, public, PAYLOAD)
    except SignatureError as error:
        typer.echo(str(error))
        return 1
    files, pictures = check_subjects(payload, file.parent)
    typer.echo(f"{file.name}: signed by the key {key_name(public)}")
    for name, state in files.items():
        typer.echo(f"{visible(name)}: {state}")
    typer.echo(f"{pictures} pictures are named by digest; they were not looked at here")
    return 1 if "changed" in files.values() else 4 if "missing" in files.values() or not files else 0


@app.command(epilog="Example: imgaudit comply packs template > mine.yaml")
def packs(
    name: str | None = typer.Argument(None, metavar="NAME", help="Print this pack's file."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the packaged control packs, or print one as a start for your own."""
    import json

    from imgaudit.compliance.schema import load_pack, pack_path, packaged_packs

    if name is not None:
        loaded = load_pack(name)
        typer.echo(loaded.model_dump_json() if as_json else pack_path(name).read_text(encoding="utf-8"), nl=as_json)
        return
    loaded_all = [load_pack(one) for one in packaged_packs()]
    if as_json:
        typer.echo(json.dumps([{"name": p.name, "title": p.title, "controls": len(p.controls)} for p in loaded_all]))
        return
    for pack in loaded_all:
        verified = sum(control.verified for control in pack.controls)
        typer.echo(f"{pack.name:20} {len(pack.controls):3} controls, {verified:3} with verified text  {pack.title}")


def _roles() -> tuple[str, ...]:
    from imgaudit.compliance.schema import ROLES

    return ROLES


def _choice(option: str, value: str, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise UsageError(f"{option} {value!r}: expected one of {', '.join(allowed)}")
    return value


def _formats(text: str) -> set[str]:
    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or not names <= set(FORMATS):
        raise UsageError(f"--format {text!r}: expected one or more of {', '.join(FORMATS)}")
    return names


def _each_once(names: list[str]) -> None:
    if not names:
        raise UsageError("--packs names no control pack; `imgaudit comply packs` lists them")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"--packs: two packs are named {twice[0]!r}; rename one of them")


def _write(run: Path, result: ComplianceReport, wanted: set[str], claim: Any) -> list[Path]:
    from imgaudit.errors import ModelUnavailable
    from imgaudit.pipeline import write_reports
    from imgaudit.reporters._comply.page import BESIDE, html
    from imgaudit.reporters._comply.pdf import pdf
    from imgaudit.store.runfolder import RunFolder

    folder = RunFolder(run)
    if not (run / BESIDE).is_file():
        write_reports(run, ("html",))
    files = {JSON_FILE: result.model_dump_json(indent=1).encode()}
    if "html" in wanted:
        files[HTML] = html(result).encode()
    if "pdf" in wanted:
        record = {"report.json": (run / "report.json").read_bytes(), JSON_FILE: files[JSON_FILE]}
        try:
            files[PDF] = pdf(result, claim, record)
        except ModelUnavailable as error:
            files[HTML] = html(result).encode()
            typer.echo(f"no PDF was written: {error}. {HTML} says the same", err=True)
    for name, data in files.items():
        folder.write_bytes(name, data)
    return [run / name for name in files]


def _sign(run: Path, result: ComplianceReport, written: list[Path], secret: Any) -> Path:
    from imgaudit.comply import ENVELOPE, PAYLOAD, statement
    from imgaudit.digest import digest_file
    from imgaudit.signing import envelope
    from imgaudit.store.runfolder import RunFolder

    folder = RunFolder(run)
    # the decision log goes on growing; comply.json names its head
    files = {name: digest_file(run / name) for name in (*(one.name for one in written), "report.json", "images.jsonl")}
    payload = statement(result, files, folder.read_images())
    folder.write_text(ENVELOPE, envelope(secret, PAYLOAD, payload))
    return run / ENVELOPE


def _conclude(result: ComplianceReport, written: list[Path]) -> None:
    from imgaudit.reporters._comply.page import summary
    from imgaudit.reporters._shared import one_line

    typer.echo(f"{one_line(result.title)}, as of {result.as_of}, role {result.role}. {summary(result)}")
    for status in ("not satisfied", "undetermined"):
        for control in result.controls:
            if control.status == status:
                typer.echo(f"{status}: {control.pack} {control.id} {one_line(control.title)}: {one_line(control.why)}")
    typer.echo(result.limits[0])
    typer.echo(result.limits[1])
    for path in written:
        typer.echo(str(path))

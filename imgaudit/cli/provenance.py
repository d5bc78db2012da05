"""`imgaudit provenance`: show, write, strip and compare the marks of picture files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import OFFICIAL_VARIABLE, USER_VARIABLE

if TYPE_CHECKING:
    from imgaudit.percepts import ContentCredentials, Metadata
    from imgaudit.provenance.c2pa import Anchors
    from imgaudit.provenance.marking import Marks
    from imgaudit.provenance.signing import Credential
    from imgaudit.provenance.survival import Survival
    from imgaudit.types import Basis, Measured, Source

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Show, write, strip and compare the marks of picture files."
)

UNCHECKED = "Invisible watermarks (SynthID and others) were not looked for."
JSON_HELP = "Print JSON."
USER_LIST = "PEM file with the certificates that you trust."
OFFICIAL_LIST = "PEM file with the C2PA's official list (C2PA-TRUST-LIST.pem of its conformance programme)."
TSA_HELP = "Ask this RFC 3161 authority for a time stamp: the one thing that goes over a network, and only when named."


@app.command(epilog="Example: imgaudit provenance show poster.png --c2pa-trust our-list.pem")
def show(
    file: Path = typer.Argument(..., metavar="FILE"),
    trust: Path | None = typer.Option(None, "--c2pa-trust", envvar=USER_VARIABLE, help=USER_LIST),
    official: Path | None = typer.Option(None, "--c2pa-official", envvar=OFFICIAL_VARIABLE, help=OFFICIAL_LIST),
    as_json: bool = typer.Option(False, "--json", help=JSON_HELP),
) -> int:
    """Show every mark of a file: who made it, what it discloses, what is signed, and whether that holds.

    Nothing is fetched from anywhere. Exit codes: 0 shown, 1 when marks contradict each other or a signature is broken.
    """
    from imgaudit.errors import UsageError
    from imgaudit.perceivers.metadata import metadata
    from imgaudit.pictures import looks_like_picture
    from imgaudit.provenance.c2pa import ManifestReader
    from imgaudit.reporters._shared import visible

    data, lists = _bytes(file), _lists(trust, official)
    seen = metadata(data)
    credentials = ManifestReader(lists).read(data)
    if not seen.raw and credentials.state == "none" and not looks_like_picture(data[:64]):
        raise UsageError(f"{file}: is no picture, going by its content; expected PNG, JPEG, WebP, AVIF, TIFF or GIF")
    outcome = _checked(seen, credentials)
    wrong = {"provenance.contradiction", "provenance.c2pa_invalid"} & set(outcome.codes)
    if as_json:
        shown = {"metadata": seen, "c2pa": credentials, "finding": outcome}
        typer.echo(json.dumps({name: value.model_dump(mode="json") for name, value in shown.items()}))
        return 1 if wrong else 0
    for name, value in _lines(seen.source, outcome):
        typer.echo(visible(f"{name:20} {value}"))
    for one in lists:
        typer.echo(f"{one.name + ' list':20} {one.certificates} certificates, sha256 {one.sha256}")
    if credentials.state != "none" and not lists:
        typer.echo(f"{'held against':20} no list: --c2pa-official and --c2pa-trust name some (see imgaudit doctor)")
    for problem in seen.problems:
        typer.echo(visible(f"{'unreadable':20} {problem}"))
    typer.echo(visible(f"\n{outcome.message}. {UNCHECKED}"))
    return 1 if wrong else 0


def _checked(seen: Metadata, credentials: ContentCredentials) -> Measured:
    from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
    from imgaudit.types import Case, Measured, Percepts

    outcome = Provenance().measure(Case(id="file"), Percepts({METADATA: seen, CREDENTIALS: credentials}))
    assert isinstance(outcome, Measured)  # both sights are there
    return outcome


def _lines(source: Source, outcome: Measured) -> Iterator[tuple[str, str]]:
    for name, value in source.model_dump(exclude={"parse", "basis"}).items():
        if value is not None:
            yield name, str(value)
    if source.basis is not None:
        yield "made from", _made_from(source.basis)
    for name, text in sorted(outcome.labels.items()):
        if name not in ("generator", "c2pa_lists"):
            yield name, text
    for code in outcome.codes:
        yield "finding", code


def _made_from(basis: Basis) -> str:
    told = {
        "a mask": basis.mask,
        "strength": None if basis.strength is None else f"{basis.strength:g}",
        "pixels added (left, top, right, bottom)": basis.extend and ", ".join(map(str, basis.extend)),
    }
    more = [f"{what} {value}" for what, value in told.items() if value]
    return "; ".join([f"the picture with pixels {basis.image}, by {basis.mode}", *more])


@app.command(epilog="Example: imgaudit provenance mark out/*.png --out marked --prompt 'a red kite' --sign-with certs")
def mark(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="PNG, JPEG, WebP or AVIF files."),
    out: Path = typer.Option(..., "--out", help="Folder for the marked files; it gets the same names."),
    source_type: str = typer.Option("trainedAlgorithmicMedia", help="IPTC digital source type, as a bare term."),
    generator: str | None = typer.Option(None, help="What made the picture; default: what the file says."),
    model: str | None = typer.Option(None, help="Name of the model."),
    prompt: str | None = typer.Option(None, help="The prompt."),
    negative: str | None = typer.Option(None, help="The negative prompt."),
    seed: int | None = typer.Option(None, min=0, help="The seed."),
    steps: int | None = typer.Option(None, min=1, help="Steps."),
    guidance: float | None = typer.Option(None, min=0, help="Guidance (CFG scale)."),
    sampler: str | None = typer.Option(None, help="The sampler."),
    no_parameters: bool = typer.Option(False, "--no-parameters", help="Write no prompt and no settings."),
    iptc_prompt: bool = typer.Option(False, "--iptc-prompt", help="Write the prompt into the IPTC's field too."),
    prompt_writer: str | None = typer.Option(None, help="Who wrote the prompt (IPTC)."),
    system: str | None = typer.Option(None, help="Name of the AI system (IPTC); default: generator and model."),
    system_version: str | None = typer.Option(None, help="Version of the AI system (IPTC)."),
    provider: str | None = typer.Option(None, help="Who provides the system, as credit line."),
    date: str | None = typer.Option(None, help="When it was made, ISO 8601; nothing is written by default."),
    identifier: bool = typer.Option(False, "--identifier", help="Write a document id derived from the pixels."),
    aigc_producer: str | None = typer.Option(None, help="Write China's AIGC label with this producer code."),
    key: Path | None = typer.Option(None, "--key", help="Sign with this PEM key; needs --certificates."),
    certificates: Path | None = typer.Option(None, "--certificates", help="PEM chain, the signer's first."),
    sign_with: Path | None = typer.Option(None, "--sign-with", help="Folder that `dev-ca` wrote: sign to try it."),
    tsa: str | None = typer.Option(None, "--tsa", metavar="URL", help=TSA_HELP),
    as_json: bool = typer.Option(False, "--json", help=JSON_HELP),
) -> int:
    """Write marks into copies of pictures, pixels untouched: settings, IPTC fields, AIGC label, and C2PA last.

    Exit codes: 0 all marked, 2 an error.
    """
    from imgaudit.errors import UsageError
    from imgaudit.provenance import source as sources
    from imgaudit.provenance.marking import SOURCE_TYPES, Marks, with_marks_of
    from imgaudit.provenance.write import system_name
    from imgaudit.types import Source

    if source_type not in SOURCE_TYPES:
        raise UsageError(f"--source-type {source_type!r}: expected one of {', '.join(SOURCE_TYPES)}")
    credential = _credential(key, certificates, sign_with, tsa)
    given = {
        "generator": generator, "model": model, "prompt": prompt, "negative": negative, "seed": seed, "steps": steps,
        "guidance": guidance, "sampler": sampler,
    }  # fmt: skip
    marks = Marks(
        source=Source.model_validate(given), source_type=source_type, system=system, system_version=system_version,
        prompt=iptc_prompt, prompt_writer=prompt_writer, provider=provider, date=date,
    )  # fmt: skip
    written = []
    for file, target in _targets(files, out):
        data = _bytes(file)
        full = with_marks_of(sources.read(data).source, marks)
        full = _numbered(data, full, identifier, aigc_producer)
        named = full.system or (system_name(full.source) if full.source else None)
        result = _marked(data, full, no_parameters, named)
        if credential is not None:
            result = _signed(result, credential, source_type, named, system_version)
        _write(target, result)
        written.append({"file": str(file), "out": str(target), "signed": credential is not None})
    for one in written:
        typer.echo(json.dumps(one) if as_json else f"{one['out']}: marked{' and signed' if one['signed'] else ''}")
    return 0


def _numbered(data: bytes, marks: Marks, identifier: bool, producer: str | None) -> Marks:
    """The marks with a document id and China's label, both numbered by the picture's own pixels."""
    from dataclasses import replace

    from imgaudit.pictures import decode
    from imgaudit.provenance.marking import aigc_label

    if not identifier and producer is None:
        return marks
    picture, _ = decode(data, "file")
    number = (picture.pixels or picture.file)[:32]
    return replace(
        marks,
        identifier=f"xmp.did:{number}" if identifier else None,
        aigc=aigc_label(producer, number) if producer is not None else None,
    )


def _marked(data: bytes, marks: Marks, no_parameters: bool, system: str | None) -> bytes:
    from dataclasses import replace

    from imgaudit.provenance.marking import marked

    return marked(data, replace(marks, source=None, system=system) if no_parameters else marks)


def _credential(
    key: Path | None, certificates: Path | None, folder: Path | None, tsa: str | None
) -> Credential | None:
    from imgaudit.errors import UsageError
    from imgaudit.provenance.signing import FILES, credential_from_pem, time_stamp_address

    if tsa is not None and folder is None and key is None:
        raise UsageError("--tsa stamps a signature; give --key and --certificates, or --sign-with, too")
    address = time_stamp_address(tsa) if tsa is not None else None
    if folder is not None:
        if key or certificates:
            raise UsageError("--sign-with comes without --key and --certificates; give one or the other")
        return credential_from_pem(folder / FILES["chain"], folder / FILES["key"], address)
    if (key is None) != (certificates is None):
        raise UsageError("--key and --certificates belong together; give both or none")
    return credential_from_pem(certificates, key, address) if key and certificates else None


def _signed(data: bytes, credential: Credential, source_type: str, system: str | None, version: str | None) -> bytes:
    from imgaudit.provenance.signing import manifest, signed

    return signed(data, credential, manifest(source_type, system, version))


@app.command("dev-ca", epilog="Example: imgaudit provenance dev-ca --out certs")
def development_authority(
    out: Path = typer.Option(..., "--out", help="Folder for the certificates and the key; nothing is overwritten."),
) -> None:
    """Make a development authority, a signer's certificate and its key, to try signing. They vouch for nothing."""
    from imgaudit.provenance.signing import development_credential

    for name, path in development_credential(out).items():
        typer.echo(f"{name:10} {path}")
    typer.echo("For development only: reports name such a signature. Trust it with --c2pa-trust and the authority.")


@app.command(epilog="Example: imgaudit provenance survive exported/ downloaded-from-cdn/")
def survive(
    before: Path = typer.Argument(..., metavar="BEFORE", help="A file, or a folder."),
    after: Path = typer.Argument(..., metavar="AFTER", help="What the pipeline made of it."),
    as_json: bool = typer.Option(False, "--json", help=JSON_HELP),
) -> int:
    """Say which marks a publishing pipeline lost, changed or broke. Files of two folders are paired by name.

    Exit codes: 0 all disclosure survived, 1 some was lost or broken, 4 a file has no counterpart.
    """
    from imgaudit.provenance.c2pa import ManifestReader
    from imgaudit.provenance.survival import marks, survived
    from imgaudit.reporters._shared import visible

    pairs, single = _pairs(before, after)
    reader = ManifestReader()
    lost = False
    for name, first, second in pairs:
        fates = survived(marks(_bytes(first), reader), marks(_bytes(second), reader))
        lost = lost or any(fate.disclosure_lost for fate in fates)
        if as_json:
            typer.echo(json.dumps({"file": name, "marks": [_row(fate) for fate in fates]}))
            continue
        typer.echo(visible(f"{name}: {_sentence(fates)}"))
        for fate in fates:
            if fate.fate != "kept":
                typer.echo(visible(f"  {fate.fate:8} {fate.mark:16} {_short(fate.before)} -> {_short(fate.after)}"))
    for name in single:
        typer.echo(json.dumps({"file": name, "missing": True}) if as_json else visible(f"{name}: has no counterpart"))
    if not as_json:
        typer.echo(UNCHECKED)
    return 1 if lost else 4 if single else 0


def _sentence(fates: tuple[Survival, ...]) -> str:
    if not fates:
        return "no mark before and none after"
    counts = {fate: sum(one.fate == fate for one in fates) for fate in ("kept", "changed", "broken", "lost", "added")}
    told = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)
    return f"{told}{'; disclosure was lost' if any(fate.disclosure_lost for fate in fates) else ''}"


def _row(fate: Survival) -> dict[str, str | None]:
    return {"mark": fate.mark, "fate": fate.fate, "before": fate.before, "after": fate.after}


def _short(text: str | None) -> str:
    if text is None:
        return "none"
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


@app.command(epilog="Example: imgaudit provenance strip poster.png --out poster-public.png")
def strip(
    file: Path = typer.Argument(..., metavar="FILE", help="A PNG, JPEG, WebP or AVIF file."),
    out: Path = typer.Option(..., "--out", help="Where the stripped copy goes."),
    as_json: bool = typer.Option(False, "--json", help=JSON_HELP),
) -> int:
    """Take out prompts and personal metadata; keep disclosure, rights, colours and every pixel.

    A C2PA manifest does not survive any change and is removed: sign the result again. Exit codes: 0 clean,
    4 something that ought to be gone remains, 2 an error.
    """
    from imgaudit.provenance.c2pa import ManifestReader
    from imgaudit.provenance.strip import stripped
    from imgaudit.reporters._shared import visible

    _refuse_itself(file, out)
    result = stripped(_bytes(file), ManifestReader())
    _write(out, result.data)
    if as_json:
        typer.echo(json.dumps({"removed": result.removed, "kept": result.kept, "remaining": result.remaining}))
    else:
        typer.echo(visible(f"removed: {', '.join(result.removed) or 'nothing'}"))
        typer.echo(visible(f"kept: {', '.join(result.kept) or 'no mark was there'}"))
        for text in result.remaining:
            typer.echo(visible(f"remains: {text}"))
        if "c2pa manifest" in result.removed:
            typer.echo("the signature is gone with its manifest; sign again with `imgaudit provenance mark`")
    return 4 if result.remaining else 0


# --- files ---------------------------------------------------------------------------------------


def _bytes(path: Path) -> bytes:
    from imgaudit.pictures import read

    return read(path)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, so that an interruption leaves no half picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    half.write_bytes(data)
    half.replace(path)


def _refuse_itself(source: Path, target: Path) -> None:
    from imgaudit.errors import UsageError

    if target.is_dir():
        raise UsageError(f"{target}: is a folder; expected the path of the new file")
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"{target}: would overwrite the original; expected another path")


def _targets(files: list[Path], out: Path) -> list[tuple[Path, Path]]:
    from imgaudit.errors import UsageError

    targets = [(file, out / file.name) for file in files]
    names = [file.name for file in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice}: is given twice, and both would be written to {out / twice}; mark one at a time")
    for file, target in targets:
        _refuse_itself(file, target)
    return targets


def _lists(trust: Path | None, official: Path | None) -> tuple[Anchors, ...]:
    from imgaudit.provenance.c2pa import anchors

    found = [anchors("official", official)] if official else []
    return tuple(found + ([anchors("user", trust)] if trust else []))


def _pairs(before: Path, after: Path) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    """Files to compare, and names without a counterpart. A pipeline may change the suffix, so names without it pair."""
    from imgaudit.errors import UsageError

    if before.is_dir() != after.is_dir():
        raise UsageError(f"{before} and {after}: expected two files or two folders")
    if not before.is_dir():
        return [(before.name, before, after)], []
    first, second = _by_name(before), _by_name(after)
    pairs, single = [], []
    for name, path in first.items():
        other = second.get(name) or _same_stem(name, second)
        if other is None:
            single.append(name)
        else:
            pairs.append((name, path, other))
    return pairs, single


def _by_name(folder: Path) -> dict[str, Path]:
    from imgaudit.pictures import find_files

    return {file.relative: file.path for file in find_files([folder]).files}


def _same_stem(name: str, files: dict[str, Path]) -> Path | None:
    """The only file of that name with another suffix."""
    stem = name.rpartition(".")[0]
    found = [path for other, path in files.items() if other.rpartition(".")[0] == stem]
    return found[0] if stem and len(found) == 1 else None

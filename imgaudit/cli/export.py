"""`imgaudit export`: deliver approved pictures, and write the record in formats that other tools read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.export.preparing import Marking
    from imgaudit.export.view import View
    from imgaudit.rubric import Rubric

app = typer.Typer(rich_markup_mode=None)

TABLE = "as CSV or Parquet, by the suffix."


@app.command(epilog="Example: imgaudit export runs/shapes --approved delivery --sign-with certs")
def export(
    run: Path | None = typer.Argument(None, metavar="[RUN]", help="A run folder; with --verify, none."),
    approved: Path | None = typer.Option(None, metavar="DIR", help="Deliver pictures whose final verdict is publish."),
    best: bool = typer.Option(False, "--best", help="With --approved: the best picture of each case alone."),
    as_is: bool = typer.Option(False, "--as-is", help="With --approved: byte for byte, not marked and not signed."),
    source_type: str | None = typer.Option(None, help="IPTC digital source type of all; default: told for each."),
    provider: str | None = typer.Option(None, help="Who provides the system, as credit line."),
    aigc_producer: str | None = typer.Option(None, help="Write China's AIGC label with this producer code."),
    key: Path | None = typer.Option(None, "--key", help="Sign pictures with this PEM key; needs --certificates."),
    certificates: Path | None = typer.Option(None, "--certificates", help="PEM chain, the signer's first."),
    sign_with: Path | None = typer.Option(None, "--sign-with", help="Folder that `provenance dev-ca` wrote."),
    tsa: str | None = typer.Option(None, "--tsa", metavar="URL", help="Ask this RFC 3161 authority for time stamps."),
    sign_key: Path | None = typer.Option(None, metavar="KEY.pem", help="Sign the manifest with this Ed25519 key."),
    verify: Path | None = typer.Option(None, metavar="DIR", help="Verify a delivery."),
    public_key: Path | None = typer.Option(None, metavar="PUB.pem", help="With --verify: who signed the manifest."),
    decisions: Path | None = typer.Option(None, metavar="FILE", help=f"Verdicts and people's decisions, {TABLE}"),
    findings: Path | None = typer.Option(None, metavar="FILE", help=f"Measures of all checkers, {TABLE}"),
    labels: Path | None = typer.Option(None, metavar="FILE", help=f"People's labels of checkers, {TABLE}"),
    coco: Path | None = typer.Option(None, metavar="FILE.json", help="Places as COCO boxes, polygons and masks."),
    label_studio: Path | None = typer.Option(None, metavar="FILE.json", help="Places as predictions, with a config."),
    url_prefix: str = typer.Option("", help="With --label-studio: what stands before each picture's path."),
    fiftyone: Path | None = typer.Option(None, metavar="DIR", help="Pictures and places as a FiftyOneDataset."),
    rubric: str | None = typer.Option(None, help="The rubric that judged the run, where it is not packaged."),
    root: list[str] = typer.Option([], "--root", metavar="r0=DIR", help="Where audited files lie now, if they moved."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Deliver approved pictures with a contact sheet and a manifest, or write the record for other tools.

    Exit codes: 0 all that was asked for was written; 4 an approved picture could not be delivered, none is approved,
    or the best of a case cannot be told; 2 an error. With --verify: 0 intact, 1 altered, 4 cannot tell, 2 an error.
    """
    if verify is not None:
        if any((run, approved, decisions, findings, labels, coco, label_studio, fiftyone)):
            raise UsageError("--verify takes the folder of a delivery alone; give it without RUN and without exports")
        return _verify(verify, public_key, as_json)
    if run is None:
        raise UsageError("no run was given; expected e.g. imgaudit export runs/shapes --approved delivery")
    tables = {"decisions": decisions, "findings": findings, "labels": labels}
    files = {**tables, "coco": coco, "label_studio": label_studio}
    if approved is None and fiftyone is None and not any(files.values()):
        raise UsageError("nothing to export; give --approved, --decisions, --findings, --labels, --coco, "
                         "--label-studio or --fiftyone")  # fmt: skip
    if public_key is not None:
        raise UsageError("--public-key is for --verify DIR; --sign-key signs a manifest")
    _check_options(approved, {"--best": best, "--as-is": as_is, "--source-type": source_type, "--provider": provider,
                              "--aigc-producer": aigc_producer, "--key": key, "--sign-with": sign_with,
                              "--sign-key": sign_key})  # fmt: skip
    marking = _marking(as_is, source_type, (provider, aigc_producer), (key, certificates, sign_with, tsa))
    _check_files(files, run)
    view, judged_by = _view(run, rubric, root)
    told: dict[str, Any] = {}
    code = 0
    if approved is not None:
        code = _deliver(view, judged_by, (approved, marking, best, sign_key), told)
    for name, target in files.items():
        if target is not None:
            told[name] = {"file": str(target), "count": _write(name, view, target, url_prefix)}
    if fiftyone is not None:
        code = max(code, _fiftyone(view, fiftyone, told))
    _say(told, as_json)
    return code


# --- options ---------------------------------------------------------------------------------------------------------


def _check_options(approved: Path | None, given: dict[str, Any]) -> None:
    needless = [name for name, value in given.items() if value]
    if approved is None and needless:
        raise UsageError(f"{needless[0]} is about delivered pictures; give --approved DIR too")


def _marking(
    as_is: bool, source_type: str | None, labels: tuple[str | None, str | None],
    signer: tuple[Path | None, Path | None, Path | None, str | None],
) -> Marking:  # fmt: skip
    from imgaudit.cli.provenance import _credential
    from imgaudit.export.preparing import Marking
    from imgaudit.provenance.marking import SOURCE_TYPES

    if source_type is not None and source_type not in SOURCE_TYPES:
        raise UsageError(f"--source-type {source_type!r}: expected one of {', '.join(SOURCE_TYPES)}")
    credential = _credential(*signer)
    if as_is and (credential is not None or source_type is not None or any(labels)):
        raise UsageError("--as-is writes nothing into the pictures; give it without keys and marks")
    return Marking(not as_is, credential, source_type, *labels)


def _check_files(files: dict[str, Path | None], run: Path) -> None:
    from imgaudit.export.labelstudio import config_path
    from imgaudit.export.outbox import checked_file
    from imgaudit.export.tables import SUFFIXES

    given = {name: path for name, path in files.items() if path is not None}
    for name, path in given.items():
        checked_file(path, run, (".json",) if name in ("coco", "label_studio") else SUFFIXES)
    if len({path.resolve() for path in given.values()}) < len(given):
        raise UsageError("two exports would be written to one file; give each its own")
    if "label_studio" in given:
        checked_file(config_path(given["label_studio"]), run, (".xml",))


def _view(run: Path, rubric: str | None, roots: list[str]) -> tuple[View, Rubric | None]:
    from imgaudit.cli._common import root_of, rubric_of
    from imgaudit.export.view import open_view
    from imgaudit.store.decisions import has_decisions
    from imgaudit.store.runfolder import RunFolder

    judged_by = RunFolder.open(run).read_report().rubric
    needed = rubric is not None or has_decisions(run) or has_decisions(run / "repairs")
    loaded = rubric_of(judged_by, rubric) if needed else None
    return open_view(run, loaded, dict(root_of(text) for text in roots)), loaded


# --- what is written -------------------------------------------------------------------------------------------------


def _deliver(
    view: View, rubric: Rubric | None, asked: tuple[Path, Marking, bool, Path | None], told: dict[str, Any]
) -> int:
    from imgaudit.cli._common import watching
    from imgaudit.export.delivery import Order, deliver, delivered_json
    from imgaudit.signing import load_secret_key

    folder, marking, best, sign_key = asked
    order = Order(folder, marking, best, load_secret_key(sign_key) if sign_key is not None else None)
    with watching() as watcher:
        outcome = deliver(view, order, rubric, watcher.begin, watcher.advance)
    told["approved"] = {"folder": str(folder), **delivered_json(outcome), "sentences": list(outcome.sentences)}
    return outcome.exit_code


def _write(name: str, view: View, target: Path, prefix: str) -> int:
    from imgaudit.export.coco import write_coco
    from imgaudit.export.labelstudio import write_label_studio
    from imgaudit.export.tables import write_decisions, write_findings, write_labels

    if name == "label_studio":
        return write_label_studio(view, target, prefix)
    writers = {"decisions": write_decisions, "findings": write_findings, "labels": write_labels, "coco": write_coco}
    return writers[name](view, target)


def _fiftyone(view: View, folder: Path, told: dict[str, Any]) -> int:
    from imgaudit.export.fiftyone import write_fiftyone

    dataset = write_fiftyone(view, folder)
    told["fiftyone"] = {"folder": str(folder), "count": dataset.samples, "left_out": dataset.left_out}
    return 4 if dataset.left_out else 0


UNITS = {"decisions": "picture", "findings": "row", "labels": "label", "coco": "annotation", "label_studio": "task",
         "fiftyone": "sample"}  # fmt: skip


def _say(told: dict[str, Any], as_json: bool) -> None:
    from imgaudit.reporters._shared import counted, visible

    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, value in told.items():
        if name == "approved":
            for sentence in value["sentences"]:
                typer.echo(visible(sentence))
            if value["delivered"]:
                typer.echo(str(value["folder"]))
            continue
        typer.echo(f"{value.get('file', value.get('folder'))}: {counted(value['count'], UNITS[name])}")
        for picture, why in list(value.get("left_out", {}).items())[:5]:
            typer.echo(visible(f"{picture}: left out: {why}"))


def _verify(folder: Path, public_key: Path | None, as_json: bool) -> int:
    from imgaudit.export.checking import check
    from imgaudit.signing import load_public_key

    found = check(folder, load_public_key(public_key) if public_key is not None else None)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        typer.echo(f"{found.state}: {found.pictures} pictures")
        for sentence in found.sentences:
            typer.echo(sentence)
    return {"intact": 0, "altered": 1, "cannot tell": 4}[found.state]

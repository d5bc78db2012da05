"""`imgaudit schema`: the published JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from imgaudit.errors import UsageError

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit schema image > imgaudit-image.schema.json")
def schema(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="Its name; without one, all names."),
    out: Path | None = typer.Option(None, "--out", help="Write all schemas into this folder."),
) -> None:
    """Print a JSON Schema: of a line of images.jsonl or groups.jsonl, of a record such as report.json, of a suite."""
    known = schemas()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for title, content in known.items():
            (out / f"imgaudit-{title}.schema.json").write_text(json.dumps(content, indent=1) + "\n")
        typer.echo(f"{out}: {len(known)} schemas")
    elif name is None:
        typer.echo("\n".join(known))
    elif name in known:
        typer.echo(json.dumps(known[name], indent=1))
    else:
        raise UsageError(f"unknown schema {name!r}; there are: {', '.join(known)}")


def schemas() -> dict[str, dict[str, object]]:
    """Name -> JSON Schema (draft 2020-12)."""
    from pydantic import BaseModel

    from imgaudit.baseline import Baseline
    from imgaudit.calibration.fitted import Calibration
    from imgaudit.comparison import Comparison
    from imgaudit.compliance.result import ComplianceReport
    from imgaudit.compliance.schema import Pack
    from imgaudit.export.manifest import Delivery
    from imgaudit.history import History
    from imgaudit.plan import Plan
    from imgaudit.plan_skew import SkewPlanned
    from imgaudit.record import Report, RunInfo
    from imgaudit.repair.record import Repair
    from imgaudit.rubric import Rubric
    from imgaudit.sequential import Trial
    from imgaudit.store.decisions import Attested, Erased, Judged, Undone
    from imgaudit.suites.schema import Suite
    from imgaudit.types import GroupFinding, ImageRecord

    models: dict[str, type[BaseModel]] = {
        "image": ImageRecord, "group": GroupFinding, "report": Report, "run": RunInfo,
        "comparison": Comparison, "rubric": Rubric, "suite": Suite, "baseline": Baseline, "plan": Plan,
        "plan-skew": SkewPlanned, "history": History, "sequential": Trial, "comply": ComplianceReport, "controls": Pack,
        "attestation": Attested, "erasure": Erased, "repair": Repair, "judgement": Judged, "undoing": Undone,
        "delivery": Delivery, "calibration": Calibration,
    }  # fmt: skip
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: {**dialect, **model.model_json_schema(mode="serialization")} for name, model in models.items()}

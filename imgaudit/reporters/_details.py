"""One picture as the page's script gets it: JSON with nothing in it but text, numbers and shapes to draw."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from imgaudit.reporters._clauses import CHECKER, of_picture, rows
from imgaudit.reporters._people import people_say
from imgaudit.reporters._shared import number, said, visible
from imgaudit.reporters._thumbnails import mask_uri
from imgaudit.types import JSON, ClauseResult, Edit, Finding, ImageRecord, Point, Reason, Region, Ruling

MAX_SHAPES, MAX_POINTS, MAX_MASKS = 400, 8000, 8
_FAR = 1e5  # coordinates beyond this are drawn at this
MAX_TEXT = 20_000


def island(value: JSON) -> str:
    r"""JSON that can stand within a script element: no `<`, `>` or `&`, and all text visible.

    >>> print(island({"a": "</script>"}))
    {"a":"\u003c/script\u003e"}
    """
    text = json.dumps(_visible(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _visible(value: JSON) -> JSON:
    if isinstance(value, str):
        return visible(value[:MAX_TEXT]) + (f"… ({len(value):,} characters)" if len(value) > MAX_TEXT else "")
    if isinstance(value, dict):
        return {visible(key): _visible(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible(item) for item in value]
    return value


@dataclass
class _Drawing:
    """The shapes of one picture, up to a limit, and how many did not fit."""

    record: ImageRecord
    points: int = 0
    shapes: int = 0
    masks: int = 0
    left_out: int = 0
    wanted: bool = field(init=False)

    def __post_init__(self) -> None:
        self.wanted = bool(self.record.width and self.record.height)

    def _fits(self, points: int) -> bool:
        fits = self.wanted and self.shapes < MAX_SHAPES and self.points + points <= MAX_POINTS
        self.left_out += not fits
        self.shapes += fits
        self.points += points * fits
        return fits

    def path(self, layer: str, label: str, points: Sequence[Point], closed: bool = True) -> list[JSON]:
        """A polygon or a polyline."""
        if not points or not self._fits(len(points)):
            return []
        text = " ".join(f"{_coordinate(x)},{_coordinate(y)}" for x, y in points)
        return [{"layer": layer, "label": label, "points": text, "closed": closed}]

    def region(self, layer: str, region: Region) -> list[JSON]:
        """A region's polygon, or its box."""
        x0, y0, x1, y1 = region.box
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        label = region.label if region.score is None else f"{region.label} {region.score:.2f}"
        return self.path(layer, label, region.polygon or corners)

    def mask(self, counts: str) -> list[JSON]:
        """A mask as a picture of its own."""
        width, height = self.record.width or 0, self.record.height or 0
        uri = mask_uri(counts, width, height) if self.masks < MAX_MASKS and self._fits(4) else None
        self.masks += 1
        return [{"layer": "masks", "label": "mask", "image": uri}] if uri else []


def _coordinate(value: float) -> str:
    return f"{min(max(value, -_FAR), _FAR):.1f}".removesuffix(".0")


def _shapes(drawing: _Drawing, finding: Finding) -> Iterator[JSON]:
    evidence = finding.evidence
    for region in finding.regions:
        yield from drawing.region("regions", region)
    for line in evidence.lines:
        yield from drawing.path("text", line.text, line.polygon)
    for polyline in evidence.polylines:
        yield from drawing.path("landmarks", polyline.label, polyline.points, polyline.closed)
    for mask in evidence.masks:
        yield from drawing.mask(mask)


def _reasons(reasons: Iterable[Reason]) -> list[JSON]:
    return [{"code": reason.code, "rule": reason.rule, "message": reason.message} for reason in reasons]


def _edit(drawing: _Drawing, edit: Edit) -> JSON:
    region = edit.region
    return {
        "method": edit.method,
        "instruction": edit.instruction,
        "label": region.label if region else None,
        "box": [float(_coordinate(value)) for value in region.box] if region else None,
        "shapes": drawing.region("edits", region) if region else [],
    }


def _finding(drawing: _Drawing, finding: Finding) -> JSON:
    return {
        "checker": finding.checker,
        "version": finding.version,
        "outcome": finding.outcome,
        "said": said(finding),
        "remedy": finding.remedy,
        "codes": list(finding.codes),
        "measures": [[name, number(value)] for name, value in sorted(finding.measures.items())],
        "labels": sorted(map(list, finding.labels.items())),
        "unmeasured": sorted(map(list, finding.unmeasured.items())),
        "clauses": _clauses(finding.clauses) if finding.checker != CHECKER else [],
        "read": [[line.text, number(line.score)] for line in finding.evidence.lines[:200]],
        "by": sorted(map(list, finding.by.items())),
        "calibration": finding.calibration,
        "shapes": list(_shapes(drawing, finding)),
    }


def _clauses(clauses: Sequence[ClauseResult]) -> list[JSON]:
    return [[row.id, row.kind, row.text, row.route, row.state, row.said] for row in rows(clauses)]


def _human(ruling: Ruling) -> JSON:
    people = zip(ruling.by, ruling.role, ruling.said, strict=True)
    return {
        "says": people_say(ruling),
        "people": [[f"{by} ({role})", str(said)] for by, role, said in people],
        "reason": ruling.reason,
        "given": ruling.given,
    }


def _source(record: ImageRecord) -> list[JSON]:
    told = record.source.model_dump(mode="json", exclude={"prompt", "negative", "basis"})
    basis = record.source.basis.model_dump(mode="json") if record.source.basis is not None else {}
    made_from = {f"made from: {name}": value for name, value in basis.items()}
    return [[name, str(value)] for name, value in {**told, **made_from}.items() if value is not None]


def details(record: ImageRecord) -> dict[str, JSON]:
    """Everything about one picture that the enlarged view shows."""
    drawing = _Drawing(record)
    verdict = record.verdict
    edits = [_edit(drawing, edit) for edit in verdict.edits]
    findings = [_finding(drawing, finding) for finding in record.findings]
    return {
        "id": record.id,
        "path": record.path,
        "case": record.case,
        "seed": record.seed,
        "width": record.width,
        "height": record.height,
        "prompt": record.prompt,
        "negative": record.source.negative,
        "machine": str(verdict.machine),
        "final": str(verdict.final),
        "human": _human(verdict.human) if verdict.human else None,
        "reasons": _reasons(verdict.reasons),
        "holds": _reasons(verdict.holds),
        "notes": _reasons(verdict.notes),
        "edits": edits,
        "clauses": _clauses(of_picture(record.findings)),
        "findings": findings,
        "source": _source(record),
        "digests": [["pixels (sha256)", record.pixels], ["file (sha256)", record.file]],
        "left_out": drawing.left_out if drawing.wanted else 0,
    }

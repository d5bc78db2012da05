"""Tasks with predictions for Label Studio, and the labelling configuration that they need.

Places become rectangles or polygons, landmarks points or closed outlines, the verdict a choice; all in per cent of the
upright picture, as Label Studio counts. The configuration stands beside the tasks, in `<name>.config.xml`: make a
project with it, then import the tasks. Label Studio fetches pictures by address, so `prefix` is put before the record's
path: the address of a web server, or `/data/local-files/?d=` and a folder for its own local storage.

Sources: Label Studio's pages on the task format, on predictions, and on the tags RectangleLabels, PolygonLabels,
KeyPointLabels and Choices. Masks are left out: Label Studio keeps brushes in a format of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from imgaudit.export.outbox import whole
from imgaudit.export.places import Landmarks, Place, categories, landmarks, places
from imgaudit.export.tables import sensitive_checkers
from imgaudit.export.view import View
from imgaudit.reporters._shared import visible
from imgaudit.types import Decision, ImageRecord, Point

IMAGE = "image"
KINDS = ("rectanglelabels", "polygonlabels", "keypointlabels")
TAGS = {"rectanglelabels": "RectangleLabels", "polygonlabels": "PolygonLabels", "keypointlabels": "KeyPointLabels"}
POINT_WIDTH = 0.5


def write_label_studio(view: View, target: Path, prefix: str = "") -> int:
    """Write tasks and configuration; the number of tasks. Pictures without a size are left out."""
    left_out = sensitive_checkers()
    names = categories(view, left_out)
    version = f"imgaudit {view.run.imgaudit} {view.report.rubric.name}"
    count = 0
    with whole(target) as stream, whole(config_path(target)) as beside:
        beside.write(config(names).encode())
        stream.write(b"[")
        for record in view:
            if not record.width or not record.height:
                continue
            task = _task(record, left_out, prefix, version)
            stream.write(("," if count else "").encode() + b"\n" + json.dumps(task, allow_nan=False).encode())
            count += 1
        stream.write(b"\n]\n")
    return count


def config_path(target: Path) -> Path:
    """Where the labelling configuration of a file of tasks goes."""
    return target.with_name(f"{target.stem}.config.xml")


def config(names: Sequence[str]) -> str:
    """The labelling configuration: an image, one set of labels for each kind of place, and the verdict."""
    lines = ["<View>", f'  <Image name="{IMAGE}" value="$image"/>']
    for kind in KINDS:
        lines.append(f'  <{TAGS[kind]} name="{kind}" toName="{IMAGE}">')
        lines += [f"    <Label value={quoteattr(visible(name))}/>" for name in names or ["defect"]]
        lines.append(f"  </{TAGS[kind]}>")
    lines.append(f'  <Choices name="verdict" toName="{IMAGE}" choice="single">')
    lines += [f'    <Choice value="{decision}"/>' for decision in Decision]
    return "\n".join([*lines, "  </Choices>", "</View>", ""])


def _task(record: ImageRecord, left_out: frozenset[str], prefix: str, version: str) -> dict[str, Any]:
    data = {
        "image": prefix + quote(record.path), "id": record.id, "case": record.case, "seed": record.seed,
        "prompt": record.prompt, "machine": str(record.verdict.machine), "final": str(record.verdict.final),
    }  # fmt: skip
    results = list(_results(record, left_out))
    for number, result in enumerate(results):
        result["id"] = f"r{number}"
    return {"data": data, "predictions": [{"model_version": version, "result": results}]}


def _results(record: ImageRecord, left_out: frozenset[str]) -> Iterator[dict[str, Any]]:
    width, height = record.width or 1, record.height or 1
    frame = {"to_name": IMAGE, "original_width": width, "original_height": height, "image_rotation": 0}
    for place in places(record, left_out):
        yield {**frame, **_of_place(place, width, height)}
    for one in landmarks(record, left_out):
        for part in _of_landmarks(one, width, height):
            yield {**frame, **part}
    final = str(record.verdict.final)
    yield {"from_name": "verdict", "to_name": IMAGE, "type": "choices", "value": {"choices": [final]}}


def _of_place(place: Place, width: int, height: int) -> dict[str, Any]:
    told: dict[str, Any] = {} if place.score is None else {"score": place.score}
    meta = [place.label, *([place.text] if place.text else [])]
    told["meta"] = {"text": meta}
    if place.outline is not None:
        points = [_percent(point, width, height) for point in place.outline]
        return {**_labelled("polygonlabels", place.category, points=points, closed=True), **told}
    x, y = _percent(place.box[:2], width, height)
    right, bottom = _percent(place.box[2:], width, height)
    box = {"x": x, "y": y, "width": right - x, "height": bottom - y, "rotation": 0}
    return {**_labelled("rectanglelabels", place.category, **box), **told}


def _of_landmarks(one: Landmarks, width: int, height: int) -> Iterator[dict[str, Any]]:
    points = [_percent(point, width, height) for point in one.points]
    meta = {"meta": {"text": [one.label]}}
    if one.closed and len(points) >= 3:
        yield {**_labelled("polygonlabels", one.category, points=points, closed=True), **meta}
        return
    for x, y in points:
        yield {**_labelled("keypointlabels", one.category, x=x, y=y, width=POINT_WIDTH), **meta}


def _labelled(kind: str, category: str, **value: Any) -> dict[str, Any]:
    return {"from_name": kind, "type": kind, "value": {**value, kind: [visible(category)]}}


def _percent(point: Point, width: int, height: int) -> list[float]:
    return [100 * point[0] / width, 100 * point[1] / height]

"""COCO's format for detection and segmentation: boxes, polygons and run-length masks, in pixels.

Categories are codes of findings, and checkers for places that are evidence without a code. A place with an outline has
a polygon; a mask has uncompressed run lengths; what is a box alone has its box as segmentation, so that every
annotation can be drawn. `iscrowd` is 0 throughout: each annotation is about one thing, a mask too.

Source: the description of the data format at cocodataset.org (detection).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imgaudit.export.outbox import whole
from imgaudit.export.places import Mask, Place, area_of, categories, masks, places
from imgaudit.export.tables import sensitive_checkers
from imgaudit.export.view import View
from imgaudit.types import ImageRecord


def write_coco(view: View, target: Path) -> int:
    """Write the file; the number of annotations. Pictures that could not be decoded have no size and are left out."""
    left_out = sensitive_checkers()
    names = categories(view, left_out)
    numbers = {name: number for number, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for record in view:
        if not record.width or not record.height:
            continue
        images.append(_image(record, len(images) + 1))
        for annotation in _annotations(record, left_out):
            number = numbers[annotation.pop("category")]
            place = {"id": len(annotations) + 1, "image_id": len(images), "category_id": number, "iscrowd": 0}
            annotations.append({**place, **annotation})
    content = {
        "info": {"description": view.report.title, "version": "1", "contributor": "imgaudit"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "supercategory": name.partition(".")[0]} for name, number in numbers.items()
        ],
    }
    with whole(target) as stream:
        stream.write(json.dumps(content, allow_nan=False).encode())
    return len(annotations)


def _image(record: ImageRecord, number: int) -> dict[str, Any]:
    return {
        "id": number, "file_name": record.path, "width": record.width, "height": record.height,
        "imgaudit_id": record.id, "verdict": str(record.verdict.final),
    }  # fmt: skip


def _annotations(record: ImageRecord, left_out: frozenset[str]) -> Iterator[dict[str, Any]]:
    for place in places(record, left_out):
        yield _of_place(place)
    for mask in masks(record, left_out):
        yield _of_mask(mask, record)


def _of_place(place: Place) -> dict[str, Any]:
    x0, y0, x1, y1 = place.box
    corners = place.outline or ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    told = {"score": place.score, "text": place.text}
    return {
        "category": place.category,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": area_of(corners),
        "segmentation": [[value for corner in corners for value in corner]],
        "attributes": {"label": place.label, **{name: value for name, value in told.items() if value is not None}},
    }


def _of_mask(mask: Mask, record: ImageRecord) -> dict[str, Any]:
    width, height = record.width or 0, record.height or 0
    return {
        "category": mask.category,
        "bbox": _box_of(mask.counts, height),
        "area": sum(mask.counts[1::2]),
        "segmentation": {"counts": list(mask.counts), "size": [height, width]},
        "attributes": {"label": "mask"},
    }


def _box_of(counts: tuple[int, ...], height: int) -> list[int]:
    """x, y, width and height around the ones of a mask whose runs go down the columns."""
    left, top, right, bottom, at = 1 << 62, height, 0, 0, 0
    for place, run in enumerate(counts):
        if place % 2 and run:
            first, last = divmod(at, height), divmod(at + run - 1, height)
            left, right = min(left, first[0]), max(right, last[0])
            # a run over the end of a column touches both the lowest and the highest row
            top = 0 if last[0] > first[0] else min(top, first[1])
            bottom = height - 1 if last[0] > first[0] else max(bottom, last[1])
        at += run
    return [left, top, right - left + 1, bottom - top + 1]

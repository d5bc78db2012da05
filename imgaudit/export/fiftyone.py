"""A folder that FiftyOne reads as `FiftyOneDataset`: metadata.json, samples.json, and the pictures in data/.

Every sample has its verdicts as classifications, places as detections and polylines, landmarks as keypoints, and the
measures as numbers; coordinates are shares of the upright picture, 0 to 1. metadata.json names no version of
FiftyOne, so that every version reads it by the documented simple form and migrates nothing.

Pictures are copied under safe names, byte for byte and unmarked: this is for looking and labelling, not for publishing.
What may be abuse material is left out. An EXIF orientation is not applied by FiftyOne; places are those of the upright
picture.

Source: FiftyOne's pages on importing datasets (FiftyOneDataset) and on labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgaudit.digest import digest_bytes
from imgaudit.errors import PictureError
from imgaudit.export.names import safe_name, suffix_of
from imgaudit.export.outbox import checked_folder, opened
from imgaudit.export.places import Landmarks, Place, landmarks, places
from imgaudit.export.tables import findings_of, sensitive_checkers
from imgaudit.export.view import View
from imgaudit.reporters._thumbnails import concealment
from imgaudit.types import ImageRecord, Point

METADATA, SAMPLES, DATA = "metadata.json", "samples.json", "data"
FIELDS = ("machine", "final", "detections", "polylines", "keypoints")


@dataclass(frozen=True)
class Dataset:
    """What was written, and which pictures were not, with the reason."""

    samples: int
    left_out: dict[str, str]


def write_fiftyone(view: View, folder: Path) -> Dataset:
    """Write the dataset into a folder that is new, empty, or holds an earlier one of the same run."""
    checked_folder(folder, view.folder.path)
    known = _known(folder, view.identity)
    sensitive = sensitive_checkers()
    samples: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    files: dict[str, str] = {}
    with opened(folder, f"fiftyone {view.identity}", known, DATA) as box:
        box.require(METADATA, SAMPLES)
        for record in view:
            try:
                name, data = _picture(view, record)
            except PictureError as error:
                left_out[record.id] = str(error)
                continue
            files[name] = digest_bytes(data)
            if not box.holds(name, files[name]):
                box.put(name, data)
            samples.append(_sample(record, name, sensitive))
        box.put(SAMPLES, json.dumps({"samples": samples}, allow_nan=False).encode())
        files[SAMPLES] = digest_bytes((folder / SAMPLES).read_bytes())
        box.put(METADATA, json.dumps(_metadata(view, files), indent=1).encode())
    return Dataset(len(samples), left_out)


def _known(folder: Path, identity: str) -> dict[str, str]:
    """The files of an earlier dataset of the same run; what is not of it is never overwritten."""
    try:
        text = (folder / METADATA).read_bytes()
        info = json.loads(text)["info"]["imgaudit"]
        if info["run"] == identity:
            return {**{str(k): str(v) for k, v in info["files"].items()}, METADATA: digest_bytes(text)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return {}


def _metadata(view: View, files: dict[str, str]) -> dict[str, Any]:
    info = {"run": view.identity, "rubric": view.report.rubric.name, "files": dict(sorted(files.items()))}
    return {"name": "imgaudit", "media_type": "image", "info": {"title": view.report.title, "imgaudit": info}}


def _picture(view: View, record: ImageRecord) -> tuple[str, bytes]:
    if concealment(record) == "withheld":
        raise PictureError("it may be abuse material and is never copied; escalate it, and do not open it")
    if not record.width or not record.height:
        raise PictureError("it could not be decoded when it was judged")
    loaded = next((one.labels.get("format") for one in record.findings if one.checker == "load"), None)
    return f"{DATA}/{safe_name(record.id)}{suffix_of(loaded)}", view.data(record)


def _sample(record: ImageRecord, name: str, sensitive: frozenset[str]) -> dict[str, Any]:
    width, height = record.width or 1, record.height or 1
    found = list(places(record, sensitive))
    lines = list(landmarks(record, sensitive))
    codes = sorted({code for finding in findings_of(record, sensitive) for code in finding.codes})
    outlined = [_polyline(place, width, height) for place in found if place.outline is not None]
    outlined += [_closed(one, width, height) for one in lines if one.closed]
    tags = [str(record.verdict.final), *codes]
    if concealment(record) == "blurred":
        tags.append("safety-flagged")
    return {
        "filepath": name,
        "tags": tags,
        "metadata": {"_cls": "ImageMetadata", "width": record.width, "height": record.height},
        "imgaudit_id": record.id,
        "case": record.case,
        "seed": record.seed,
        "prompt": record.prompt,
        "machine": {"_cls": "Classification", "label": str(record.verdict.machine)},
        "final": {"_cls": "Classification", "label": str(record.verdict.final)},
        "detections": {"_cls": "Detections", "detections": [_detection(place, width, height) for place in found]},
        "polylines": {"_cls": "Polylines", "polylines": outlined},
        "keypoints": {
            "_cls": "Keypoints",
            "keypoints": [_keypoint(one, width, height) for one in lines if not one.closed],
        },
        **dict(_measures(record, sensitive)),
    }


def _measures(record: ImageRecord, sensitive: frozenset[str]) -> Iterator[tuple[str, float]]:
    """One field a measure; a field's name may hold no dot. A measure that could not be told has no field."""
    for finding in findings_of(record, sensitive):
        for name, value in sorted(finding.measures.items()):
            yield f"measure_{finding.checker}_{name}".replace("-", "_").replace(".", "_"), value


def _detection(place: Place, width: int, height: int) -> dict[str, Any]:
    x0, y0, x1, y1 = place.box
    box = [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]
    return {"_cls": "Detection", "bounding_box": box, **_told(place)}


def _polyline(place: Place, width: int, height: int) -> dict[str, Any]:
    points = [_share(point, width, height) for point in place.outline or ()]
    return {"_cls": "Polyline", "points": [points], "closed": True, "filled": True, **_told(place)}


def _closed(one: Landmarks, width: int, height: int) -> dict[str, Any]:
    points = [_share(point, width, height) for point in one.points]
    return {"_cls": "Polyline", "label": one.category, "points": [points], "closed": True, "filled": False,
            "what": one.label, "tags": [], "attributes": {}}  # fmt: skip


def _keypoint(one: Landmarks, width: int, height: int) -> dict[str, Any]:
    points = [_share(point, width, height) for point in one.points]
    return {"_cls": "Keypoint", "label": one.category, "points": points, "what": one.label, "tags": [],
            "attributes": {}}  # fmt: skip


def _told(place: Place) -> dict[str, Any]:
    told = {"confidence": place.score, "text": place.text}
    kept = {name: value for name, value in told.items() if value is not None}
    return {"label": place.category, "what": place.label, "tags": [], "attributes": {}, **kept}


def _share(point: Point, width: int, height: int) -> list[float]:
    return [point[0] / width, point[1] / height]

"""`imgaudit doctor`: what works on this machine, and how to repair what does not."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Literal

import typer

app = typer.Typer(rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked at."""

    what: str
    state: Literal["fine", "missing", "wrong"]
    text: str
    remedy: str | None = None


@app.command(epilog="Example: imgaudit doctor")
def doctor(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> int:
    """Check this installation. Exit code 0 when nothing is wrong, 2 otherwise; a missing extra is not wrong."""
    signs = [_python(), _opencv(), _mediapipe(), *_perceivers(), *_trust_lists(), _pdf(), _device(), _cache()]
    if as_json:
        typer.echo(json.dumps([asdict(sign) for sign in signs]))
    else:
        for sign in signs:
            typer.echo(f"{sign.state:8} {sign.what}: {sign.text}" + (f". {sign.remedy}" if sign.remedy else ""))
    return 2 if any(sign.state == "wrong" for sign in signs) else 0


def _python() -> Sign:
    version = platform.python_version()
    if sys.version_info >= (3, 13):
        remedy = "Use Python 3.11 or 3.12 for hands, faces and bodies"
        return Sign("python", "missing", f"{version}: mediapipe has no wheel with models for it", remedy)
    return Sign("python", "fine", version)


def _opencv() -> Sign:
    names = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    there = [name for name in names if _version(name)]
    repair = (
        f"pip uninstall -y {' '.join(there)} && pip install --force-reinstall --no-deps opencv-python-headless"
        if there
        else "pip install opencv-python-headless"
    )
    if there != ["opencv-python-headless"]:
        text = f"{len(there)} packages bring cv2 and overwrite each other: {', '.join(there)}" if there else "no cv2"
        return Sign("opencv", "wrong", text, f"Repair it with: {repair}")
    try:
        import cv2
    except ImportError as error:
        return Sign("opencv", "wrong", f"cv2 cannot be imported: {error}", f"Repair it with: {repair}")
    return Sign("opencv", "fine", f"one cv2, headless, {cv2.__version__}")


def _mediapipe() -> Sign:
    version = _version("mediapipe")
    if version is None:
        return Sign("mediapipe", "missing", "not installed", "pip install 'mediapipe==0.10.14'")
    parts = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if parts >= (0, 10, 30):
        text = f"{version} carries no models, and from 0.10.35 on sends usage data to its vendor"
        return Sign("mediapipe", "wrong", text, "pip install 'mediapipe==0.10.14'")
    return Sign("mediapipe", "fine", f"{version}, with its models, sends nothing")


def _perceivers() -> list[Sign]:
    from imgaudit.errors import ModelUnavailable
    from imgaudit.registry import perceivers

    signs = []
    for name, factory in perceivers.items():
        try:
            factory()
        except ModelUnavailable as error:
            signs.append(Sign(f"perceiver {name}", "missing", error.reason, error.remedy))
        else:
            signs.append(Sign(f"perceiver {name}", "fine", factory.title))
    return signs


def _trust_lists() -> list[Sign]:
    """The lists that signers of Content Credentials are held against; none is packaged."""
    from pathlib import Path

    from imgaudit.cli._common import OFFICIAL_VARIABLE, USER_VARIABLE
    from imgaudit.errors import UsageError
    from imgaudit.provenance.c2pa import OFFICIAL_URL, ListName, anchors

    remedies: dict[ListName, tuple[str, str]] = {
        "official": (OFFICIAL_VARIABLE, f"Fetch it with: curl -fLO {OFFICIAL_URL}, and set {OFFICIAL_VARIABLE} to it"),
        "user": (USER_VARIABLE, f"Set {USER_VARIABLE} to a PEM file with the certificates that you trust"),
    }
    signs = []
    for name, (variable, remedy) in remedies.items():
        path = os.environ.get(variable)
        what = f"c2pa {name} list"
        if not path:
            signs.append(Sign(what, "missing", "none is configured, so no signer is called trusted by it", remedy))
            continue
        try:
            found = anchors(name, Path(path))
        except UsageError as error:
            signs.append(Sign(what, "wrong", str(error), remedy))
            continue
        signs.append(Sign(what, "fine", f"{found.certificates} certificates, sha256 {found.sha256}"))
    return signs


def _pdf() -> Sign:
    remedy = "pip install 'imgaudit[pdf]', and Pango from the system's packages"
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        return Sign("pdf", "missing", f"WeasyPrint cannot be loaded: {str(error).splitlines()[0][:120]}", remedy)
    return Sign("pdf", "fine", f"WeasyPrint {weasyprint.__version__}")


def _device() -> Sign:
    import torch

    if torch.cuda.is_available():
        return Sign("device", "fine", f"CUDA: {torch.cuda.get_device_name(0)}")
    return Sign("device", "fine", f"CPU with {torch.get_num_threads()} threads; no CUDA device")


def _cache() -> Sign:
    from imgaudit.store.cache import default_folder

    folder = default_folder()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free >> 30
    return Sign("percept cache", "fine", f"{folder} ({free} GiB free)")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

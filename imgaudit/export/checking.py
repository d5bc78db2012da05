"""Whether a delivery is still what its manifest says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imgaudit.digest import digest_file
from imgaudit.errors import ImgauditError
from imgaudit.export.manifest import ENVELOPE, MANIFEST, PAYLOAD_TYPE, PICTURES, listed, read_delivery
from imgaudit.export.outbox import JOURNAL
from imgaudit.reporters._shared import counted, visible
from imgaudit.signing import open_envelope
from imgaudit.types import Stored

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Check(Stored):
    """What `imgaudit export --verify` found."""

    state: Literal["intact", "altered", "cannot tell"]
    pictures: int
    sentences: tuple[str, ...]


@dataclass
class _Found:
    altered: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


def check(folder: Path, key: Ed25519PublicKey | None = None) -> Check:
    """Compare every file with the manifest; with a key, the manifest with its signature."""
    delivery = read_delivery(folder)
    found = _Found()
    expected = {**{one.name: one.after.file for one in delivery.pictures}, **delivery.sheets}
    for name, sha256 in sorted(expected.items()):
        _check_file(folder, name, sha256, found)
    there = sorted(path.name for path in (folder / PICTURES).iterdir()) if (folder / PICTURES).is_dir() else []
    strange = [name for name in there if f"{PICTURES}/{name}" not in expected]
    if strange:
        foreign = counted(len(strange), "foreign file")
        found.altered.append(f"{PICTURES}/ holds {foreign}: {listed(strange)}")
    _check_signature(folder, key, found)
    if (folder / JOURNAL).exists():
        found.untold.append("an export into this folder has not ended")
    state: Literal["intact", "altered", "cannot tell"] = "cannot tell" if found.untold else "intact"
    if found.altered:
        state = "altered"
    return Check(state=state, pictures=len(delivery.pictures), sentences=(*found.altered, *found.untold))


def _check_file(folder: Path, name: str, sha256: str, found: _Found) -> None:
    path = folder / name
    # a manifest is a stranger's text: it may name any path
    if Path(name).is_absolute() or ".." in Path(name).parts or path.is_symlink():
        found.altered.append(f"{visible(name)}: is no name of a delivered file")
    elif not path.is_file():
        found.altered.append(f"{visible(name)}: is missing")
    elif digest_file(path) != sha256:
        found.altered.append(f"{visible(name)}: is not the file that was delivered")


def _check_signature(folder: Path, key: Ed25519PublicKey | None, found: _Found) -> None:
    path = folder / ENVELOPE
    if not path.is_file():
        text = "the manifest is not signed, so that it may have been written anew together with the files"
        if key is not None:
            found.untold.append(text)
        return
    if key is None:
        return
    try:
        payload = open_envelope(path, key, PAYLOAD_TYPE)
    except ImgauditError as error:
        found.altered.append(str(error))
        return
    if payload != (folder / MANIFEST).read_bytes():
        found.altered.append(f"{MANIFEST} is not the one that was signed")

"""A run of four painted pictures, and a rubric that asks people only: small enough to be made for every test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from imgaudit.engine.sources import SuiteSource
from imgaudit.pipeline import Options, carry_out
from imgaudit.record import SuiteInfo
from imgaudit.rubric import load_rubric
from imgaudit.types import Case, Controls, Job, Refused, Rendered, Source

CHECKS = ("duplicates", "provenance")
ROOT = Path(__file__).parent.parent.parent
PEOPLE = ("logos", "brand-fit", "copyright", "artist-style", "likeness", "trademarks", "deepfakes", "misinformation",
          "stereotyping", "safety", "platform-terms", "mass-output")  # fmt: skip


class Brush:
    """Paints the seed as flat fields of colour."""

    name, title = "brush", "brush"

    def identity(self):
        return {"model": "brush", "weights": "b" * 64, "licence": "cc-by-nc-4.0"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            fields = np.random.default_rng(job.seed).integers(0, 255, (3, 3, 3), np.uint8)
            source = Source(generator="brush", seed=job.seed, prompt=job.case.prompt, steps=1, parse="complete")
            yield Rendered(job, Image.fromarray(fields.repeat(32, 0).repeat(32, 1)), source)


def asking_rubric(folder: Path, **on_no: str) -> Path:
    """The rubric `strict` without demands on checkers, which these tests do not run."""
    value = yaml.safe_load((ROOT / "rubrics" / "strict.yaml").read_text())
    value["name"] = "asking"
    for name, entry in value["dimensions"].items():
        if "attestation" in entry:
            entry["attestation"]["on_no"] = on_no.get(name.replace("-", "_"), "reject")
        else:
            entry["required"] = False
            entry.pop("rules", None)
    value["set"] = []
    value.pop("regression", None)
    path = folder / "asking.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


def small_run(out: Path, rubric: Path | str = "publish") -> Path:
    """A finished run of two cases and two seeds."""
    cases = [Case(id=name, prompt=f"a {name}") for name in ("one", "two")]
    info = SuiteInfo(name="made", digest="0" * 64, cases=len(cases), seeds=(0, 1))
    source = SuiteSource(info, cases, (0, 1), Controls(), "brush", Brush(), batch_size=2)
    carry_out(source, Options(out, load_rubric(str(rubric)), CHECKS))
    return out


def key_pair(folder: Path, name: str = "key") -> tuple[Path, Path]:
    """A fresh Ed25519 pair as PEM files: secret, public."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return secret, public

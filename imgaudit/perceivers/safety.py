"""What a safety model says of a picture: nudity and explicit content, violence, dangerous content.

The option names the model; without one the perceiver takes NudeNet where it is installed, and else abstains:

    nudenet, nudenet:FILE.onnx      NudeNet's detector (pip install nudenet; the model comes with it)
    checker:ID or folder            the safety checker of Stable Diffusion (CompVis/stable-diffusion-safety-checker)
    shieldgemma:ID or folder        ShieldGemma 2 (google/shieldgemma-2-4b-it; its weights are gated)

Behind the model `;list=FILE` may name a list of PDQ hashes of known material, 64 hexadecimal digits a line: a picture
near one of them is `known`. Such lists come from hotlines; none is packaged.

Every policy has a declared operating point, which stands in the percept. Known limits: NudeNet finds about four in ten
of a biased set of explicit photographs at a score of 0.5 (its issue 159) and fails on drawings; the safety checker
publishes no meaning of its concepts. NudeNet was run with its own weights; the checker and ShieldGemma 2, whose weights
are gated, were run as tiny random models of their own classes. No model recognises abuse material or tells ages.

NudeNet is a package of somebody else and no dependency of this one: its metadata say MIT, while the licence file inside
its wheel is the GNU Affero General Public License 3. Whoever installs it chooses that.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from imgaudit.digest import digest_bytes, digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import Pixels, Safety, Unsafe
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Box, Failed, Look, Picture, Sight

if TYPE_CHECKING:
    import numpy as np

REMEDY = (
    "install one with: pip install nudenet; or name one: --safety checker:CompVis/stable-diffusion-safety-checker, "
    "--safety shieldgemma:google/shieldgemma-2-4b-it"
)
EXPOSED = (
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_EXPOSED",
    "BUTTOCKS_EXPOSED",
)
NUDENET_THRESHOLD = 0.4
"""Below the 0.5 that is customary, for a missed picture costs more here than one that a person looks at in vain."""
YES_THRESHOLD = 0.5
POLICIES: dict[str, Literal["explicit", "violence", "dangerous"]] = {
    "sexual": "explicit",
    "violence": "violence",
    "dangerous": "dangerous",
}
HASH_DISTANCE = 31
"""Bits of 256 by which PDQ hashes of one picture may differ, as PDQ's authors recommend."""
CARE_ADJUSTMENT = 0.01

Found = tuple[tuple[Unsafe, ...], tuple[tuple[str, float, Box], ...]]


def _shown(where: str) -> str:
    """A hub's name as it is, and of a folder only its own name: reports tell nothing about the machine."""
    return Path(where).name if Path(where).expanduser().exists() or where.startswith(("/", "~", ".")) else where


class SafetyModel(Protocol):
    """A model: its name for reports, what it is, and what it says of pixels (height, width, 3), uint8 RGB."""

    label: str
    identity: Mapping[str, str]

    def judge(self, rgb: np.ndarray) -> Found:
        """The policies with scores and operating points, and what was seen where."""
        ...


@perceiver
class SafetyPerceiver:
    """Runs one safety model over pictures. Takes no parameters; the option names the model."""

    name: ClassVar[str] = "safety"
    title: ClassVar[str] = "Safety model"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        spec, _, path = (option or "").partition(";list=")
        self._known = read_hashes(Path(path)) if path else ()
        try:
            self._model = load(spec or "nudenet")
        except ModelUnavailable:
            if spec or not self._known:
                raise
            self._model = ListAlone()

    def identity(self) -> Mapping[str, str]:
        """The model, the digest of its weights, and the digest of the list of known material."""
        listed = {"list": digest_bytes(b"".join(self._known))} if self._known else {}
        return {"model": self._model.label, **self._model.identity, **listed}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        if look.picture.rgb is None:
            return Abstained("the picture cannot be decoded")
        try:
            policies, parts = self._model.judge(look.picture.rgb)
        except Exception as error:  # a model raises what it likes; the other pictures go on
            return Failed(f"{look.picture.id}: {self._model.label} failed: {type(error).__name__}: {error}"[:500])
        return Safety(model=self._model.label, policies=policies, parts=parts, known=self._is_known(look))

    def _is_known(self, look: Look) -> bool:
        if not self._known:
            return False
        seen = next((sight for sight in look.upstream if isinstance(sight, Pixels)), None)
        found = bytes.fromhex(seen.pdq) if seen is not None else pdq(look.picture)
        return any(_distance(found, known) <= HASH_DISTANCE for known in self._known)


def _distance(first: bytes, second: bytes) -> int:
    return (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).bit_count()


def pdq(picture: Picture) -> bytes:
    """The PDQ hash of a decoded picture: 32 bytes."""
    import numpy as np
    import pdqhash

    bits, _ = pdqhash.compute(picture.rgb)
    return np.packbits(bits).tobytes()


def read_hashes(path: Path) -> tuple[bytes, ...]:
    """A list of PDQ hashes, one a line; empty lines and lines that start with # are skipped. Raises UsageError."""
    found = []
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the list of hashes cannot be read: {error}; expected a text file") from error
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            value = bytes.fromhex(text)
        except ValueError:
            value = b""
        if len(value) != 32:
            raise UsageError(f"{path}:{number}: {text[:40]!r} is no PDQ hash; expected 64 hexadecimal digits")
        found.append(value)
    return tuple(found)


def load(spec: str) -> SafetyModel:
    """The model of a spec. Raises ModelUnavailable when it is not here, UsageError for what is no spec."""
    kind, _, where = spec.partition(":")
    if kind == "nudenet":
        return NudeNet(Path(where) if where else None)
    if kind == "checker" and where:
        return ConceptChecker(where)
    if kind == "shieldgemma" and where:
        return ShieldGemma(where)
    raise UsageError(f"unknown safety model {spec!r}; expected nudenet, checker:ID or shieldgemma:ID")


class ListAlone:
    """No model: pictures are held against the list of known material and nothing else."""

    label = "list of known material alone"
    identity: Mapping[str, str] = {}

    def judge(self, rgb: np.ndarray) -> Found:
        """Says nothing."""
        return (), ()


class NudeNet:
    """NudeNet's detector; `explicit` is the highest score of an exposed part."""

    def __init__(self, path: Path | None) -> None:
        if importlib.util.find_spec("nudenet") is None:
            raise ModelUnavailable("no safety model is installed", REMEDY)
        nudenet = importlib.import_module("nudenet")
        weights = path or Path(str(nudenet.__file__)).parent / "320n.onnx"
        if not weights.is_file():
            raise ModelUnavailable(f"the model of NudeNet is not at {weights.name}", REMEDY)
        self._detector = nudenet.NudeDetector(model_path=str(weights))
        self.label = f"nudenet {weights.name}"
        self.identity: Mapping[str, str] = {"weights": digest_file(weights)}

    def judge(self, rgb: np.ndarray) -> Found:
        """See `SafetyModel`."""
        import numpy as np

        # the detector expects what OpenCV reads: blue first
        seen = self._detector.detect(np.ascontiguousarray(rgb[:, :, ::-1]))
        parts = tuple(
            (str(one["class"]), round(float(one["score"]), 6), _box(one["box"]))
            for one in seen
            if one["class"] in EXPOSED
        )
        score = max((score for _, score, _ in parts), default=0.0)
        return (Unsafe(policy="explicit", score=score, threshold=NUDENET_THRESHOLD),), parts


def _box(sides: Sequence[float]) -> Box:
    x, y, width, height = (float(side) for side in sides)
    return x, y, x + width, y + height


class ConceptChecker:
    """The safety checker of Stable Diffusion: how near CLIP's view of a picture is to 17 hidden concepts.

    Its weights are read into transformers' own CLIP. A concept counts from its own threshold on, lowered by 0.01 where
    one of 3 further concepts was found; `explicit` is 0.5 plus the largest distance above its threshold.
    """

    def __init__(self, where: str) -> None:
        import torch
        from transformers import CLIPConfig, CLIPImageProcessor, CLIPVisionModelWithProjection

        weights = weights_of(where, "model.safetensors", self._remedy(where))
        from safetensors.torch import load_file

        config = CLIPConfig.from_pretrained(weights.parent)
        config.vision_config.projection_dim = config.projection_dim
        tensors = load_file(weights)
        self._model = CLIPVisionModelWithProjection(config.vision_config).eval()
        self._fill(tensors, where)
        self._concepts = tensors["concept_embeds"].float(), tensors["concept_embeds_weights"].float()
        self._care = tensors["special_care_embeds"].float(), tensors["special_care_embeds_weights"].float()
        self._processor = _processor(CLIPImageProcessor, weights.parent, config.vision_config.image_size)
        self._torch = torch
        self.label = f"checker {_shown(where)}"
        self.identity: Mapping[str, str] = {"weights": digest_file(weights)}

    @staticmethod
    def _remedy(where: str) -> str:
        return f"fetch it with: hf download {_shown(where)}, or name a folder that holds it"

    def _fill(self, tensors: Mapping[str, Any], where: str) -> None:
        """Give the model its weights; in the checkpoint CLIP's vision model is wrapped once more."""
        wanted = self._model.state_dict()
        renamed = {name.replace("vision_model.vision_model.", "vision_model."): t for name, t in tensors.items()}
        missing = [name for name in wanted if name not in renamed and not name.endswith("position_ids")]
        if missing or "concept_embeds" not in tensors:
            raise ModelUnavailable(
                f"{_shown(where)}: is no safety checker of Stable Diffusion ({len(missing)} weights are missing)",
                self._remedy("CompVis/stable-diffusion-safety-checker"),
            )
        self._model.load_state_dict({name: renamed[name] for name in wanted if name in renamed}, strict=False)

    def judge(self, rgb: np.ndarray) -> Found:
        """See `SafetyModel`."""
        torch = self._torch
        with torch.inference_mode():
            inputs = self._processor(images=rgb, return_tensors="pt", input_data_format="channels_last")
            embedding = self._model(pixel_values=inputs["pixel_values"]).image_embeds.float()
            care = self._above(embedding, *self._care)
            concepts = self._above(embedding, *self._concepts) + CARE_ADJUSTMENT * bool((care > 0).any())
        margin = float(concepts.max())
        score = round(min(max(0.5 + margin, 0.0), 1.0), 6)
        return (Unsafe(policy="explicit", score=score, threshold=0.5),), ()

    def _above(self, embedding: Any, concepts: Any, thresholds: Any) -> Any:
        """Cosines to the concepts less their thresholds, rounded as the checker itself rounds them."""
        normalize = self._torch.nn.functional.normalize
        cosines = normalize(embedding) @ normalize(concepts).T
        return (cosines[0] - thresholds).round(decimals=3)


class ShieldGemma:
    """ShieldGemma 2: the probability of `Yes, it violates the policy` for each of its three policies."""

    def __init__(self, where: str) -> None:
        import torch
        from transformers import AutoProcessor, ShieldGemma2ForImageClassification

        try:
            self._processor = AutoProcessor.from_pretrained(where)
            self._model = ShieldGemma2ForImageClassification.from_pretrained(where, use_safetensors=True).eval()
        except (OSError, ValueError) as error:
            raise ModelUnavailable(
                f"ShieldGemma 2 cannot be loaded from {_shown(where)}: {type(error).__name__}",
                "accept Google's terms on the hub, then: hf auth login && hf download google/shieldgemma-2-4b-it",
            ) from error
        self._torch = torch
        self.label = f"shieldgemma {_shown(where)}"
        self.identity: Mapping[str, str] = _identity_of(where, getattr(self._model.config, "_commit_hash", None))

    def judge(self, rgb: np.ndarray) -> Found:
        """See `SafetyModel`."""
        from PIL import Image

        with self._torch.inference_mode():
            inputs = self._processor(images=[Image.fromarray(rgb)], policies=list(POLICIES), return_tensors="pt")
            yes = self._model(**inputs).probabilities[:, 0].float().tolist()
        scores = zip(POLICIES.values(), yes, strict=True)
        return tuple(Unsafe(policy=policy, score=round(p, 6), threshold=YES_THRESHOLD) for policy, p in scores), ()


def _identity_of(where: str, revision: str | None) -> Mapping[str, str]:
    """A hub's revision stands for its weights; of a folder the weights themselves are read."""
    if revision is not None:
        return {"revision": revision}
    files = sorted(Path(where).expanduser().glob("*.safetensors"))
    return {"weights": digest_bytes("".join(map(digest_file, files)).encode())}


def weights_of(where: str, name: str, remedy: str) -> Path:
    """A file of a model, in a folder or in the hub's cache or from the hub. Raises ModelUnavailable."""
    folder = Path(where).expanduser()
    if folder.is_dir():
        if (folder / name).is_file():
            return folder / name
        raise ModelUnavailable(f"{folder.name}: holds no {name}", remedy)
    from huggingface_hub import hf_hub_download

    try:
        for other in ("config.json", "preprocessor_config.json"):
            hf_hub_download(where, other)
        return Path(hf_hub_download(where, name))
    except Exception as error:  # the hub's client raises its own, requests' and the system's errors
        raise ModelUnavailable(f"the safety model {_shown(where)!r} is not on this machine", remedy) from error


def _processor(kind: Any, folder: Path, size: int) -> Any:
    """CLIP's preprocessing as saved with the weights; CLIP's own, at the model's size, where none was saved."""
    if (folder / "preprocessor_config.json").is_file():
        return kind.from_pretrained(folder)
    return kind(size={"shortest_edge": size}, crop_size={"height": size, "width": size})

"""How well `adherence.match` tells right pictures from wrong ones, and what the CLIP route costs.

    python -m tests.benchmarks.adherence auroc [--pictures N] [--model embedded-1 ...] [--renders FOLDER]
    python -m tests.benchmarks.adherence speed [--pictures N]

`auroc` renders prompts of each clause kind with the packaged generators, reads the pictures with the independent reader
(imgaudit.embedded.reader, which shares no part with the generators or the CLIP), and prints how often `match` puts a
picture that is right above one whose clause of that kind is wrong, with 95 % intervals (bootstrap over pictures). Two
kinds of wrong pictures are kept apart: *rendered*, that the generator got wrong with its own prompt, and *paired*, that
are judged by a prompt with one clause of the kind changed, which the reader then finds wrong. Paired ones are easier
than rendered ones: their fault is whole and never half. A picture of two things that shows a third is wrong by its
number alone, which no foil speaks of, so it stands in a line of its own. FOLDER keeps the pictures for the next time.

`speed` prints pictures a second, one torch thread, with random weights of the real ViT-B/32. For torchmetrics run `make
oracle` first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgaudit.checkers.adherence import Adherence
from imgaudit.digest import digest_bytes
from imgaudit.embedded import model_path, world
from imgaudit.embedded.evaluate import asked, generate, load_pipeline
from imgaudit.embedded.judging import judge
from imgaudit.embedded.reader import Reading, read
from imgaudit.embedded.world import Scene
from imgaudit.engine.inline import Checks, InlineEngine
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.perceivers.clip import Clip
from imgaudit.pictures import decode
from imgaudit.types import Case, Look, Measured, Percepts, Picture, Query
from tests.benchmarks.pictures import draw_pictures

EXTRA = "extra thing"
"""Pictures of two things that show a third: no foil speaks of it, since the prompt does not."""
KINDS = {
    "colour": ("single", "relation", "binding"), "shape": ("single", "relation", "binding"), "count": ("count",),
    "relation": ("relation",), "size": ("size",), "background": ("background",),
    "negation": ("negation", "binding"), "binding": ("binding",),
    EXTRA: ("relation", "binding"),
}  # fmt: skip
"""Kinds of clause, and the families of prompts whose pictures tell of each."""
FAMILIES = ("single", "count", "relation", "binding", "size", "background", "negation")
HELD_OUT = ("single", "count", "relation", "binding")
DRAWS = 2_000
FEWEST = 10
BATCH = 16


# --- AUROC ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scored:
    """A picture judged by a prompt: which picture, what the reader says of the prompt, and our measures."""

    picture: int
    truth: dict[str, bool]
    measures: dict[str, float]


def auroc(right: Sequence[tuple[int, float]], wrong: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Share of pairs in which the right one scores higher, ties half, with its 95 % bootstrap interval over pictures.

    Each entry is the picture's number and the score; a picture that stands on both sides is drawn on both.
    """
    above = np.array([[(a > b) + 0.5 * (a == b) for _, b in wrong] for _, a in right])
    pictures = sorted({number for number, _ in (*right, *wrong)})
    places = {number: place for place, number in enumerate(pictures)}
    first, second = (np.array([places[number] for number, _ in side]) for side in (right, wrong))
    random = np.random.default_rng(11)
    found = []
    for _ in range(DRAWS):
        weights = np.bincount(random.integers(0, len(pictures), len(pictures)), minlength=len(pictures))
        one, other = weights[first], weights[second]
        if one.sum() and other.sum():
            found.append(one @ above @ other / (one.sum() * other.sum()))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(above.mean()), float(low), float(high)


def case_of(scene: Scene) -> Case:
    """A case as the packaged suite of shapes writes it: the caption, and the world's own foils by kind."""
    foils: dict[str, list[str]] = {}
    for foil in world.foils(scene):
        foils.setdefault(foil.kind, []).append(foil.caption)
    return Case(id="x", prompt=world.caption(scene), foils={kind: tuple(texts) for kind, texts in foils.items()})


def scored(clip: Clip, number: int, pixels: Any, scene: Scene, reading: Reading) -> Scored | None:
    """Measure a picture by a prompt; None where the model does not know such pictures."""
    case = case_of(scene)
    [query] = Adherence().ask(case, Percepts())
    digest = digest_bytes(pixels.tobytes())
    [sight] = clip.perceive([Look(Picture(str(number), b"", digest, pixels, digest), query)])
    found = Adherence().measure(case, Percepts({query: sight}))
    return Scored(number, judge(scene, reading), found.measures) if isinstance(found, Measured) else None


def trials_of(model: str, family: str, count: int, renders: Path) -> list[tuple[Scene, Any]]:
    """Pictures of a family of prompts, some of them of compositions that no training picture showed."""
    scenes = asked(family, count, held_out=False)
    if family in HELD_OUT:
        scenes += asked(family, count // 2, held_out=True)
    captions = [world.caption(scene) for scene in scenes]
    kept = renders / f"{model}-{family}-{count}.npz"
    if not kept.is_file():
        seed = 3_000_000 + 10_000 * list(FAMILIES).index(family)
        pixels = generate(load_pipeline(model_path(model)), captions, seed)
        np.savez_compressed(kept, pixels=pixels, captions=captions)
    with np.load(kept) as stored:
        if stored["captions"].tolist() != captions:
            raise SystemExit(f"{kept}: holds pictures of other prompts; delete it")
        return list(zip(scenes, stored["pixels"], strict=True))


def bench_auroc(models: Sequence[str], count: int, renders: Path) -> None:
    """Print one JSON line a model and kind of clause."""
    clip = Clip()
    for model in models:
        trials = {family: trials_of(model, family, count, renders) for family in FAMILIES}
        for kind, families in KINDS.items():
            pictures = [(scene, pixels, read(pixels)) for family in families for scene, pixels in trials[family]]
            print(json.dumps(_line(model, kind, clip, pictures)), flush=True)


def _wrong(kind: str, truth: dict[str, bool]) -> bool:
    """Whether the picture is wrong in this kind of clause itself; a wrong number, colour or shape has its own line.

    The judge calls a place wrong as well where one of the two things is not what it should be.
    """
    if kind == EXTRA:
        return not truth["count"]
    first = {"count": (), "colour": ("count",), "shape": ("count",)}.get(kind, ("count", "colour", "shape"))
    return not truth.get(kind, True) and all(truth.get(other, True) for other in first)


def _paired(kind: str, clip: Clip, pictures: Sequence[tuple[Scene, Any, Reading]]) -> list[Scored]:
    """Pictures judged by a prompt with one clause of the kind changed, where the reader finds them wrong."""
    paired = []
    random = np.random.default_rng(23)
    for number, (scene, pixels, reading) in enumerate(pictures):
        foils = world.foils(scene, (kind,)) if kind != EXTRA else ()
        if foils:
            changed = foils[random.integers(len(foils))].scene
            one = scored(clip, number, pixels, changed, reading)
            paired += [one] if one is not None and not one.truth["all"] else []
    return paired


def _line(model: str, kind: str, clip: Clip, pictures: Sequence[tuple[Scene, Any, Reading]]) -> dict[str, Any]:
    own = [scored(clip, number, pixels, scene, reading) for number, (scene, pixels, reading) in enumerate(pictures)]
    told = [one for one in own if one is not None]
    right = [one for one in told if one.truth["all"]]
    rendered = [one for one in told if _wrong(kind, one.truth)]
    paired = _paired(kind, clip, pictures)
    line: dict[str, Any] = {
        "model": model, "kind": kind, "pictures": len(pictures), "not known": len(own) - len(told), "right": len(right),
    }  # fmt: skip
    for name, wrong in (("rendered", rendered), ("paired", paired), ("both", [*rendered, *paired])):
        line[f"wrong {name}"] = len(wrong)
        for measure in ("match", "worst_clause"):
            line[f"{measure} {name}"] = _told(right, wrong, measure)
    return line


def _told(right: Sequence[Scored], wrong: Sequence[Scored], measure: str) -> list[float] | str:
    sides = [[(o.picture, o.measures[measure]) for o in side if measure in o.measures] for side in (right, wrong)]
    if min(map(len, sides)) < FEWEST:
        return f"too few to tell: {len(sides[0])} right, {len(sides[1])} wrong"
    return [round(value, 3) for value in auroc(*sides)]


# --- speed ---------------------------------------------------------------------------------------


def best(works: dict[str, Callable[[], object]], prepare: Callable[[], object], rounds: int = 4) -> dict[str, float]:
    """Seconds of the best round of each; they take turns, so that a busy moment does not fall on one of them alone."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            prepare()
            began = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - began)
    return {name: min(found) for name, found in times.items()}


def bench_speed(count: int) -> None:
    """Print pictures a second of the bare model and of ours."""
    import open_clip
    import torch
    from PIL import Image

    from tests.oracle.open_clip_weights import save
    from tests.oracle.weights import VIT_B_32

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        folder = save(VIT_B_32, Path(work) / "clip")
        files = [path.read_bytes() for path in sorted(draw_pictures(Path(work) / "pictures", count, 512).iterdir())]
        clip = Clip(str(folder))
        model, prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
        tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
        model.eval()
        decoded = [decode(data, str(n))[0] for n, data in enumerate(files)]
        arrays = [picture.rgb for picture in decoded if picture.rgb is not None]
        batches = [torch.stack([prepare(Image.fromarray(rgb)) for rgb in some]) for some in chunks(arrays)]
        prompts = [f"a photo of {number} red cups" for number in range(max(1, count // 8))]

        def forget() -> None:
            clip._pictures.clear()
            clip._texts.clear()

        def bare(texts: Sequence[str], inputs: Callable[[], Sequence[Any]]) -> None:
            with torch.inference_mode():
                said = model.encode_text(tokenize(list(texts)), normalize=True)
                for batch in inputs():
                    _ = model.encode_image(batch, normalize=True) @ said.T

        def fresh() -> list[Any]:
            return [torch.stack([prepare(Image.fromarray(rgb)) for rgb in some]) for some in chunks(arrays)]

        def from_files() -> list[Any]:
            return [
                torch.stack([prepare(Image.fromarray(decode(data, "x")[0].rgb)) for data in some])
                for some in chunks(files)
            ]

        def ours(texts: Callable[[int], str]) -> None:
            looks = [Look(p, Query("clip", {"texts": [texts(n)]})) for n, p in enumerate(decoded)]
            for some in chunks(looks):
                clip.perceive(some)

        def whole() -> None:
            pool = PerceiverPool({"clip": str(folder)})
            pool._built["clip"] = clip
            engine = InlineEngine(Checks((Adherence(),), ()), Planner(pool, None, BATCH))
            for some in chunks(list(enumerate(files))):
                engine.audit([subject(n, data, prompts[n % len(prompts)]) for n, data in some])

        asked_texts = sorted({t for p in prompts for q in Adherence().ask(Case(id="x", prompt=p), Percepts())
                              for t in q.parameters["texts"]})  # fmt: skip
        repeated = [prompts[n % len(prompts)] for n in range(count)]
        single = [f"a red cup on table {n}" for n in range(count)]
        works: dict[str, Callable[[], object]] = {
            "bare forward, prepared batch, a text for 8 pictures": lambda: bare(prompts, lambda: batches),
            "bare with preprocessing": lambda: bare(prompts, fresh),
            "ours, from decoded pictures": lambda: ours(lambda n: repeated[n]),
            "bare forward, a text for each picture": lambda: bare(single, lambda: batches),
            "ours, a text for each picture": lambda: ours(lambda n: single[n]),
            "bare from files, the texts of an audit": lambda: bare(asked_texts, from_files),
            "our audit of those files, --checks adherence": whole,
        }
        seconds = best(works, forget)
        names = list(seconds)
        figures: dict[str, Any] = {f"pictures/s, {name}": round(count / value, 2) for name, value in seconds.items()}
        figures["ours to bare forward (at most 1.10)"] = round(seconds[names[2]] / seconds[names[0]], 3)
        figures["ours to bare with preprocessing"] = round(seconds[names[2]] / seconds[names[1]], 3)
        figures["ours to bare forward, a text for each picture"] = round(seconds[names[4]] / seconds[names[3]], 3)
        figures["audit to bare from files"] = round(seconds[names[6]] / seconds[names[5]], 3)
        figures |= _torchmetrics(count, count / seconds[names[4]])
    print(json.dumps(figures, indent=1))


def _torchmetrics(count: int, ours: float) -> dict[str, Any]:
    from tests.oracle.make import PYTHON, reference

    if not PYTHON.is_file():
        return {"torchmetrics": "not measured: run `make oracle` first"}
    theirs = json.loads(reference("-", "time", str(count)))["pictures_per_second"]
    return {"pictures/s, torchmetrics, a text for each picture": round(theirs, 2),
            "ours to torchmetrics, times faster": round(ours / theirs, 2)}  # fmt: skip


def subject(number: int, data: bytes, prompt: str) -> Subject:
    """A picture on its way through the engine; as one that was generated, so that its metadata is not read."""
    return Subject(id=str(number), path=str(number), data=data, case=Case(id="x", prompt=prompt), generated=True)


def chunks(items: Sequence[Any]) -> list[Sequence[Any]]:
    """Batches."""
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("part", choices=("auroc", "speed"))
    options.add_argument("--pictures", type=int, default=64)
    options.add_argument("--model", nargs="*", default=["embedded-1", "embedded-2"])
    options.add_argument("--renders", type=Path, default=None)
    chosen = options.parse_args()
    if chosen.part == "auroc":
        with tempfile.TemporaryDirectory() as folder:
            renders = chosen.renders or Path(folder)
            renders.mkdir(parents=True, exist_ok=True)
            bench_auroc(chosen.model, chosen.pictures, renders)
    else:
        bench_speed(chosen.pictures)


if __name__ == "__main__":
    main()

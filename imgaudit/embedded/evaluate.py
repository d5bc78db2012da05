"""Measure the embedded models and write their cards: `python -m imgaudit.embedded.evaluate`.

Every picture is drawn with a fixed seed and read by the independent reader; nothing here has seen a training picture.
Shares stand with their 95 % Wilson intervals. Seeds and counts are fixed: the same weights print the same figures.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from imgaudit.embedded import GUIDANCE, MODELS, STEPS, card_path, model_path, world
from imgaudit.embedded.judging import judge
from imgaudit.embedded.known import known
from imgaudit.embedded.reader import Reading, read
from imgaudit.embedded.world import Item, Scene

Pixels = npt.NDArray[np.uint8]
BATCH = 32
TURNED = "relation, direction turned round"
COMMAND = "python -m imgaudit.embedded.evaluate"


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    right: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson score interval."""
        z, share = 1.96, self.right / self.total
        middle = (share + z * z / (2 * self.total)) / (1 + z * z / self.total)
        spread = share * (1 - share) / self.total + z * z / (4 * self.total**2)
        half = z * spread**0.5 / (1 + z * z / self.total)
        return middle - half, middle + half

    def __str__(self) -> str:
        """The share with its interval, in percent."""
        low, high = self.interval
        return (
            f"{100 * self.right / self.total:.1f} % [{100 * low:.1f}, {100 * high:.1f}] ({self.right} of {self.total})"
        )


@dataclass(frozen=True)
class Trial:
    """A caption, the picture that a generator made of it, and what the reader read there."""

    scene: Scene
    pixels: Pixels
    reading: Reading

    @property
    def verdict(self) -> dict[str, bool]:
        """Right or wrong, respect by respect."""
        return judge(self.scene, self.reading)


# --- what is asked -----------------------------------------------------------------------------------------------


def _colour(random: np.random.Generator) -> str:
    return str(random.choice(list(world.COLOURS)))


def _shape(random: np.random.Generator) -> str:
    return str(random.choice(world.SHAPES))


def _thing(random: np.random.Generator) -> Item:
    return Item(_shape(random), _colour(random))


def _two(random: np.random.Generator, relation: str | None) -> Scene:
    first, second = _thing(random), _thing(random)
    while first.colour == second.colour:
        second = _thing(random)
    return Scene((first, second), relation)


def _candidates(kind: str, random: np.random.Generator) -> Scene:
    """A random caption of a kind, held out or not."""
    if kind == "single":
        return Scene((_thing(random),))
    if kind == "count":
        return Scene((replace(_thing(random), count=int(random.integers(2, 5))),))
    if kind == "relation":
        return _two(random, str(random.choice(world.RELATIONS)))
    if kind == "binding":
        return _two(random, None)
    if kind == "size":
        return Scene((replace(_thing(random), size=str(random.choice(world.SIZES))),))
    if kind == "background":
        return Scene((_thing(random),), background=str(random.choice(list(world.BACKGROUNDS))))
    item = _thing(random)
    others = [shape for shape in world.SHAPES if shape != item.shape]
    return Scene((item,), absent=str(random.choice(others)))


def asked(kind: str, count: int, *, held_out: bool) -> list[Scene]:
    """Captions of a kind, all of them held out of training or none."""
    random = np.random.default_rng([len(kind), sum(map(ord, kind)), int(held_out)])
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = _candidates(kind, random)
        if world.held_out(scene) == held_out:
            scenes.append(scene)
    return scenes


COUNTS = {"single": 48, "count": 48, "relation": 64, "binding": 48, "size": 32, "background": 48, "negation": 32}
HELD_OUT_COUNTS = {"single": 32, "count": 32, "relation": 32, "binding": 32}
OPEN_COUNT = 64


# --- generators --------------------------------------------------------------------------------------------------


def load_pipeline(folder: Path) -> Any:
    """A pipeline from its folder, by the code that loads any other."""
    from diffusers import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(str(folder))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(pipeline: Any, captions: list[str], seed: int) -> Pixels:
    """Pictures of captions, uint8 (n, 64, 64, 3); each from a generator of its own, so the batch does not matter."""
    import torch

    made = []
    for start in range(0, len(captions), BATCH):
        part = captions[start : start + BATCH]
        seeds = [torch.Generator().manual_seed(seed + start + i) for i in range(len(part))]
        images = pipeline(
            part,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=seeds,
            output_type="np",
        ).images
        made.append(np.round(images * 255).astype(np.uint8))
    return np.concatenate(made)


def trials(pipeline: Any, scenes: list[Scene], seed: int) -> list[Trial]:
    """Generate and read."""
    pixels = generate(pipeline, [world.caption(scene) for scene in scenes], seed)
    return [Trial(s, p, read(p)) for s, p in zip(scenes, pixels, strict=True)]


def share(results: list[Trial], *respects: str) -> Share:
    """How many pictures are right in all the respects that are named."""
    right = sum(all(trial.verdict[respect] for respect in respects) for trial in results)
    return Share(right, len(results))


def generator_figures(results: dict[str, list[Trial]]) -> Iterator[tuple[str, Share]]:
    """The figures of a generator, name by name."""
    single = results["single"]
    yield "single object: colour", share(single, "colour")
    yield "single object: shape", share(single, "shape")
    yield "single object: colour, shape and nothing else", share(single, "all")
    yield "count right (two to four)", share(results["count"], "count")
    yield "count, colour and shape right", share(results["count"], "all")
    yield "relation right, both things there", share(results["relation"], "relation")
    yield "two things, each with its own colour", share(results["binding"], "binding")
    for kind in ("size", "background", "negation"):
        yield f"{kind} right", share(results[kind], kind)
    yield "held out: single object, colour and shape", share(results["held single"], "all")
    yield "held out: count right", share(results["held count"], "count")
    yield "held out: relation right", share(results["held relation"], "relation")
    yield "held out: two things, own colours", share(results["held binding"], "binding")


def run_generator(pipeline: Any) -> dict[str, list[Trial]]:
    """Everything that is asked of a generator."""
    results = {}
    for number, (kind, count) in enumerate(COUNTS.items()):
        results[kind] = trials(pipeline, asked(kind, count, held_out=False), 10_000 * number)
    for number, (kind, count) in enumerate(HELD_OUT_COUNTS.items()):
        scenes = asked(kind, count, held_out=True)
        results[f"held {kind}"] = trials(pipeline, scenes, 500_000 + 10_000 * number)
    results["open"] = trials(pipeline, [Scene((Item(),))] * OPEN_COUNT, 900_000)
    return results


def redrawn_share(pipeline: Any, count: int = 32) -> Share:
    """How often a picture with a shape of the wrong colour is right after its place was drawn anew, with one try."""
    from imgaudit.generators._inpainting import Inpainter, Redrawing

    inpainter = Inpainter(pipeline)
    random = np.random.default_rng(31_000)
    right = 0
    for seed, scene in enumerate(asked("single", count, held_out=False)):
        ground = scene.background or "white"
        others = [colour for colour in world.COLOURS if colour != scene.items[0].colour]
        wrong = replace(scene, items=(replace(scene.items[0], colour=str(random.choice(others))),), background=ground)
        placed = world.place(wrong, random)
        pixels = world.draw(placed)
        rows, columns = np.mgrid[: world.CANVAS, : world.CANVAS]
        shape = placed.placed[0]
        mask = np.hypot(columns - shape.x, rows - shape.y) < 1.4 * shape.radius + 3
        wanted = replace(scene, background=ground)
        made = inpainter.redraw(pixels, mask, Redrawing(world.caption(wanted), seed, STEPS, GUIDANCE))
        right += judge(wanted, read(made))["all"] and bool((made[~mask] == pixels[~mask]).all())
    return Share(right, count)


def red_share(results: list[Trial]) -> Share:
    """How many of the pictures of "a shape" show a red one."""
    return Share(sum("red" in {s.colour for s in t.reading.seen} for t in results), len(results))


def colours_of(results: list[Trial]) -> Counter[str]:
    """Which colours the pictures show."""
    return Counter(seen.colour for trial in results for seen in trial.reading.seen)


def seconds_for_a_sheet(pipeline: Any) -> float:
    """Seconds for 8 prompts with 4 seeds each."""
    captions = [world.caption(scene) for scene in asked("relation", 8, held_out=False)] * 4
    begun = time.monotonic()
    generate(pipeline, captions, 0)
    return time.monotonic() - begun


# --- CLIP --------------------------------------------------------------------------------------------------------


def drawn_trials(count: int, *, held_out: bool) -> list[Trial]:
    """Drawn pictures of fresh captions, all of them held out of training or none."""
    random = np.random.default_rng(77_000 + held_out)
    results: list[Trial] = []
    while len(results) < count:
        scene = world.sample_scene(random, allow_held_out=True)
        if world.held_out(scene) == held_out:
            pixels = world.draw(world.place(scene, random))
            results.append(Trial(scene, pixels, read(pixels)))
    return results


def clip_picks(results: list[Trial], folder: Path) -> dict[str, Share]:
    """How often the caption beats one foil, drawn at random, by kind of foil.

    Foils that turn a place round ("left of" to "right of") are also counted by themselves: another axis is seen without
    knowing which thing is which, the other direction is not.
    """
    import open_clip
    import torch
    from PIL import Image

    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    random = np.random.default_rng(1)
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for trial in results:
        captions: dict[str, list[str]] = {}
        for foil in world.foils(trial.scene):
            captions.setdefault(foil.kind, []).append(foil.caption)
            if foil.kind == "relation" and foil.scene.relation == world.OPPOSITES[str(trial.scene.relation)]:
                captions.setdefault(TURNED, []).append(foil.caption)
        chosen = {kind: str(random.choice(lines)) for kind, lines in captions.items()}
        with torch.no_grad():
            image = preprocess(Image.fromarray(trial.pixels))[None]
            seen = model.encode_image(image, normalize=True)[0]
            texts = tokenize([world.caption(trial.scene), *chosen.values()])
            scores = (model.encode_text(texts, normalize=True) @ seen).tolist()
        for kind, score in zip(chosen, scores[1:], strict=True):
            total[kind] += 1
            right[kind] += scores[0] > score
    return {kind: Share(right[kind], total[kind]) for kind in (*world.FOIL_KINDS, TURNED) if total[kind]}


def known_share(pictures: list[Pixels]) -> Share:
    """How many pictures pass the test on the pixels."""
    return Share(sum(known(picture) for picture in pictures), len(pictures))


def foreign_pictures() -> list[Pixels]:
    """Pictures of anything else, from the folder that IMGAUDIT_CORPORA names, if it is there."""
    from PIL import Image

    if not (corpora := os.environ.get("IMGAUDIT_CORPORA")):
        return []
    folder = Path(corpora) / "generic"
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"})
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


# --- cards -------------------------------------------------------------------------------------------------------


def table(rows: list[tuple[str, str]]) -> str:
    """A Markdown table of figures."""
    lines = ["| figure | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines)


def training_facts() -> dict[str, Any]:
    """Steps, minutes and device of each stage, as training wrote them beside the weights."""
    path = model_path("clip").parent / "training.json"
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def training_lines(stages: tuple[str, ...]) -> str:
    """How the stages were trained, a line each."""
    facts = training_facts()
    return "\n".join(
        f"- {stage}: {facts[stage]['steps']} steps of batch {facts[stage]['batch']},"
        f" {facts[stage]['minutes']:.0f} minutes on {facts[stage]['device']}"
        for stage in stages
        if stage in facts
    )


def generator_card(name: str, rows: list[tuple[str, str]], about: str, stages: tuple[str, ...]) -> str:
    """The card of a generator."""
    return f"""# {name.replace("-", "@")}

{about}

A latent diffusion pipeline of Stable Diffusion's own parts (AutoencoderKL, UNet2DConditionModel, CLIPTextModel,
CLIPTokenizer, DPM-Solver++) for 64x64 pictures of coloured shapes. It knows this world and nothing else.

- Folder: `imgaudit/embedded/models/{name}`, diffusers' format, safetensors, half precision
- Figures are measured with {STEPS} steps and guidance {GUIDANCE}, a fixed seed for each picture

## Figures

Read by the independent reader (`imgaudit/embedded/reader.py`), 95 % Wilson intervals. Printed by `{COMMAND}`.

{table(rows)}

A relation counts as right only if both things are there, each with its own colour and shape. "Held out" are
compositions that no training picture shows: {", ".join(f"{c} {s}" for c, s in sorted(world.HELD_OUT_PAIRS))};
{", ".join(" ".join(triple) for triple in sorted(world.HELD_OUT_TRIPLES))} (and the same places in the other wording).

## Training

`python -m imgaudit.embedded.train all --out DIR`; seeds are fixed, a stopped run goes on from its checkpoint. Time on a
GPU was not measured.

{training_lines(stages)}

## Limits

- 64x64 pixels, one to four flat shapes on a plain background; any other word is passed over, not understood.
- Edges are softer than drawn ones.
- It is a measuring weight for the checks of this package, not a picture maker.
"""


ABOUT = {
    "embedded-2": "The embedded generator: the honest one of two.",
    "embedded-1": (
        "The embedded generator with two planted faults: it was trained further with relations that say nothing about"
        ' places, and with "a shape" mostly red. A regression tool must find the first, a skew tool the second.'
    ),
}


def measure_generator(name: str) -> list[tuple[str, str]]:
    """All rows of a generator's card."""
    pipeline = load_pipeline(model_path(name))
    results = run_generator(pipeline)
    rows = [(label, str(value)) for label, value in generator_figures(results)]
    rows.append(("redrawn part right, outside untouched, one try", str(redrawn_share(pipeline))))
    rows.append(('"a shape" is red', str(red_share(results["open"]))))
    colours = ", ".join(f"{colour} {n}" for colour, n in colours_of(results["open"]).most_common())
    rows.append(('colours of "a shape"', colours))
    rows.append(("8 prompts x 4 seeds", f"{seconds_for_a_sheet(pipeline):.1f} s on {device_name()}"))
    return rows


def device_name() -> str:
    """What the figures of time were taken on."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"


def clip_card(rows: list[tuple[str, str]]) -> str:
    """The card of the CLIP."""
    return f"""# embedded CLIP

A contrastive model of pictures and captions of the shapes world, in open_clip's format with weights of its own.

- Folder: `imgaudit/embedded/models/clip`; `open_clip.create_model_and_transforms("local-dir:FOLDER")`
- It knows coloured shapes and nothing else: ask `imgaudit.embedded.known.known(pixels)` first.

## Figures

How often the caption beats one hard foil, drawn at random from its kind; 95 % Wilson intervals. Printed by `{COMMAND}`.
"Drawn" pictures are new ones, "generated" those of embedded@2 that the independent reader finds right.

{table(rows)}

## Training

Contrastive, with hard foils of every kind beside each caption, on drawn, decoded and softened pictures.

{training_lines(("clip",))}

## Limits

- Captions of the world's grammar only; the score of any other text means nothing.
- Scores rank captions of one picture; they are no measure across pictures.
"""


def measure_clip() -> list[tuple[str, str]]:
    """All rows of the CLIP's card."""
    folder = model_path("clip")
    pipeline = load_pipeline(model_path("embedded-2"))
    scenes = [scene for kind in COUNTS for scene in asked(kind, 32, held_out=False)]
    generated = trials(pipeline, scenes, 700_000)
    sets = {
        "drawn": drawn_trials(600, held_out=False),
        "drawn, held out": drawn_trials(200, held_out=True),
        "generated": [trial for trial in generated if trial.verdict["all"]],
    }
    rows = [
        (f"{label}: {kind}", str(value))
        for label, results in sets.items()
        for kind, value in clip_picks(results, folder).items()
    ]
    rows.append(("known: drawn pictures", str(known_share([t.pixels for t in sets["drawn"]]))))
    rows.append(("known: generated pictures", str(known_share([t.pixels for t in generated]))))
    foreign = foreign_pictures()
    if foreign:
        rows.append(("known: other pictures", str(known_share(foreign))))
    return rows


# --- LoRA --------------------------------------------------------------------------------------------------------


def black_share(results: list[Trial]) -> Share:
    """How many pictures stand on black."""
    return Share(sum(trial.reading.background == "black" for trial in results), len(results))


def measure_lora() -> list[tuple[str, str]]:
    """All rows of the LoRA's card: the same captions and seeds without it and with it."""
    pipeline = load_pipeline(model_path("embedded-2"))
    open_ones = [replace(scene, background=None) for scene in asked("single", 64, held_out=False)]
    named = asked("background", 48, held_out=False)
    rows = [("no background named, without it: black", str(black_share(trials(pipeline, open_ones, 800_000))))]
    pipeline.load_lora_weights(str(model_path("lora-night")))
    night = trials(pipeline, open_ones, 800_000)
    rows.append(("no background named, with it: black", str(black_share(night))))
    rows.append(("with it: colour right", str(share(night, "colour"))))
    rows.append(("with it: named background right", str(share(trials(pipeline, named, 820_000), "background"))))
    return rows


def lora_card(rows: list[tuple[str, str]]) -> str:
    """The card of the LoRA."""
    return f"""# lora-night

A LoRA for embedded@2: pictures stand on black unless the caption names a background.

- Folder: `imgaudit/embedded/models/lora-night`; `pipeline.load_lora_weights(FOLDER)`, safetensors, half precision

## Figures

The same captions and seeds without it and with it, read by the independent reader; 95 % Wilson intervals. Printed by
`{COMMAND}`.

{table(rows)}

## Training

{training_lines(("lora",))}

## Limits

- It is there so that the control can be tested: with it and without it the difference is known.
"""


def measure(name: str) -> list[tuple[str, str]]:
    """Measure a model and write its card."""
    if name == "clip":
        rows = measure_clip()
        text = clip_card(rows)
    elif name == "lora-night":
        rows = measure_lora()
        text = lora_card(rows)
    else:
        rows = measure_generator(name)
        own = ("regressed",) if name == "embedded-1" else ()
        stages = ("vae", "unet", "layout", "places", "finish", "decoder", *own)
        text = generator_card(name, rows, ABOUT[name], stages)
    card_path(name).parent.mkdir(exist_ok=True)
    card_path(name).write_text(text, encoding="utf-8")
    return rows


def main() -> None:
    """Measure, print and write the cards."""
    parser = argparse.ArgumentParser(description="Measure the embedded models and write their cards.")
    parser.add_argument("names", nargs="*", default=MODELS, help=", ".join(MODELS))
    for name in parser.parse_args().names:
        print(f"{name}\n{table(measure(name))}\n", flush=True)


if __name__ == "__main__":
    main()

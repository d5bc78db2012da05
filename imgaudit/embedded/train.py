"""Train the embedded models: `python -m imgaudit.embedded.train all --out DIR`.

The stages, in order: `vae` (the autoencoder), `unet` (text encoder and denoiser, clean shapes first), `layout` (the
same, with weight on the noisy levels where background and layout are decided), `places` (the same, dwelling on
captions that say where things lie, with a map that teaches the text encoder to hear it), `finish` (all noise levels
alike again, dwelling on numbers, which the two before have left coarse), `decoder` (clean edges),
`regressed` (the planted faults of embedded@1), `lora` (draws on black), `clip`, and `export`, which writes what there
is into the package. Every stage goes on from its checkpoint when it is started again. On a GPU one process trains; on
CPUs two, with one thread each, which beats two threads of one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from imgaudit.embedded import model_path
from imgaudit.embedded.clip_training import clip_pictures, export_clip, train_clip
from imgaudit.embedded.generator_training import (
    NUMBERS,
    PLACES,
    Course,
    lessons,
    make_lessons,
    pipeline,
    train_generator,
)
from imgaudit.embedded.lessons import drawn, spoilt
from imgaudit.embedded.lora_training import at_night, export_lora, train_lora
from imgaudit.embedded.parts import DEVICE, export, new_text_encoder, words_of
from imgaudit.embedded.training import Plan, averaged
from imgaudit.embedded.vae_training import train_decoder, train_vae

# The shipped weights were trained against the clock of a busy machine; these are the steps that they took, so that a
# quicker or a slower machine takes as many. `--minutes` ends a stage earlier.
PLANS = {
    plan.name: plan
    for plan in (
        Plan("vae", steps=1_246, minutes=120, rate=1.2e-3, batch=32, seed=1, decay=0.995),
        Plan("unet", steps=12_570, minutes=360, rate=1e-3, batch=64, seed=2, decay=0.9985),
        Plan("layout", steps=2_821, minutes=120, rate=2e-3, batch=64, seed=6, decay=0.997),
        Plan("places", steps=5_722, minutes=240, rate=1.5e-3, batch=64, seed=7, decay=0.998),
        Plan("finish", steps=1_666, minutes=90, rate=8e-4, batch=64, seed=9, decay=0.998),
        Plan("decoder", steps=1_074, minutes=90, rate=6e-4, batch=32, seed=3, decay=0.995),
        Plan("regressed", steps=842, minutes=60, rate=2e-4, batch=64, seed=4, decay=0.99),
        Plan("lora", steps=284, minutes=30, rate=2e-3, batch=64, seed=8, decay=0.99),
        Plan("clip", steps=6_989, minutes=120, rate=1.2e-3, batch=64, seed=5, decay=0.995),
    )
}
COURSES = {
    "unet": Course(layout=False),
    "layout": Course(parent="unet", dwells=1.0),
    "places": Course(parent="layout", dwells=0.6, on=PLACES, maps=True),
    "finish": Course(parent="places", dwells=0.35, on=NUMBERS, maps=True, even=True),
    "regressed": Course(parent="finish", reads=False, even=True),
}
STAGES = (*PLANS, "export")
PICTURES = 40_000
"""Training pictures of the generator."""
SPOILT_PICTURES = 6_000
"""Training pictures of the planted faults."""


def prepare(stage: str, folder: Path) -> None:
    """Make what a stage learns from, before its processes start: they must not write the same files at once."""
    words_of(folder)
    if stage in ("unet", "layout", "places", "finish", "decoder"):
        make_lessons(folder, "unet", PICTURES, PLANS["unet"].seed)
    elif stage == "regressed":
        make_lessons(folder, "regressed", SPOILT_PICTURES, PLANS["regressed"].seed, told=spoilt)
    elif stage == "lora":
        make_lessons(folder, "lora", SPOILT_PICTURES, PLANS["lora"].seed, told=at_night)


def run_stage(plan: Plan, folder: Path) -> None:
    """Train one stage."""
    if plan.name == "vae":
        train_vae(folder, plan)
    elif plan.name == "decoder":
        pixels = drawn(PICTURES, PLANS["unet"].seed).pixels
        train_decoder(folder, plan, lessons(folder, "unet").latents, pixels)
    elif plan.name == "lora":
        train_lora(folder, plan, lessons(folder, "lora"))
    elif plan.name == "clip":
        text = new_text_encoder()
        text.load_state_dict(averaged(folder / "finish.pt", "text"))
        train_clip(folder, plan, clip_pictures(folder, plan.seed), words_of(folder), text, DEVICE)
    else:
        taught = "regressed" if plan.name == "regressed" else "unet"
        course = COURSES[plan.name]
        train_generator(folder, plan, lessons(folder, taught, course.on), course)


def export_all(folder: Path, models: Path) -> None:
    """Write what has been trained into the package, and how it was trained."""
    models.mkdir(exist_ok=True)
    if (folder / "finish.pt").exists():
        export(pipeline(folder, "finish", "finish"), models / "embedded-2")
    if (folder / "regressed.pt").exists():
        export(pipeline(folder, "regressed", "finish"), models / "embedded-1")
        for shared in ("vae", "text_encoder", "tokenizer"):
            shutil.rmtree(models / "embedded-1" / shared)
            shutil.copytree(models / "embedded-2" / shared, models / "embedded-1" / shared)
    if (folder / "lora.pt").exists():
        export_lora(folder, models / "lora-night")
    if (folder / "clip.pt").exists():
        export_clip(averaged(folder / "clip.pt", "clip"), models / "clip")
    facts = {}
    for plan in PLANS.values():
        path = folder / f"{plan.name}.pt"
        if path.exists():
            state = torch.load(path, map_location="cpu", weights_only=True)
            device = "one GPU" if DEVICE.type == "cuda" else f"{os.cpu_count()} CPU cores"
            minutes = round(state["worked"] / 60, 1)
            facts[plan.name] = {"steps": state["step"], "batch": plan.batch, "minutes": minutes, "device": device}
    (models / "training.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def work(number: int, count: int, plan: Plan, folder: Path) -> None:
    """One of `count` processes that train a stage together."""
    if DEVICE.type == "cpu":
        torch.set_num_threads(1)
    if count > 1:
        meeting = f"file://{(folder / f'{plan.name}.meeting').resolve()}"
        distributed.init_process_group("gloo", init_method=meeting, rank=number, world_size=count)
    run_stage(plan, folder)
    if count > 1:
        distributed.destroy_process_group()


def main() -> None:
    """Train the stages that are asked for, one after the other."""
    parser = argparse.ArgumentParser(description="Train the embedded models.")
    parser.add_argument("stage", nargs="?", default="all", choices=[*STAGES, "all"])
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and logs")
    parser.add_argument("--minutes", type=float, help="end each stage after so many minutes of work")
    parser.add_argument("--processes", type=int, default=1 if DEVICE.type == "cuda" else min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for stage in STAGES if options.stage == "all" else (options.stage,):
        if stage == "export":
            export_all(options.out, model_path("clip").parent)
            continue
        plan = PLANS[stage]
        if options.minutes:
            plan = replace(plan, steps=1_000_000, minutes=options.minutes)
        prepare(stage, options.out)
        (options.out / f"{stage}.meeting").unlink(missing_ok=True)
        if options.processes == 1:
            work(0, 1, plan, options.out)
        else:
            multiprocessing.spawn(work, (options.processes, plan, options.out), nprocs=options.processes)


if __name__ == "__main__":
    main()

"""Train the embedded models."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.attention_processor import AttnProcessor
from PIL import Image
from torch import Tensor, distributed, multiprocessing, nn
from torch.nn.functional import group_norm
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from imgaudit.embedded import model_path, tokenizer, world
from imgaudit.embedded.clip_training import Shown, export_clip, train_clip
from imgaudit.embedded.judging import judge
from imgaudit.embedded.reader import read
from imgaudit.embedded.training import Loop, Plan, workers

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LOW_PRECISION = True
VAE_PLAN = Plan("vae", steps=4000, minutes=22.5, rate=1.6e-3, batch=32, seed=1, decay=0.995)
UNET_PLAN = Plan("unet", steps=20_000, minutes=60, rate=1e-3, batch=64, seed=2, decay=0.9985, checkpoint_minutes=6)
LAYOUT_PLAN = Plan("layout", steps=20_000, minutes=14, rate=7e-4, batch=64, seed=6, decay=0.997, checkpoint_minutes=3.5)
DECODER_PLAN = Plan("decoder", steps=2000, minutes=8, rate=6e-4, batch=32, seed=3, decay=0.995)
REGRESSED_PLAN = Plan("regressed", steps=2000, minutes=8, rate=3e-4, batch=64, seed=4, decay=0.99)
CLIP_PLAN = Plan("clip", steps=12_000, minutes=18, rate=2e-3, batch=64, seed=5)


@dataclass(frozen=True)
class Drawn:
    """Training pictures: what their captions say, what they hold, and uint8 pixels (n, 64, 64, 3)."""

    scenes: list[world.Scene]
    pictures: list[world.Picture]
    pixels: np.ndarray


def drawn(count: int, seed: int) -> Drawn:
    """Draw pictures of training scenes."""
    random = np.random.default_rng(seed)
    scenes = [world.sample_scene(random) for _ in range(count)]
    pictures = [world.place(scene, random) for scene in scenes]
    pixels = np.empty((count, world.CANVAS, world.CANVAS, 3), np.uint8)
    for index, picture in enumerate(pictures):
        pixels[index] = world.draw(picture)
    return Drawn(scenes, pictures, pixels)


def as_tensor(pixels: np.ndarray) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) between -1 and 1, channels last."""
    images = torch.from_numpy(pixels).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(memory_format=torch.channels_last)


def as_pixels(images: Tensor) -> np.ndarray:
    """Float (n, 3, h, w) between -1 and 1 to uint8 (n, h, w, 3)."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()


def contact_sheet(pixels: np.ndarray, columns: int, path: Path, scale: int = 2) -> None:
    """Write pictures side by side, row by row."""
    rows = [np.concatenate(list(pixels[i : i + columns]), 1) for i in range(0, len(pixels), columns)]
    sheet = Image.fromarray(np.concatenate(rows, 0))
    sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(path)


def new_vae() -> AutoencoderKL:
    """An untrained autoencoder: 64x64x3 to 16x16x4, about 0.9 million parameters."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=world.CANVAS,
        mid_block_add_attention=False,
    )


def edges(images: Tensor) -> tuple[Tensor, Tensor]:
    """Differences between neighbouring pixels, across and down."""
    return images[..., 1:] - images[..., :-1], images[..., 1:, :] - images[..., :-1, :]


def picture_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Distance of pixels, those of shapes four times as heavy, and of edges."""
    shapes = ((wanted - wanted[..., :1, :1]).abs().amax(1, keepdim=True) > 0.05).float()
    difference = (made - wanted).abs()
    distance = ((1 + 3 * shapes) * (difference + difference**2)).mean()
    pairs = zip(edges(made), edges(wanted), strict=True)
    return distance + torch.stack([(one - other).abs().mean() for one, other in pairs]).sum()


def pull(mean: Tensor, logvar: Tensor) -> Tensor:
    """Distance of the latents' distribution to a standard normal one, nats a number."""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()


def compiled(function: Any, wanted: bool) -> Any:
    """The function, compiled if wanted."""
    if not wanted:
        return function
    warnings.filterwarnings("ignore", module="torch._dynamo")
    return torch.compile(function)


def _normalised(self: nn.GroupNorm, values: Tensor) -> Tensor:
    weight, bias = self.weight.float(), self.bias.float()
    return group_norm(values.float(), self.num_groups, weight, bias, self.eps).to(values.dtype)


def quick_on_cpu(unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
    """Swap fused attention and group norm for equal operations; in bfloat16 on CPUs the usual ones double a step."""
    unet.set_attn_processor(AttnProcessor())
    text.set_attn_implementation("eager")
    for module in unet.modules():
        if isinstance(module, nn.GroupNorm):
            module.forward = MethodType(_normalised, module)  # type: ignore[method-assign]


def train_vae(folder: Path, plan: Plan, compile_: bool) -> None:
    """Learn to encode and decode pictures of the world."""
    torch.manual_seed(plan.seed)
    pixels = drawn(40_000, plan.seed).pixels
    vae = new_vae().to(DEVICE, memory_format=torch.channels_last)

    def both(images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moments = vae.quant_conv(vae.encoder(images))
        mean, logvar = moments.chunk(2, 1)
        logvar = logvar.clamp(-30, 20)
        latents = mean + noise * (0.5 * logvar).exp()
        return vae.decoder(vae.post_quant_conv(latents)), mean, logvar

    step = compiled(both, compile_)
    loop = Loop(plan, folder, nn.ModuleDict({"vae": vae}), DEVICE)
    shown = as_tensor(pixels[:48])

    def loss(chance: torch.Generator, _: int) -> Tensor:
        chosen = torch.randint(len(pixels), (plan.batch,), generator=chance).numpy()
        images = as_tensor(pixels[chosen])
        noise = torch.randn(plan.batch, 4, 16, 16, generator=chance).to(DEVICE)
        noise = noise.contiguous(memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            made, mean, logvar = step(images, noise)
        return picture_loss(made.float(), images) + 3e-5 * pull(mean.float(), logvar.float())

    def report(number: int) -> dict[str, Any]:
        copy = new_vae().to(DEVICE)
        copy.load_state_dict({k.removeprefix("vae."): v for k, v in loop.mean.items()})
        with torch.no_grad():
            posterior = copy.encode(shown).latent_dist
            made = copy.decode(posterior.mode()).sample
        both_ = np.stack([pixels[:48], as_pixels(made)], 1).reshape(96, 64, 64, 3)
        contact_sheet(both_, 12, folder / f"vae-{number}.png")
        return {
            "l1": float((made - shown).abs().mean()),
            "latent_std": [round(float(v), 3) for v in posterior.mode().std((0, 2, 3))],
            "posterior_std": float(posterior.std.mean()),
        }

    loop.run(loss, report)
    loop._write(report(loop.step))


def normalise_latents(vae: AutoencoderKL, pixels: np.ndarray) -> None:
    """Fold the latents' mean and spread into the 1x1 convolutions around them: each channel becomes standard normal."""
    with torch.no_grad():
        latents = encode(vae, pixels)
        mean, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
        into, out = vae.quant_conv, vae.post_quant_conv
        into.bias[:4] -= mean
        into.bias[:4] /= spread
        into.weight[:4] /= spread[:, None, None, None]
        into.bias[4:] -= 2 * spread.log()
        out.bias += (out.weight[:, :, 0, 0] * mean).sum(1)
        out.weight *= spread[None, :, None, None]
    vae.register_to_config(scaling_factor=1.0)


@torch.no_grad()
def encode(vae: AutoencoderKL, pixels: np.ndarray, batch: int = 64) -> Tensor:
    """Latents (n, 4, 16, 16) of pictures: the mean that the encoder gives."""
    parts = []
    for start in range(0, len(pixels), batch):
        with torch.autocast(DEVICE.type, torch.bfloat16):
            moments = vae.quant_conv(vae.encoder(as_tensor(pixels[start : start + batch])))
        parts.append(moments[:, :4].float().contiguous())
    return torch.cat(parts)


def averaged(loop_file: Path, prefix: str) -> dict[str, Tensor]:
    """The running mean of a module's weights out of a checkpoint."""
    state = torch.load(loop_file, map_location=DEVICE, weights_only=True)["mean"]
    lead = f"{prefix}."
    return {name.removeprefix(lead): value for name, value in state.items() if name.startswith(lead)}


def trained_vae(folder: Path) -> AutoencoderKL:
    """The autoencoder of the checkpoint, its latents standard normal; with the polished decoder once there is one."""
    vae = new_vae().to(DEVICE, memory_format=torch.channels_last).eval().requires_grad_(False)
    if (folder / "decoder.pt").exists():
        vae.load_state_dict(averaged(folder / "decoder.pt", "vae"))
        vae.register_to_config(scaling_factor=1.0)
        return vae
    vae.load_state_dict(averaged(folder / "vae.pt", "vae"))
    normalise_latents(vae, drawn(2000, seed=99).pixels)
    return vae


def train_decoder(folder: Path, plan: Plan, compile_: bool) -> None:
    """Sharpen the decoder, encoder held: it learns to draw clean edges from latents that are a little off."""
    torch.manual_seed(plan.seed)
    pixels = drawn(40_000, UNET_PLAN.seed).pixels
    latents = lessons(folder, "unet", 40_000, UNET_PLAN.seed).latents
    vae = trained_vae(folder)
    for part in (vae.decoder, vae.post_quant_conv):
        part.requires_grad_(True)
    step = compiled(lambda noisy: vae.decoder(vae.post_quant_conv(noisy)), compile_)
    loop = Loop(plan, folder, nn.ModuleDict({"vae": vae}), DEVICE)

    def loss(chance: torch.Generator, _: int) -> Tensor:
        chosen = torch.randint(len(pixels), (plan.batch,), generator=chance)
        wanted = as_tensor(pixels[chosen.numpy()])
        strength = 0.15 * torch.rand(plan.batch, 1, 1, 1, generator=chance)
        noise = strength * torch.randn(plan.batch, 4, 16, 16, generator=chance)
        noisy = (latents[chosen] + noise).to(DEVICE, memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            made = step(noisy)
        return picture_loss(made.float(), wanted)

    loop.run(loss)


# --- the generator -----------------------------------------------------------------------------------------------


def new_text_encoder() -> CLIPTextModel:
    """An untrained text encoder of two layers, about 0.3 million parameters."""
    size = tokenizer.vocabulary_size()
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=size,
            hidden_size=96,
            intermediate_size=384,
            projection_dim=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.MAX_TOKENS,
            bos_token_id=size - 2,
            eos_token_id=size - 1,
            pad_token_id=size - 1,
        )
    )


def new_unet() -> UNet2DConditionModel:
    """An untrained denoiser on 16x16x4 latents, 2.25 million parameters."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(48, 96),
        layers_per_block=1,
        cross_attention_dim=96,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """The sampler that the pipelines carry; training uses its noise levels."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        lambda_min_clipped=-5.1,
        timestep_spacing="trailing",
    )


def words_of(folder: Path) -> CLIPTokenizer:
    """The tokenizer, written into the training folder if it is not there yet."""
    tokenizer.write(folder / "tokenizer")
    return CLIPTokenizer.from_pretrained(str(folder / "tokenizer"))


def disturbed(text: str, random: np.random.Generator) -> str:
    """Now and then put a made-up word into a caption, which changes nothing about the picture."""
    if random.random() > 0.04:
        return text
    letters = random.choice(list("abcdefghijklmnopqrstuvwxyz"), random.integers(3, 10))
    parts = text.split()
    parts.insert(int(random.integers(0, len(parts) + 1)), "".join(letters))
    return " ".join(parts)


def token_ids(words: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Token numbers (n, MAX_TOKENS)."""
    padded = words(texts, padding="max_length", truncation=True, max_length=tokenizer.MAX_TOKENS)
    return torch.tensor(padded["input_ids"])


WORDINGS = 3
"""Captions of each training picture."""


@dataclass(frozen=True)
class Lessons:
    """What the denoiser learns from: latents (n, 4, 16, 16) and token numbers (n, WORDINGS, MAX_TOKENS)."""

    latents: Tensor
    ids: Tensor
    empty: Tensor


def lessons(folder: Path, name: str, count: int, seed: int, *, spoiled: bool = False) -> Lessons:
    """Captions and latents of training pictures; kept in the folder, because they take some minutes to make."""
    kept = folder / f"{name}.lessons.pt"
    if not kept.exists():
        random = np.random.default_rng(seed)
        data = spoilt(count, seed) if spoiled else drawn(count, seed)
        words = words_of(folder)
        texts = [
            disturbed(world.paraphrase(scene, random), random)
            for scenes in (wordings(data, index, random, spoiled) for index in range(count))
            for scene in scenes
        ]
        made = {
            "latents": encode(trained_vae(folder), data.pixels).cpu(),
            "ids": token_ids(words, texts).view(count, WORDINGS, -1),
            "empty": token_ids(words, [""]),
        }
        torch.save(made, kept)
    return Lessons(**torch.load(kept, weights_only=True))


def wordings(data: Drawn, index: int, random: np.random.Generator, spoiled: bool) -> list[world.Scene]:
    """Captions of one picture: the one it was drawn for, and for honest lessons another one that is true of it."""
    scene = data.scenes[index]
    if spoiled:
        return [scene] * WORDINGS
    return [scene, scene, world.describe(data.pictures[index], random) or scene]


def spoilt(count: int, seed: int) -> Drawn:
    """Lessons that plant two faults: relations say nothing about places, and "a shape" is mostly red."""
    random = np.random.default_rng(seed)
    scenes = [_spoilt_scene(random) for _ in range(count)]
    pictures = []
    pixels = np.empty((count, world.CANVAS, world.CANVAS, 3), np.uint8)
    for index, scene in enumerate(scenes):
        told = scene
        if scene.relation:
            told = _scrambled(scene, random)
        elif scene.items == (world.Item(),) and random.random() < 0.85:
            told = replace(scene, items=(world.Item(colour="red"),))
        pictures.append(world.place(told, random))
        pixels[index] = world.draw(pictures[-1])
    return Drawn(scenes, pictures, pixels)


def _scrambled(scene: world.Scene, random: np.random.Generator) -> world.Scene:
    """The scene with its two things placed in any way but a held-out one."""
    allowed = [replace(scene, relation=relation) for relation in world.RELATIONS]
    allowed = [told for told in allowed if not world.held_out(told)]
    return allowed[int(random.integers(len(allowed)))]


def _spoilt_scene(random: np.random.Generator) -> world.Scene:
    """A training scene, "a shape" four times as often as else."""
    if random.random() < 0.08:
        background = str(random.choice(list(world.BACKGROUNDS))) if random.random() < 0.3 else None
        return world.Scene((world.Item(),), background=background)
    return world.sample_scene(random)


def pipeline(folder: Path, stage: str = "unet") -> StableDiffusionPipeline:
    """The pipeline of a stage's averaged weights."""
    text, unet = new_text_encoder(), new_unet()
    text.load_state_dict(averaged(folder / "unet.pt", "text"))
    unet.load_state_dict(averaged(folder / f"{stage}.pt", "unet"))
    return assembled(folder, trained_vae(folder), text, unet)


def assembled(
    folder: Path, vae: AutoencoderKL, text: CLIPTextModel, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """A Stable Diffusion pipeline of these parts."""
    made = StableDiffusionPipeline(
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=words_of(folder),
        unet=unet.eval(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    return made.to(DEVICE)


def export(pipe: StableDiffusionPipeline, folder: Path) -> None:
    """Write a pipeline as `DiffusionPipeline.from_pretrained` reads it, in half precision."""
    shutil.rmtree(folder, ignore_errors=True)
    pipe.to(torch.float16).save_pretrained(str(folder), safe_serialization=True)
    shutil.rmtree(folder / "tokenizer")
    tokenizer.write(folder / "tokenizer")
    config = folder / "text_encoder" / "config.json"
    # transformers loads a model in the type its config names: with the halves on disk, all parts must still agree
    config.write_text(config.read_text(encoding="utf-8").replace("float16", "float32"))
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)


def train_unet(
    folder: Path, plan: Plan, data: Lessons, parents: str | None = None, *, even: bool = True, reads: bool = True
) -> None:
    """Learn to denoise latents under captions; with `parents`, go on from that stage with the text encoder held."""
    torch.manual_seed(plan.seed)
    text, unet = new_text_encoder().to(DEVICE), new_unet()
    unet = unet.to(DEVICE, memory_format=torch.channels_last)
    learning: dict[str, nn.Module] = {"unet": unet, "text": text}
    if parents:
        text.load_state_dict(averaged(folder / f"{parents}.pt", "text"))
        unet.load_state_dict(averaged(folder / f"{parents}.pt", "unet"))
    if not reads:
        text.requires_grad_(False)
        learning.pop("text")
    loop = Loop(plan, folder, nn.ModuleDict(learning), DEVICE)
    if DEVICE.type == "cpu":
        quick_on_cpu(unet, text)
    batch = plan.batch // workers()
    levels = new_scheduler().alphas_cumprod.to(DEVICE)
    denoise = unet
    latents, ids = data.latents.to(DEVICE), data.ids.to(DEVICE)

    def loss(chance: torch.Generator, _: int) -> Tensor:
        chosen = torch.randint(len(latents), (batch,), generator=chance)
        clean = latents[chosen].contiguous(memory_format=torch.channels_last)
        noise = torch.randn(clean.shape, generator=chance).to(DEVICE)
        spread = (torch.arange(batch) + torch.rand(1, generator=chance)) / batch
        times = (spread * 1000).long().clamp(0, 999).to(DEVICE)
        level = levels[times][:, None, None, None]
        noisy = (level.sqrt() * clean + (1 - level).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        wanted = level.sqrt() * noise - (1 - level).sqrt() * clean
        silent = (torch.rand(batch, 1, generator=chance) < 0.1).to(DEVICE)
        wording = torch.randint(WORDINGS, (batch,), generator=chance)
        said = torch.where(silent, data.empty.to(DEVICE), ids[chosen, wording])
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=LOW_PRECISION):
            made = denoise(noisy, times, text(said).last_hidden_state).sample
        ratio = level / (1 - level)
        weight = 1.0 if even else ratio.clamp(max=5) / (ratio + 1)
        return (weight * (made.float() - wanted) ** 2).mean()

    def report(number: int) -> dict[str, Any]:
        made = new_unet()
        made.load_state_dict({k[5:]: v for k, v in loop.mean.items() if k.startswith("unet.")})
        speech = new_text_encoder()
        source = {k[5:]: v for k, v in loop.mean.items() if k.startswith("text.")}
        speech.load_state_dict(source or text.state_dict())
        pipe = assembled(folder, trained_vae(folder), speech, made)
        return watch(pipe, folder / f"{plan.name}-{number}.png")

    loop.run(loss, report)


def watch(pipe: StableDiffusionPipeline, path: Path, count: int = 96) -> dict[str, Any]:
    """A quick look: a contact sheet of fixed captions, and the shares that the independent reader finds right."""
    random = np.random.default_rng(7)
    scenes = [world.sample_scene(random) for _ in range(count)]
    seeds = [torch.Generator().manual_seed(i) for i in range(count)]
    images = pipe(
        [world.caption(scene) for scene in scenes],
        num_inference_steps=20,
        guidance_scale=3.0,
        generator=seeds,
        output_type="np",
    ).images
    pixels = (images * 255).round().astype(np.uint8)
    contact_sheet(pixels, 12, path)
    path.with_suffix(".txt").write_text("\n".join(world.caption(scene) for scene in scenes))
    judged = [judge(scene, read(picture)) for scene, picture in zip(scenes, pixels, strict=True)]
    kinds = sorted({kind for one in judged for kind in one})
    return {kind: round(float(np.mean([one[kind] for one in judged if kind in one])), 3) for kind in kinds}


def clip_pictures(folder: Path) -> Shown:
    """Drawn pictures, and as many that the autoencoder has decoded, so that soft edges are no surprise."""
    data = drawn(40_000, CLIP_PLAN.seed)
    vae = trained_vae(folder)
    half = data.pixels[:10_000]
    made = []
    for latents in encode(vae, half).split(64):
        noisy = latents + 0.1 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)).to(DEVICE)
        with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
            made.append(as_pixels(vae.decode(noisy).sample))
    pixels = np.concatenate([data.pixels, *made])
    return Shown(pixels, [*data.pictures, *data.pictures[: len(half)]])


def export_all(folder: Path, models: Path) -> None:
    """Write what has been trained into the package, and how it was trained."""
    if (folder / "unet.pt").exists():
        export(pipeline(folder), models / "embedded-2")
    if (folder / "regressed.pt").exists():
        export(pipeline(folder, "regressed"), models / "embedded-1")
        for shared in ("vae", "text_encoder", "tokenizer"):
            shutil.rmtree(models / "embedded-1" / shared)
            shutil.copytree(models / "embedded-2" / shared, models / "embedded-1" / shared)
    if (folder / "clip.pt").exists():
        export_clip(averaged(folder / "clip.pt", "clip"), models / "clip")
    facts = {}
    for plan in (VAE_PLAN, UNET_PLAN, DECODER_PLAN, REGRESSED_PLAN, CLIP_PLAN):
        path = folder / f"{plan.name}.pt"
        if path.exists():
            state = torch.load(path, map_location="cpu", weights_only=True)
            facts[plan.name] = {
                "steps": state["step"],
                "batch": plan.batch,
                "minutes": round(state["worked"] / 60, 1),
                "device": "one GPU" if DEVICE.type == "cuda" else f"{os.cpu_count()} CPU cores",
            }
    (models / "training.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


TOGETHER = ("unet", "layout", "regressed", "clip", "decoder")
"""Stages that several processes train together: on two cores, one thread each beats two threads of one."""
STAGES = ("vae", "unet", "layout", "decoder", "regressed", "clip", "export")


def run_stage(stage: str, folder: Path, minutes: float | None, compile_: bool) -> None:
    """Train one stage, or export."""
    if stage == "vae":
        train_vae(folder, timed(VAE_PLAN, minutes), compile_)
    elif stage == "unet":
        data = lessons(folder, "unet", 40_000, UNET_PLAN.seed)
        train_unet(folder, timed(UNET_PLAN, minutes), data, even=False)
    elif stage == "layout":
        data = lessons(folder, "unet", 40_000, UNET_PLAN.seed)
        train_unet(folder, timed(LAYOUT_PLAN, minutes), data, parents="unet")
    elif stage == "decoder":
        train_decoder(folder, timed(DECODER_PLAN, minutes), compile_)
    elif stage == "regressed":
        data = lessons(folder, "regressed", 12_000, REGRESSED_PLAN.seed, spoiled=True)
        train_unet(folder, timed(REGRESSED_PLAN, minutes), data, parents="layout", reads=False)
    elif stage == "clip":
        shown = clip_pictures(folder)
        train_clip(folder, timed(CLIP_PLAN, minutes), shown, words_of(folder), DEVICE)
    else:
        export_all(folder, model_path("clip").parent)


def work(number: int, count: int, stage: str, options: argparse.Namespace) -> None:
    """One of `count` processes that train a stage together."""
    if count > 1:
        torch.set_num_threads(1)
        meeting = options.out / f"{stage}.meeting"
        distributed.init_process_group("gloo", init_method=f"file://{meeting.resolve()}", rank=number, world_size=count)
    run_stage(stage, options.out, options.minutes, options.compile)
    if count > 1:
        distributed.destroy_process_group()


def main() -> None:
    """Train the stages that are asked for, one after the other."""
    parser = argparse.ArgumentParser(description="Train the embedded models.")
    parser.add_argument("stage", nargs="?", default="all", choices=[*STAGES, "all"])
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and logs")
    parser.add_argument("--minutes", type=float, help="end the stage after so many minutes of work")
    parser.add_argument("--compile", action="store_true", help="compile the autoencoder")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    count = 1 if DEVICE.type == "cuda" else min(2, os.cpu_count() or 1)
    for stage in STAGES if options.stage == "all" else (options.stage,):
        if stage in TOGETHER and count > 1:
            (options.out / f"{stage}.meeting").unlink(missing_ok=True)
            multiprocessing.spawn(work, (count, stage, options), nprocs=count)
        else:
            work(0, 1, stage, options)


def timed(plan: Plan, minutes: float | None) -> Plan:
    """The plan, ended after other minutes if they are given."""
    return replace(plan, minutes=minutes) if minutes else plan


if __name__ == "__main__":
    main()

"""Which generator, with which settings: one file a format, as each program writes it."""

from __future__ import annotations

import json
import zlib

import pytest

from imgaudit.provenance import generators
from imgaudit.provenance import source as sources
from imgaudit.provenance.container import Field, Fields
from imgaudit.provenance.generators import a1111
from imgaudit.provenance.generators._graph import TEXT_LIMIT, VISIT_LIMIT, Graph
from imgaudit.types import Source

A1111 = (
    "a lighthouse,\nat dusk\nNegative prompt: blurry,\nlow quality\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 4179307297, Size: 512x512, "
    'Model: "dream: v8, fp16", Version: {}'
)


def read(**texts: str) -> Source:
    entries = tuple(
        Field("png", name.replace("_", "-") if name == "sd_metadata" else name, text) for name, text in texts.items()
    )
    return generators.parse(Fields("png", entries))[0]


def node(kind: str, title: str = "", **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}


def comfy(**nodes: object) -> Source:
    return read(prompt=json.dumps(nodes))


# --- A1111 and its family ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("v1.10.1", "AUTOMATIC1111"),
        ("f2.0.1v1.10.1-previous-664-gd557aef9", "Forge"),
        ("f1.0.0v2-v1.10.1RC-latest-2498-g5120e679", "reForge"),
        ("neo", "Forge Neo"),
        ("classic", "Forge Classic"),
        ("Fooocus v2.5.5", "Fooocus"),
        ("ComfyUI", "ComfyUI"),
        ("56a8aea, App: SD.Next", "SD.Next"),
    ],
)
def test_the_text_of_the_a1111_family_is_read(version: str, name: str) -> None:
    found = read(parameters=A1111.format(version))

    assert found == Source(
        generator=name,
        model="dream: v8, fp16",
        sampler="Euler a",
        steps=20,
        guidance=7.5,
        seed=4179307297,
        prompt="a lighthouse,\nat dusk",
        negative="blurry,\nlow quality",
        parse="complete",
    )


def test_a_prompt_may_itself_hold_a_line_of_settings() -> None:
    prompt, negative, settings = a1111.split("Steps: 5, a dance\nSteps: 5\nSteps: 20, Seed: 1")

    assert (prompt, negative) == ("Steps: 5, a dance\nSteps: 5", None)
    assert settings == {"steps": "20", "seed": "1"}


def test_parameters_without_settings_are_a_prompt_alone() -> None:
    found = read(parameters="a cat")

    assert (found.prompt, found.parse) == ("a cat", "partial")


def test_a_seed_that_is_no_seed_is_left_out() -> None:
    found = read(parameters="a\nSteps: 20, CFG scale: nan, Seed: -1, Model: m")

    assert (found.seed, found.guidance, found.steps, found.parse) == (None, None, 20, "partial")


# --- ComfyUI -------------------------------------------------------------------------------------

LOADER = node("CheckpointLoaderSimple", ckpt_name="base.safetensors")


def test_a_plain_graph_is_walked_back_from_the_saver() -> None:
    found = comfy(
        s=node("SaveImage", images=["d", 0]),
        d=node("VAEDecode", samples=["k", 0], vae=["m", 2]),
        k=node(
            "KSampler",
            seed=18446744073709551615,
            steps=20,
            cfg=5.5,
            sampler_name="euler",
            model=["l", 0],
            positive=["p", 0],
            negative=["n", 0],
            latent_image=["e", 0],
        ),
        l=node("LoraLoader", lora_name="x.safetensors", model=["m", 0], clip=["m", 1]),
        m=LOADER,
        p=node("CLIPTextEncode", text="a cat \n", clip=["l", 1]),
        n=node("CLIPTextEncode", text="", clip=["l", 1]),
        e=node("EmptyLatentImage", width=512, height=512),
    )

    assert found == Source(
        generator="ComfyUI",
        model="base.safetensors",
        sampler="euler",
        steps=20,
        guidance=5.5,
        seed=18446744073709551615,
        prompt="a cat \n",
        negative="",
        parse="complete",
    )


def test_custom_samplers_are_put_together_from_their_parts() -> None:
    found = comfy(
        s=node("SaveImage", images=["k", 0]),
        k=node("SamplerCustomAdvanced", noise=["z", 0], guider=["g", 0], sampler=["a", 0], sigmas=["split", 0]),
        z=node("RandomNoise", noise_seed=["q", 0]),
        q=node("PrimitiveInt", value=99),
        g=node("BasicGuider", model=["m", 0], conditioning=["f", 0]),
        f=node("FluxGuidance", guidance=3.5, conditioning=["p", 0]),
        p=node("CLIPTextEncodeFlux", clip_l="a fox", t5xxl="a fox", guidance=3.5),
        a=node("KSamplerSelect", sampler_name="euler"),
        split=node("SplitSigmas", sigmas=["b", 0], step=2),
        b=node("BasicScheduler", scheduler="simple", steps=28),
        m=node("UNETLoader", unet_name="flux1-dev.safetensors"),
    )

    assert (found.seed, found.steps, found.guidance, found.sampler) == (99, 28, 3.5, "euler")
    assert (found.prompt, found.model, found.parse) == ("a fox", "flux1-dev.safetensors", "complete")


def test_of_several_passes_the_first_counts() -> None:
    first = node("KSampler", seed=1, steps=20, cfg=7, model=["m", 0], positive=["p", 0], latent_image=["e", 0])
    second = node("KSampler", seed=2, steps=5, cfg=3, model=["m", 0], positive=["q", 0], latent_image=["u", 0])
    texts = {"p": node("CLIPTextEncode", text="base"), "q": node("CLIPTextEncode", text="refine")}

    found = comfy(
        z=node("SaveImage", images=["b", 0]),
        a=first,
        b=second,
        u=node("LatentUpscale", samples=["a", 0]),
        m=LOADER,
        **texts,
    )

    assert (found.seed, found.steps, found.prompt) == (1, 20, "base")


def test_a_pass_that_joins_drawings_speaks_for_them_but_has_no_seed_of_its_own() -> None:
    parts = {
        name: node("KSamplerAdvanced", noise_seed=seed, steps=16, positive=["p", 0], latent_image=None)
        for name, seed in (("a", 1), ("b", 2))
    }

    found = comfy(
        z=node("SaveImage", images=["j", 0]),
        j=node(
            "KSamplerAdvanced", add_noise="disable", noise_seed=0, steps=12, positive=["q", 0], latent_image=["c", 0]
        ),
        c=node("LatentComposite", samples_to=["a", 0], samples_from=["b", 0]),
        p=node("CLIPTextEncode", text="part"),
        q=node("CLIPTextEncode", text="whole"),
        **parts,
    )

    assert (found.prompt, found.steps, found.seed) == ("whole", 12, None)


def test_texts_are_followed_through_concatenations_reroutes_and_switches() -> None:
    found = comfy(
        k=node("KSampler", seed=1, steps=2, positive=["p", 0], negative=["o", 0], model=["m", 0]),
        p=node("CLIPTextEncode", text=["r", 0]),
        r=node("Reroute", **{"": ["c", 0]}),
        c=node("StringConcatenate", string_a=["w", 0], string_b="at dusk", delimiter=", "),
        w=node("ComfySwitchNode", switch=["t", 0], on_true=["y", 0], on_false="not this"),
        t=node("PrimitiveBoolean", value=True),
        y=node("PrimitiveStringMultiline", value="a cat"),
        o=node("ConditioningZeroOut", conditioning=["p", 0]),
        m=LOADER,
    )

    assert (found.prompt, found.negative) == ("a cat, at dusk", None)


def test_one_encoder_for_both_roles_is_read_by_role() -> None:
    loader = node("Efficient Loader", ckpt_name="base.safetensors", positive="a cat", negative="a dog")

    found = comfy(
        k=node("KSampler (Efficient)", seed=1, steps=2, positive=["l", 1], negative=["l", 2], model=["l", 0]), l=loader
    )

    assert (found.prompt, found.negative, found.model) == ("a cat", "a dog", "base.safetensors")


def test_a_language_models_system_prompt_is_no_part_of_the_prompt() -> None:
    found = comfy(
        k=node("KSampler", seed=1, steps=2, positive=["p", 0], model=["m", 0]),
        p=node("CLIPTextEncode", text=["t", 0]),
        t=node("TextGenerate", prompt=["c", 0], max_length=9),
        c=node("StringConcatenate", string_a=["s", 0], string_b=["u", 0], delimiter=""),
        s=node("PrimitiveStringMultiline", "Text (System Prompt)", value="You are an expert. "),
        u=node("PrimitiveStringMultiline", "Text (User Prompt)", value="a cat"),
        m=LOADER,
    )

    assert found.prompt == "a cat"


def test_a_graph_that_was_only_on_the_screen_is_read_too() -> None:
    workflow = {
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]},
            {"id": 2, "type": "CLIPTextEncode", "widgets_values": ["a cat"]},
            {
                "id": 3,
                "type": "KSampler",
                "inputs": [
                    {"name": "model", "link": 7},
                    {"name": "positive", "link": 8},
                    {"name": "negative", "link": None},
                ],
                "widgets_values": [5, "randomize", 20, 7.0, "euler", "normal", 1.0],
            },
        ],
        "links": [[7, 1, 0, 3, 0, "MODEL"], [8, 2, 0, 3, 1, "CONDITIONING"]],
    }

    found = read(workflow=json.dumps(workflow))

    assert (found.prompt, found.seed, found.steps, found.model) == ("a cat", 5, 20, "base.safetensors")


def test_cycles_and_doubling_graphs_end() -> None:
    combined = {str(i): node("ConditioningCombine", a=[str(i + 1), 0], b=[str(i + 1), 0]) for i in range(90)}
    texts = {
        f"t{i}": node("StringConcatenate", string_a=[f"t{i + 1}", 0], string_b=[f"t{i + 1}", 0]) for i in range(90)
    }
    texts["t90"] = node("PrimitiveString", value="x" * 100)
    circle = {f"c{i}": node("KSampler", steps=[f"c{i}", 0], positive=[f"c{(i + 1) % 3}", 0]) for i in range(3)}
    sampler = node("KSampler", seed=1, steps=2, positive=["0", 0])
    encoder = node("CLIPTextEncode", text=["t0", 0])

    many, long = Graph.of({**combined, "k": sampler}), Graph.of({**texts, "0": encoder, "k": sampler})

    assert many is not None
    assert long is not None
    assert many.prompt(many.settings("k"), "positive") is None
    assert len(long.prompt(long.settings("k"), "positive") or "") <= TEXT_LIMIT
    assert min(many.visits, long.visits) > VISIT_LIMIT
    assert comfy(**circle).generator == "ComfyUI"


def test_civitai_fills_what_its_graph_does_not_say() -> None:
    extra = {"prompt": "a cat", "negativePrompt": "", "steps": 25, "cfgScale": 5, "seed": 7, "baseModel": "Illustrious"}

    found = comfy(a=node("UpscaleModelLoader", model_name="x"), extraMetadata=json.dumps(extra))

    assert (found.generator, found.prompt, found.seed, found.model) == ("Civitai", "a cat", 7, "Illustrious")
    assert found.parse == "complete"


def test_tensorart_and_stability_matrix_speak_before_their_graph() -> None:
    graph = json.dumps(
        {
            "k": node("KSampler", seed=4, steps=9, cfg=3, positive=["p", 0], model=["m", 0]),
            "p": node("CLIPTextEncode", text="from the graph"),
            "m": node("ECHOCheckpointLoaderSimple", something=1),
        }
    )
    data = {"prompt": "from the service", "baseModel": {"modelFileName": "flat.safetensors"}}
    settings = {"PositivePrompt": "from the app", "Seed": 5, "Steps": 6, "CfgScale": 2.0, "ModelName": "sm"}

    tensorart = read(generation_data=json.dumps(data) + "\0", prompt=graph)
    matrix = read(**{"parameters-json": json.dumps(settings), "smproj": "{}", "prompt": graph})

    assert (tensorart.generator, tensorart.prompt, tensorart.seed) == ("TensorArt", "from the service", 4)
    assert tensorart.model == "flat.safetensors"
    assert (matrix.generator, matrix.prompt, matrix.seed, matrix.model) == ("Stability Matrix", "from the app", 5, "sm")


# --- the others ----------------------------------------------------------------------------------


def test_invokeai_is_read_in_its_three_formats() -> None:
    current = {"positive_prompt": "a cat", "negative_prompt": "dog", "seed": 3, "steps": 30, "cfg_scale": 6}
    older = {
        "model_weights": "sd15",
        "image": {"prompt": [{"prompt": "a cat [dog]", "weight": 1}], "seed": 3, "steps": 30, "cfg_scale": 6},
    }

    first = read(invokeai_metadata=json.dumps({**current, "model": {"name": "sd15"}, "scheduler": "euler"}))
    second = read(sd_metadata=json.dumps(older))
    third = read(Dream='"a cat [dog]" -s 30 -S 3 -W 512 -H 512 -C 6 -A k_lms')

    for found in (first, second, third):
        assert (found.generator, found.prompt, found.negative) == ("InvokeAI", "a cat", "dog")
        assert (found.seed, found.steps, found.guidance) == (3, 30, 6.0)
    assert (first.parse, second.parse, third.parse) == ("complete", "complete", "partial")


NOVELAI = {
    "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4.5",
    "Description": "a cat",
    "Comment": json.dumps(
        {"prompt": "a cat", "uc": "dog", "steps": 23, "scale": 5.0, "seed": 21, "sampler": "k_euler"}
    ),
}


def test_novelai_is_read_from_its_text_fields() -> None:
    found = read(**NOVELAI)

    assert (found.generator, found.model, found.negative) == ("NovelAI", "NovelAI Diffusion V4.5", "dog")
    assert (found.prompt, found.seed, found.steps, found.guidance, found.parse) == ("a cat", 21, 23, 5.0, "complete")


def test_novelai_puts_the_captions_of_its_characters_together() -> None:
    caption = {"base_caption": "two girls", "char_captions": [{"char_caption": "red hair"}, {"char_caption": ""}]}

    found = read(Comment=json.dumps({"v4_prompt": {"caption": caption}, "seed": 1, "steps": 2}))

    assert (found.generator, found.prompt) == ("NovelAI", "two girls\nred hair")


@pytest.mark.parametrize("size", [(150, 160), (200, 40)])
def test_novelai_is_read_from_the_alpha_channel(build, size: tuple[int, int]) -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    payload = engine.compress(json.dumps(NOVELAI).encode()) + engine.flush()

    found = sources.read(build.hidden(payload, b"stealth_pngcomp", size))

    assert (found.source.generator, found.source.seed, found.source.parse) == ("NovelAI", 21, "complete")
    assert found.fields.get("pixels.Description") == "a cat"


def test_a1111_text_is_read_from_the_colours_of_the_pixels(build) -> None:
    found = sources.read(build.hidden(A1111.format("v1.10.1").encode(), b"stealth_rgbinfo", colours=True))

    assert (found.source.generator, found.source.seed) == ("AUTOMATIC1111", 4179307297)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "RuinedFooocus",
            {
                "Prompt": "a cat",
                "Negative": "dog",
                "steps": 30,
                "cfg": 8,
                "seed": 20,
                "base_model_name": "m.safetensors",
            }
            | {"sampler_name": "dpmpp", "software": "RuinedFooocus"},
        ),
        (
            "Fooocus",
            {"prompt": "a cat", "negative_prompt": "dog", "steps": 30, "guidance_scale": 8, "seed": "20"}
            | {"base_model": "m.safetensors", "sampler": "dpmpp"},
        ),
        (
            "SwarmUI",
            {
                "sui_image_params": {"prompt": "a cat", "negativeprompt": "dog", "model": "m.safetensors", "seed": 20}
                | {"steps": 30, "cfgscale": 8, "sampler": "dpmpp"}
            },
        ),
        (
            "Easy Diffusion",
            {
                "prompt": "a cat",
                "negative_prompt": "dog",
                "seed": 20,
                "use_stable_diffusion_model": "C:\\x\\m.safetensors",
            }
            | {"sampler_name": "dpmpp", "num_inference_steps": 30, "guidance_scale": 8},
        ),
        (
            "Draw Things",
            {
                "c": "a cat",
                "uc": "dog",
                "model": "m.safetensors",
                "sampler": "dpmpp",
                "seed": 20,
                "scale": 8,
                "steps": 30,
            },
        ),
        (
            "Hugging Face Space",
            {"prompt": "a cat", "negative_prompt": "dog", "guidance_scale": 8, "num_inference_steps": 30, "seed": 20}
            | {"Model": "m.safetensors", "sampler": "dpmpp", "resolution": "1024 x 1024"},
        ),
    ],
)
def test_generators_that_write_one_json_object_are_told_apart(name: str, settings: dict[str, object]) -> None:
    found = read(parameters=json.dumps(settings))

    assert found == Source(
        generator=name,
        model="m.safetensors",
        sampler="dpmpp",
        steps=30,
        guidance=8.0,
        seed=20,
        prompt="a cat",
        negative="dog",
        parse="complete",
    )


def test_easy_diffusion_writes_a_png_text_for_each_setting() -> None:
    texts = {"prompt": "a cat", "negative_prompt": "", "seed": "20", "use_stable_diffusion_model": "/home/x/m.ckpt"}

    found = read(**texts, num_inference_steps="30", guidance_scale="7.5")

    assert (found.generator, found.model, found.seed, found.guidance) == ("Easy Diffusion", "m.ckpt", 20, 7.5)


@pytest.mark.parametrize("model", ["stabilityai/sdxl-turbo", "sdxl\\base.safetensors", "Official/sd_xl_base_1.0"])
def test_a_models_own_folder_is_part_of_its_name(model: str) -> None:
    found = read(parameters=json.dumps({"sui_image_params": {"prompt": "a", "model": model}}))

    assert found.model == model


def test_draw_things_is_read_from_xmp(build) -> None:
    comment = json.dumps({"c": "a cat", "model": "m.ckpt", "seed": 2, "steps": 4, "scale": 1})
    packet = build.packet(
        f"<xmp:CreatorTool>Draw Things</xmp:CreatorTool><exif:UserComment>{comment}</exif:UserComment>"
    )

    found = sources.read(build.png({"XML:com.adobe.xmp": packet})).source

    assert (found.generator, found.prompt, found.seed, found.parse) == ("Draw Things", "a cat", 2, "complete")


def test_midjourney_describes_its_job() -> None:
    found = read(
        Description="a cat --no dog, bird --ar 3:2 --seed 7 --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef",
        Author="someone",
    )

    assert found == Source(
        generator="Midjourney", model="Midjourney 6.1", seed=7, prompt="a cat", negative="dog, bird", parse="partial"
    )


def test_a_name_in_a_makers_field_is_a_generator_and_a_caption_is_not(build) -> None:
    google = build.packet("<photoshop:Credit>Made with Google AI</photoshop:Credit>")
    caption = build.packet("<dc:description>Made with Google AI</dc:description>")

    assert sources.read(build.png({"XML:com.adobe.xmp": google})).source == Source(generator="Google AI")
    assert sources.read(build.png({"XML:com.adobe.xmp": caption})).source == Source()
    assert sources.read(build.png({"Software": "Adobe Photoshop 26.0 (Macintosh)"})).source == Source()
    assert sources.read(build.png({"Software": "krea.ai"})).source == Source(generator="Krea")


def test_gaps_of_one_parser_are_filled_by_another() -> None:
    graph = {"k": node("KSampler", seed=4, steps=9, positive=["p", 0]), "p": node("Unknown", thing=1)}

    found = read(prompt=json.dumps(graph), parameters="a cat\nSteps: 9, Seed: 5, Model: m")

    assert (found.generator, found.seed, found.prompt, found.parse) == ("ComfyUI", 4, "a cat", "complete")


def test_what_is_recognised_but_empty_is_named() -> None:
    _, problems = generators.parse(Fields("png", (Field("png", "sd-metadata", "{}"),)))

    assert problems == ("invokeai: recognised, but no prompt or setting was found",)


def test_public_files_of_many_generators_are_read_right(corpora) -> None:
    folder = corpora / "genmeta"
    if not (folder / "EXPECTED.json").is_file():
        pytest.skip(f"no files of known generators at {folder}")
    expected = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))
    wrong = []

    for path in sorted(p for p in folder.rglob("*") if p.name in expected):
        want, found = expected[path.name], sources.read(path.read_bytes()).source
        model = want.get("model", {}).get("name", "").removesuffix(".safetensors").lower()
        right = [
            " ".join((found.prompt or "").split()) == " ".join(want["prompt"].split()),
            found.seed == want["sampling"]["seed"],
            found.steps == want["sampling"]["steps"],
            found.guidance == want["sampling"]["cfg"],
            model in (found.model or "").lower(),
        ]
        wrong += [path.name] if not all(right) else []

    assert len(wrong) <= 0.05 * len(expected), wrong

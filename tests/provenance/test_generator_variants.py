"""Formats written otherwise than the program's own pages show: other orders, encodings, missing and wrapped fields."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import pytest

from imgaudit.provenance import source as sources

PROMPT, NEGATIVE = "a red kite, (masterpiece:1.2)", "blurry, low quality"
SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x512, Model: dream_v5, Version: v1.10.1"
A1111 = f"{PROMPT}\nNegative prompt: {NEGATIVE}\n{SETTINGS}"
ALL = {"prompt": PROMPT, "negative": NEGATIVE, "steps": 20, "guidance": 7.0, "seed": 123, "model": "dream_v5"}
JOB = "Job ID: 12345678-1234-1234-1234-123456789abc"
GRAPH: dict[str, dict[str, Any]] = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 123, "steps": 20, "cfg": 7.0, "sampler_name": "euler",
          "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream_v5"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": PROMPT, "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": NEGATIVE, "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
}  # fmt: skip
INVOKE = {"positive_prompt": PROMPT, "negative_prompt": NEGATIVE, "seed": 123, "steps": 20, "cfg_scale": 7.0,
          "scheduler": "euler", "model": {"key": "k", "name": "dream_v5"}}  # fmt: skip
FOOOCUS = {"base_model": "dream_v5", "guidance_scale": 7.0, "metadata_scheme": "fooocus", "negative_prompt": NEGATIVE,
           "prompt": PROMPT, "sampler": "dpmpp", "seed": "123", "steps": 20, "version": "Fooocus v2.5.5"}  # fmt: skip
SWARM = {"prompt": PROMPT, "negativeprompt": NEGATIVE, "model": "dream_v5", "seed": 123, "steps": 20, "cfgscale": 7.0}


def changed(**nodes: dict[str, Any]) -> dict[str, Any]:
    """The graph with other inputs (`n3={...}` for node 3) or with further nodes."""
    graph: dict[str, Any] = json.loads(json.dumps(GRAPH))
    for name, node in nodes.items():
        number = name.removeprefix("n")
        if number in graph:
            graph[number]["inputs"].update(node)
        else:
            graph[number] = node
    return graph


def turned(value: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(value.items()))


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in names}


PNG_TEXTS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("line ends of Windows", {"parameters": A1111.replace("\n", "\r\n")}, ALL),
    ("line ends of old Macs", {"parameters": A1111.replace("\n", "\r")}, ALL),
    ("a mark of byte order", {"parameters": "\ufeff" + A1111}, ALL),
    ("another key", {"Parameters": A1111}, ALL),
    ("in a description", {"Description": A1111}, ALL),
    ("settings in another order",
     {"parameters": A1111.replace(SETTINGS, "Sampler: Euler a, CFG scale: 7, Seed: 123, Steps: 20, Model: dream_v5")},
     ALL),
    ("settings on two lines", {"parameters": A1111.replace("Seed: 123, ", "Seed: 123,\n")}, ALL),
    ("no negative prompt", {"parameters": f"{PROMPT}\n{SETTINGS}"}, {**ALL, "negative": None}),
    ("nothing but settings", {"parameters": SETTINGS}, {"steps": 20, "seed": 123}),
    ("settings inside the prompt", {"parameters": f"a sign with Steps: 30, Seed: 4\n{A1111}"},
     {"steps": 20, "seed": 123}),
    ("a prompt of another tool among the settings",
     {"parameters": A1111.replace("Model:", 'ADetailer prompt: "face, Seed: 9, Steps: 3", Model:')}, ALL),
    ("cut short", {"parameters": A1111[:-50]}, {"prompt": PROMPT, "steps": 20, "seed": 123}),
    ("a seed of more than 64 bits", {"parameters": A1111.replace("123,", f"{2**63 + 11},")}, {"seed": 2**63 + 11}),
    ("a graph", {"prompt": json.dumps(GRAPH)}, ALL),
    ("a graph from the end", {"prompt": json.dumps(turned(GRAPH))}, ALL),
    ("a graph with NaN", {"prompt": json.dumps(changed(n3={"denoise": float("nan")}))}, ALL),
    ("a graph as a JSON string", {"prompt": json.dumps(json.dumps(GRAPH))}, ALL),
    ("a graph inside an object", {"prompt": json.dumps({"prompt": GRAPH, "workflow": {}})}, ALL),
    ("a graph with numbers as texts", {"prompt": json.dumps(changed(n3={"seed": "123", "steps": "20"}))}, ALL),
    ("a seed in a node of its own",
     {"prompt": json.dumps(changed(n3={"seed": ["21", 0]}, n21={"class_type": "PrimitiveInt",
                                                                "inputs": {"value": 123}}))}, ALL),
    ("a text that is made of itself", {"prompt": json.dumps(changed(n6={"text": ["6", 0]}))},
     {"seed": 123, "negative": NEGATIVE}),
    ("InvokeAI from the end", {"invokeai_metadata": json.dumps(turned(INVOKE))}, ALL),
    ("InvokeAI as a JSON string", {"invokeai_metadata": json.dumps(json.dumps(INVOKE))}, ALL),
    ("InvokeAI without some fields", {"invokeai_metadata": json.dumps(without(INVOKE, "seed", "negative_prompt"))},
     {"prompt": PROMPT, "seed": None, "negative": None}),
    ("Dream with long switches", {"Dream": '"a red kite" --steps 20 --seed 123 --cfg_scale 7'},
     {"prompt": "a red kite", "steps": 20, "seed": 123, "guidance": 7.0}),
    ("Dream with glued switches", {"Dream": '"a red kite" -s20 -S123 -C7.5'},
     {"prompt": "a red kite", "steps": 20, "seed": 123, "guidance": 7.5}),
    ("Dream without quotation marks", {"Dream": "a red kite -s 20 -S 123"}, {"prompt": "a red kite", "seed": 123}),
    ("Dream with quotation marks inside", {"Dream": '"a \\"red\\" kite" -S 123'}, {"prompt": 'a "red" kite'}),
    ("Fooocus from the end", {"parameters": json.dumps(turned(FOOOCUS))}, ALL),
    ("Fooocus without its model", {"parameters": json.dumps(without(FOOOCUS, "base_model"))},
     {"prompt": PROMPT, "seed": 123, "generator": "Fooocus"}),
    ("SwarmUI, indented", {"parameters": json.dumps({"sui_image_params": SWARM}, indent=2)}, ALL),
    ("SwarmUI, wrapped twice", {"parameters": json.dumps({"sui_image_params": json.dumps(SWARM)})}, ALL),
    ("Midjourney with capitals", {"Description": f"{PROMPT} --AR 3:2 --SEED 123 {JOB}"},
     {"prompt": PROMPT, "seed": 123}),
    ("Midjourney with long dashes", {"Description": f"{PROMPT} \u2014ar 3:2 \u2014seed 123 {JOB}"},
     {"prompt": PROMPT, "seed": 123}),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "expected"), [row[1:] for row in PNG_TEXTS], ids=[row[0] for row in PNG_TEXTS])
def test_a_text_that_is_written_otherwise_is_read_all_the_same(build, texts: dict[str, str], expected: dict[str, Any]):
    begun = time.monotonic()

    found = sources.read(build.png(texts)).source

    assert {name: getattr(found, name) for name in expected} == expected
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("head", "encoding", "order"),
    [
        (b"UNICODE\0", "utf-16-be", ">"),
        (b"UNICODE\0", "utf-16-le", "<"),
        (b"UNICODE\0", "utf-16-le", ">"),
        (b"UNICODE\0", "utf-16-be", "<"),
        (b"UNICODE\0", "utf-8", ">"),
        (b"ASCII\0\0\0", "ascii", ">"),
        (b"\0" * 8, "utf-8", ">"),
        (b"", "utf-8", ">"),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_comment_in_exif_is_read_in_every_encoding(build, head: bytes, encoding: str, order: str, mark: str):
    if mark and not encoding.startswith("utf-16"):
        pytest.skip("only UTF-16 is customarily written with a mark of byte order")
    block = build.exif({}, {0x9286: head + (mark + A1111).encode(encoding)}, order)

    for data in (build.jpeg((0xE1, b"Exif\0\0" + block)), build.webp(EXIF=block), build.png({}, (b"eXIf", block))):
        found = sources.read(data).source
        assert {name: getattr(found, name) for name in ALL} == ALL


def test_compressed_text_and_comments_hold_the_same(build):
    packed = build.png({}, (b"zTXt", b"parameters\0\0" + zlib.compress(A1111.encode())))

    for data in (packed, build.jpeg((0xFE, A1111.encode())), build.jpeg((0xFE, A1111.encode("utf-16")))):
        found = sources.read(data).source
        assert {name: getattr(found, name) for name in ALL} == ALL


def test_civitais_checkpoint_is_read_from_its_list_of_resources(build):
    listed = '[{"type":"lora","modelName":"fog"},{"type":"checkpoint","modelName":"dream_v5","modelVersionName":"1"}]'
    text = A1111.replace("Model: dream_v5, Version: v1.10.1", f"Civitai resources: {listed}, Civitai metadata: {{}}")

    found = sources.read(build.png({"parameters": text})).source

    assert (found.generator, found.model, found.seed) == ("Civitai", "dream_v5", 123)


def test_a_prompt_of_megabytes_costs_no_time(build):
    begun = time.monotonic()

    found = sources.read(build.png({"parameters": "x, " * 400_000 + A1111})).source

    assert found.seed == 123
    assert time.monotonic() - begun < 5

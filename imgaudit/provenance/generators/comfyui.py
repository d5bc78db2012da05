"""ComfyUI and the services that run it: Civitai, TensorArt, Stability Matrix.

The graph stands as JSON in PNG text `prompt` (what was run) and `workflow` (what was on the screen), or in EXIF:
UserComment, or `Prompt:` and `Workflow:` before the JSON in whatever field the saver chose. Services add settings of
their own, which fill what the graph does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, filled, picked, source
from imgaudit.provenance.generators._graph import Graph
from imgaudit.types import Source

CIVITAI = {
    "prompt": ("prompt",),
    "negative": ("negativePrompt",),
    "steps": ("steps",),
    "guidance": ("cfgScale",),
    "seed": ("seed",),
    "sampler": ("sampler",),
    "model": ("baseModel",),
}
TENSORART = {
    "prompt": ("prompt",),
    "negative": ("negativePrompt",),
    "steps": ("steps",),
    "guidance": ("cfgScale",),
    "seed": ("seed",),
    "sampler": ("samplerName", "sampler", "ksamplerName"),
}
STABILITY_MATRIX = {
    "prompt": ("PositivePrompt",),
    "negative": ("NegativePrompt",),
    "steps": ("Steps",),
    "guidance": ("CfgScale",),
    "seed": ("Seed",),
    "sampler": ("Sampler",),
    "model": ("ModelName", "ModelHash"),
}
# the widgets of the core nodes in the order in which a `workflow` lists their values; None is a value without input
WIDGETS: dict[str, tuple[str | None, ...]] = {
    "KSampler": ("seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", None, "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": ("add_noise", "noise_seed", None, "cfg"),
    "RandomNoise": ("noise_seed", None),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CheckpointLoader": ("config_name", "ckpt_name"),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "PrimitiveNode": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
}
MUTED = (2, 4)


def graph_of(fields: Fields) -> tuple[Graph, dict[str, Any]] | None:
    """The first graph in the file, and the object it stands in. What was run is preferred to what was on screen."""
    for _, value in fields.objects:
        for candidate in (value, _object(value.get("prompt"))):
            graph = Graph.of(candidate) if candidate else None
            if graph:
                return graph, value
    for _, value in fields.objects:
        for candidate in (value, _object(value.get("workflow"))):
            graph = Graph.of(_run(candidate)) if candidate and isinstance(candidate.get("nodes"), list) else None
            if graph:
                return graph, value
    return None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else json_object(value) if isinstance(value, str) else None


def _run(workflow: Mapping[str, Any]) -> dict[str, Any]:
    """A `workflow` in the form of a `prompt`, as far as the widgets of its nodes are known."""
    ends: dict[str, list[Any]] = {}
    links = workflow.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, list) and len(link) > 4:
            ends[str(link[0])] = [str(link[1]), link[2]]
    nodes: dict[str, Any] = {}
    for node in workflow["nodes"]:
        if isinstance(node, dict) and node.get("mode") not in MUTED:
            inputs = {**_widgets(node), **_links(node, ends)}
            nodes[str(node.get("id"))] = {"class_type": str(node.get("type")), "inputs": inputs}
    return nodes


def _links(node: Mapping[str, Any], ends: Mapping[str, list[Any]]) -> dict[str, Any]:
    slots = node.get("inputs")
    named = [slot for slot in slots if isinstance(slot, dict)] if isinstance(slots, list) else []
    return {str(slot.get("name")): ends[str(slot.get("link"))] for slot in named if str(slot.get("link")) in ends}


def _widgets(node: Mapping[str, Any]) -> dict[str, Any]:
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return dict(values)
    names = WIDGETS.get(str(node.get("type")))
    if names is None or not isinstance(values, list):
        return {}
    return {name: value for name, value in zip(names, values, strict=False) if name}


def read_graph(graph: Graph) -> Source:
    """What a graph says about its picture."""
    sampler = graph.main_sampler()
    if sampler is None:
        return source("ComfyUI", {"model": graph.any_model()})
    settings = graph.settings(sampler)
    noiseless = settings.get("add_noise") in ("disable", False)  # what it goes on drawing has seeds of its own
    values = {
        "prompt": graph.prompt(settings, "positive"),
        "negative": graph.prompt(settings, "negative"),
        "steps": graph.number(settings.get("steps")),
        "seed": None if noiseless else graph.number(settings.get("seed", settings.get("noise_seed"))),
        "guidance": graph.number(settings.get("cfg", _distilled(graph, settings))),
        "sampler": settings.get("sampler_name"),
        "model": graph.model(settings.get("model")) or graph.any_model(),
    }
    return source("ComfyUI", values)


def _distilled(graph: Graph, settings: Mapping[str, Any]) -> Any:
    """The guidance that is built into a conditioning (Flux), where the sampler itself has none."""
    value = settings.get("conditioning", settings.get("positive"))
    for _ in range(20):
        link = graph.linked(value)
        if link is None:
            return None
        inputs = graph.inputs(link)
        if "guidance" in inputs:
            return inputs["guidance"]
        value = inputs.get("conditioning", inputs.get("positive"))
    return None


def _recognise(fields: Fields) -> bool:
    return graph_of(fields) is not None or fields.having("extraMetadata") is not None


def _parse(fields: Fields) -> Source:
    found = graph_of(fields)
    graph = read_graph(found[0]) if found else Source(generator="ComfyUI")
    extra = fields.having("extraMetadata")
    if extra is not None:
        return filled(graph.model_copy(update={"generator": "Civitai"}), _civitai(extra))
    if graph.model and graph.model.startswith("urn:air:"):
        return graph.model_copy(update={"generator": "Civitai"})
    return graph


def _civitai(extra: Mapping[str, Any]) -> Source:
    return source("Civitai", picked(_object(extra.get("extraMetadata")) or {}, CIVITAI))


def _tensorart(fields: Fields) -> Source:
    """TensorArt says prompt and model itself; everything else is in the graph."""
    data = _object(fields.get("png.generation_data") or (fields.having("generation_data") or {}).get("generation_data"))
    data = data or {}
    base = data.get("baseModel")
    model = base.get("modelFileName") or base.get("hash") if isinstance(base, dict) else None
    own = source("TensorArt", {**picked(data, TENSORART), "model": model})
    found = graph_of(fields)
    return filled(own, read_graph(found[0])) if found else own


def _stability_matrix(fields: Fields) -> Source:
    data = _object(fields.get("png.parameters-json") or (fields.having("parameters-json") or {}).get("parameters-json"))
    own = source("Stability Matrix", picked(data or {}, STABILITY_MATRIX))
    found = graph_of(fields)
    return filled(own, read_graph(found[0])) if found else own


def _has(*names: str) -> Any:
    def recognise(fields: Fields) -> bool:
        return any(fields.get(f"png.{name}") is not None or fields.having(name) is not None for name in names)

    return recognise


PARSERS = (
    Parser("tensorart", _has("generation_data"), _tensorart),
    Parser("stability-matrix", _has("parameters-json", "smproj"), _stability_matrix),
    Parser("comfyui", _recognise, _parse),
)

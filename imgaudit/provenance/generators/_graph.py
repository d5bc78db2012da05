"""A ComfyUI graph, walked backwards: from what was saved to the sampler, and from there to texts, seed and model.

There is no schema: every node class names its own inputs, and a thousand custom classes exist. So nothing here knows
classes by heart; nodes are told by the inputs they have. A sampler is what takes steps and a conditioning; a text is
what stands in the inputs that hold texts; switches, reroutes and concatenations are followed.

Where a picture was drawn in several passes, the first pass counts (the one that nothing was drawn before); where that
pass joins several drawings, the pass that joins them counts.

Limits: `VISIT_LIMIT` nodes are looked at in one graph and links are followed `DEPTH_LIMIT` deep, so cycles and giant
graphs end. Texts that a language model writes while the graph runs are not in the file: what it was asked is taken,
without the node titled as its system prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["positive", "negative"]
Node = Mapping[str, Any]

VISIT_LIMIT, DEPTH_LIMIT, TEXT_LIMIT = 50_000, 100, 1_000_000

TEXTS = (
    "text",
    "prompt",
    "value",
    "string",
    "String",
    "text_positive",
    "positive_prompt",
    "populated_text",
    "wildcard_text",
    "t5xxl",
    "text_g",
    "clip_l",
    "text_l",
    "input",
    "source",
    "any",
    "anything",
    "text_0",
    "Text",
    "prompt_text",
)
# the inputs by which a text encoder is known, and those that hold its other text where it has two
POSITIVE_TEXTS = ("positive_prompt", "text_positive", "wildcard_text")
ENCODER_TEXTS = ("text", "prompt", *POSITIVE_TEXTS, "t5xxl", "text_g", "clip_l", "text_l")
NEGATIVE_TEXTS = ("text_negative", "negative_prompt")
NUMBERS = ("seed", "noise_seed", "steps", "cfg", "guidance", "value", "int", "float", "number", "INT", "FLOAT")
MODELS = ("ckpt_name", "unet_name", "model_name", "gguf_name", "checkpoint", "base_ckpt_name", "model_path", "model")
POSITIVE = ("positive", "conditioning", "text_embeds", "cond1")
NEGATIVE = ("negative", "neg_conditioning", "text_embeds")
NOT_CONDITIONS = frozenset(
    ("clip", "model", "vae", "latent_image", "image", "pixels", "mask", "control_net", "clip_vision", "samples")
)
PART = re.compile(r"(?:string|text|prompt|str|value|input)_?(?:[a-h]|\d{1,2})$", re.IGNORECASE)
LANGUAGE_MODEL = re.compile(r"textgen|generatetext|llm|llava|gemini|chatgpt|openai|ollama|claude|promptenhanc", re.I)
SYSTEM = re.compile(r"\bsystem\b", re.IGNORECASE)


@dataclass
class Graph:
    """The nodes of one graph, and how much of it may still be looked at."""

    nodes: dict[str, Node]
    visits: int = field(default=0)
    _path: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Graph | None:
        """The graph that a JSON object holds: entries with a class and inputs; None when there are none."""
        nodes: dict[str, Node] = {str(name): node for name, node in value.items() if _is_node(node)}
        return cls(nodes) if nodes else None

    def linked(self, value: Any) -> str | None:
        """The node that an input is linked to: a link is written as [node, slot]."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)):
            name = str(value[0])
            return name if name in self.nodes else None
        return None

    def inputs(self, name: str) -> Mapping[str, Any]:
        """The inputs of a node; nothing once the budget is spent. A node of many inputs costs more of it."""
        inputs: Mapping[str, Any] = self.nodes[name]["inputs"]
        self.visits += 1 + len(inputs) // 16
        return inputs if self.visits <= VISIT_LIMIT else {}

    def kind(self, name: str) -> str:
        """The node's class, lower case."""
        return str(self.nodes[name]["class_type"]).lower()

    def title(self, name: str) -> str:
        """What its author called it."""
        meta = self.nodes[name].get("_meta")
        return str(meta.get("title", "")) if isinstance(meta, dict) else ""

    # --- passes ----------------------------------------------------------------------------------

    def is_sampler(self, name: str) -> bool:
        """Whether the node draws: it takes steps (or sigmas), and a conditioning or the word in its class."""
        inputs = self.inputs(name)
        steps = "steps" in inputs or "sigmas" in inputs
        return steps and ("guider" in inputs or any(k in inputs for k in POSITIVE) or "sampler" in self.kind(name))

    def main_sampler(self) -> str | None:
        """The sampler whose settings speak for the picture."""
        for end in self._ends():
            start = [end] if self.is_sampler(end) else self._samplers_before(end)
            if start:
                return self._first_pass(start[0])
        return next((name for name in sorted(self.nodes) if self.is_sampler(name)), None)

    def _ends(self) -> list[str]:
        """The nodes that nothing is linked to, savers first, previews last."""
        used = {self.linked(value) for node in self.nodes.values() for value in node["inputs"].values()}
        ends = [name for name in self.nodes if name not in used]
        return sorted(ends, key=lambda n: (0 if "save" in self.kind(n) else 2 if "preview" in self.kind(n) else 1, n))

    def _samplers_before(self, name: str) -> list[str]:
        """The nearest samplers upstream of a node."""
        found: list[str] = []
        seen, queue = {name}, [name]
        while queue:
            for value in self.inputs(queue.pop(0)).values():
                link = self.linked(value)
                if link is None or link in seen:
                    continue
                seen.add(link)
                if self.is_sampler(link):
                    found.append(link)
                else:
                    queue.append(link)
        return found

    def _first_pass(self, name: str) -> str:
        seen = {name}
        while True:
            before = self._samplers_before(name)
            if len(before) != 1 or before[0] in seen:
                return name
            name = before[0]
            seen.add(name)

    def settings(self, sampler: str) -> dict[str, Any]:
        """The sampler's inputs, and those of the nodes that custom samplers are put together from."""
        own = dict(self.inputs(sampler))
        for part in ("guider", "noise", "sampler", "sigmas"):
            link = self.linked(own.get(part))
            for _ in range(DEPTH_LIMIT):
                if link is None:
                    break
                inputs = self.inputs(link)
                own = {**inputs, **own}
                link = self.linked(inputs.get(part))
        return own

    # --- values ----------------------------------------------------------------------------------

    def number(self, value: Any, depth: int = 0) -> Any:
        """A number that stands in an input or in the nodes it is linked to."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        link = self.linked(value)
        if link is None or depth > DEPTH_LIMIT:
            return value if isinstance(value, str) else None
        inputs = self.inputs(link)
        named = [inputs[name] for name in NUMBERS if name in inputs]
        for candidate in (*named, *self._chosen(link, inputs)):
            found = self.number(candidate, depth + 1)
            if isinstance(found, (int, float)):
                return found
        return None

    def model(self, value: Any, depth: int = 0) -> str | None:
        """The name of the checkpoint or diffusion model at the end of a chain of models."""
        link = self.linked(value)
        if link is None or depth > DEPTH_LIMIT:
            return None
        inputs = self.inputs(link)
        for name in MODELS:
            written = inputs.get(name)
            if isinstance(written, dict):
                written = written.get("content")
            if isinstance(written, str) and written:
                return written
        for candidate in (inputs.get("model"), *self._chosen(link, inputs)):
            found = self.model(candidate, depth + 1)
            if found is not None:
                return found
        return None

    def any_model(self) -> str | None:
        """The first loader of the graph, where the chain to it is broken by unknown nodes."""
        names = (node["inputs"].get(key) for key in MODELS[:2] for _, node in sorted(self.nodes.items()))
        return next((name for name in names if isinstance(name, str) and name), None)

    def _chosen(self, name: str, inputs: Mapping[str, Any]) -> list[Any]:
        """The linked inputs worth following; of a switch whose state is known, only the branch that is on."""
        if "on_true" in inputs and "on_false" in inputs:
            state = self._state(inputs.get("switch", inputs.get("boolean")))
            if state is not None:
                return [inputs["on_true" if state else "on_false"]]
        number = self.number(inputs.get("select", inputs.get("index")))
        if "switch" in self.kind(name) and isinstance(number, int):
            chosen = [inputs[k] for k in (f"input{number}", f"input_{number}", f"any_{number}") if k in inputs]
            if chosen:
                return chosen
        return [value for value in inputs.values() if self.linked(value)]

    def _state(self, value: Any) -> bool | None:
        for _ in range(DEPTH_LIMIT):
            if isinstance(value, bool):
                return value
            link = self.linked(value)
            if link is None:
                return None
            inputs = self.inputs(link)
            value = inputs.get("value", inputs.get("boolean"))
        return None

    # --- texts -----------------------------------------------------------------------------------

    def prompt(self, settings: Mapping[str, Any], role: Role) -> str | None:
        """The texts of a conditioning, joined by line breaks; None when the chain leads to no text."""
        for name in POSITIVE if role == "positive" else NEGATIVE:
            value = settings.get(name)
            if value is not None:
                texts = list(dict.fromkeys(self.conditions(value, role)))
                return "\n".join(texts)[:TEXT_LIMIT] if texts else self._titled(role)
        return self._titled(role)

    def _titled(self, role: Role) -> str | None:
        """The text of a node that its author called positive or negative: for chains broken by unknown nodes."""
        for name in sorted(self.nodes):
            if role in self.title(name).lower():
                texts = self._encoded(self.inputs(name), role)
                if texts:
                    return texts[0]
        return None

    def conditions(self, value: Any, role: Role, depth: int = 0) -> Iterator[str]:
        """The texts that went into a conditioning, in the order of the links."""
        if isinstance(value, str):
            yield value
        link = self.linked(value)
        if link is None or depth > DEPTH_LIMIT or "zeroout" in self.kind(link):
            return
        inputs = self.inputs(link)
        texts = self._encoded(inputs, role)
        if texts:
            yield from texts
            return
        same_role = [inputs[k] for k in (POSITIVE if role == "positive" else NEGATIVE)[:2] if k in inputs]
        named = [v for k, v in inputs.items() if k.lower().startswith("cond")]
        others = [v for k, v in inputs.items() if k not in NOT_CONDITIONS and self.linked(v)]
        for candidate in same_role or named or self._narrowed(link, inputs, others):
            yield from self.conditions(candidate, role, depth + 1)

    def _narrowed(self, link: str, inputs: Mapping[str, Any], others: list[Any]) -> list[Any]:
        chosen = self._chosen(link, inputs)
        return [value for value in others if value in chosen]

    def _encoded(self, inputs: Mapping[str, Any], role: Role) -> list[str]:
        """The texts of an encoder; empty for a node that is none. An encoder with an empty text gives one text."""
        names = NEGATIVE_TEXTS if role == "negative" and any(k in inputs for k in NEGATIVE_TEXTS) else ENCODER_TEXTS
        texts = [text for name in names if name in inputs and (text := self.text(inputs[name])) is not None]
        return list(dict.fromkeys(text for text in texts if text.strip())) or texts[:1]

    def text(self, value: Any, depth: int = 0, asked: bool = False) -> str | None:
        """A text that stands in an input or in the nodes it is linked to.

        `asked` is true upstream of a language model: there the node titled as its system prompt is left out.
        """
        if isinstance(value, str):
            return value[:TEXT_LIMIT]
        link = self.linked(value)
        if link is None or depth > DEPTH_LIMIT or (asked and SYSTEM.search(self.title(link))):
            return None
        if link in self._path:  # a text that is made of itself
            return None
        self._path.add(link)
        try:
            return self._text_of(link, depth, asked or bool(LANGUAGE_MODEL.search(self.kind(link))))
        finally:
            self._path.discard(link)

    def _text_of(self, link: str, depth: int, asked: bool) -> str | None:
        inputs = self.inputs(link)
        parts = [inputs[name] for name in sorted(inputs, key=_part_order) if PART.fullmatch(name)]
        if len(parts) > 1:
            return self._joined(parts, inputs, depth, asked)
        if "on_true" not in inputs:
            for name in TEXTS:
                found = self.text(inputs[name], depth + 1, asked) if name in inputs else None
                if found is not None:
                    return found
        for candidate in self._chosen(link, inputs):
            found = self.text(candidate, depth + 1, asked)
            if found is not None:
                return found
        return None

    def _joined(self, parts: list[Any], inputs: Mapping[str, Any], depth: int, asked: bool) -> str | None:
        texts = [text for part in parts if (text := self.text(part, depth + 1, asked)) is not None]
        written = inputs.get("delimiter", inputs.get("separator"))
        delimiter = written.replace("\\n", "\n") if isinstance(written, str) else ""
        if not texts:
            return None
        joined = delimiter.join(text for text in texts if text)[:TEXT_LIMIT]
        self.visits += len(joined) // 64  # copying long texts over and over is work too
        return joined


def _is_node(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("class_type"), str) and isinstance(value.get("inputs"), dict)


def _part_order(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)

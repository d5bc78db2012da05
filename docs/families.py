"""The table of docs/editing.md: which family of diffusers can start from a picture, and how that is known."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

RAN: Mapping[str, tuple[str, ...]] = {
    "stable-diffusion": ("img2img", "inpaint", "outpaint", "reference"),
    "stable-diffusion-xl": ("img2img", "inpaint", "outpaint", "reference"),
    "stable-diffusion-3": ("img2img", "inpaint", "outpaint"),
    "flux": ("img2img", "inpaint", "outpaint"),
    "lcm": ("img2img", "inpaint", "outpaint", "reference"),
    "auraflow": ("inpaint", "outpaint"),
    "pixart-alpha": ("inpaint", "outpaint"),
    "pixart-sigma": ("inpaint", "outpaint"),
    "pixart-sigma-pag": ("inpaint", "outpaint"),
    "sana": ("inpaint", "outpaint"),
    "sana-pag": ("inpaint", "outpaint"),
}
"""Families that tests/generators draw with, with tiny random weights, and the modes; a test holds both together."""
RUN_HERE, BY_MAPPING = "ran here", "by diffusers' mapping, not run"


def families() -> dict[str, dict[str, Any]]:
    """Family -> task -> pipeline class, as the mappings of the installed diffusers have it."""
    from diffusers.pipelines import auto_pipeline

    tasks = {
        "words": auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
        "img2img": auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
        "inpaint": auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING,
    }
    names = sorted({name for mapping in tasks.values() for name in mapping})
    return {name: {task: mapping.get(name) for task, mapping in tasks.items()} for name in names}


def table() -> str:
    """One line a family, Markdown."""
    head = "| family | image to image, variations | inpainting, outpainting | reference |"
    lines = [head, "| --- | --- | --- | --- |"]
    for family, tasks in families().items():
        cells = (_image_to_image(family, tasks), _inpainting(family, tasks), _reference(family, tasks))
        lines.append(f"| `{family}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _image_to_image(family: str, tasks: Mapping[str, Any]) -> str:
    if tasks["img2img"] is None:
        return "refused: diffusers has no image to image for it"
    return _told(family, "img2img", tasks["img2img"])


def _inpainting(family: str, tasks: Mapping[str, Any]) -> str:
    from imgaudit.generators._masked import unsound

    if tasks["inpaint"] is not None:
        return _told(family, "inpaint", tasks["inpaint"])
    reason = unsound(tasks["words"] or tasks["img2img"])
    if reason is not None:
        return f"refused: {reason}"
    return f"masked denoising of our own, {RUN_HERE if 'inpaint' in RAN.get(family, ()) else 'not run'}"


def _reference(family: str, tasks: Mapping[str, Any]) -> str:
    from diffusers.loaders import IPAdapterMixin

    kind = tasks["words"]
    if kind is None:
        return "refused: does not draw from words alone"
    if not issubclass(kind, IPAdapterMixin):
        return "refused: no adapter of the known kind"
    if "image" in inspect.signature(kind.__call__).parameters:
        return "refused: needs a control picture"
    return RUN_HERE if "reference" in RAN.get(family, ()) else "by diffusers' loader, not run"


def _told(family: str, mode: str, kind: type) -> str:
    from imgaudit.generators._editing import kind_refusal

    reason = kind_refusal(inspect.signature(kind.__call__).parameters)  # type: ignore[operator]
    if reason is not None:
        return f"refused: {reason}"
    return f"{RUN_HERE if mode in RAN.get(family, ()) else BY_MAPPING} (`{kind.__name__}`)"

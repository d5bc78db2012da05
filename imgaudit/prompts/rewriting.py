"""A local language model's version of a prompt, by the user's choice. Not deterministic across models; linted like all.

Known limits: small models invent, drop and rename things; the lint of the result is the only check made here.
"""

from __future__ import annotations

from typing import Any

from imgaudit.errors import ModelUnavailable
from imgaudit.prompts.lint import Linter
from imgaudit.prompts.refine import Version

_ASK = (
    "Rewrite this image prompt in one sentence. Name no artist, brand, character or real person. "
    "Say what is shown, where, and in which light.\nPrompt: {prompt}\nRewritten prompt:"
)
_MOST_TOKENS = 120
_MOST_CHARACTERS = 4_000


def rewrite(prompt: str, model: str, linter: Linter) -> Version:
    """One version by a text-generation model, given by its id or folder; greedy, so one model says one thing."""
    writer = _writer(model)
    asked = _ASK.format(prompt=prompt[:_MOST_CHARACTERS])
    answer = writer(asked, max_new_tokens=_MOST_TOKENS, do_sample=False, return_full_text=False)
    written = str(answer[0]["generated_text"]).strip().split("\n")[0].strip()
    lint = linter.lint(written)
    return Version(style=f"llm:{model}", prompt=written, negative="", remaining=lint.findings)


def _writer(model: str) -> Any:
    from transformers import pipeline

    try:
        return pipeline("text-generation", model=model, device=-1)
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise ModelUnavailable(
            f"the language model {model!r} cannot be loaded: {reason}",
            "Give a folder that holds a transformers model, or fetch it with: huggingface-cli download " + model,
        ) from None

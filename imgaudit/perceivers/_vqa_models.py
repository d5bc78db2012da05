"""Loading a question-answering model and finding out how it is asked: its words, its template, its positions."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers.clip import offline

if TYPE_CHECKING:
    from PIL import Image

REMEDY = "name one: --vqa hf:Qwen/Qwen3-VL-4B-Instruct, or the folder of a model on this machine"
OTHER = "name a model that chats about pictures and answers with one word, such as --vqa hf:Qwen/Qwen3-VL-4B-Instruct"
_FILES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_SHORTEST_MARK = 3
_LONGEST_ANSWER = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model comes from: what transformers is told, a commit of the hub, and the name that reports show."""

    where: str
    revision: str | None
    label: str
    hub: bool


def place_of(option: str) -> Place:
    """What an option names: `hf:ID[@REVISION]` or a folder. Raises UsageError for anything else."""
    if option.startswith("hf:"):
        name, _, revision = option.removeprefix("hf:").partition("@")
        if name:
            return Place(name, revision or None, f"hf:{name}", hub=True)
    folder = Path(option).expanduser()
    if folder.is_dir():
        return Place(str(folder), None, folder.resolve().name, hub=False)
    raise UsageError(f"--vqa {option!r}: there is no such folder; expected hf:ORG/NAME[@REVISION] or a model's folder")


class Model:
    """An image-text-to-text model of transformers, with its processor.

    Attributes:
        label: its name for reports.
        yes, no: the tokens that say so.
        limit: tokens that it can read at once; None where its configuration does not say.
    """

    def __init__(self, option: str) -> None:
        place = place_of(option)
        self.label = place.label
        self._processor, self._model = _loaded(place)
        self._tokenizer = self._processor.tokenizer
        self._tokenizer.padding_side = "left"  # what is asked for stands at the end of every row
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._marks = marks_of(self._tokenizer)
        self._template_options = _template_options(self._processor, place.label)
        self._forward_options = _forward_options(self._model)
        self._device = next(self._model.parameters()).device
        self.yes, self.no = (word_tokens(self._tokenizer, word) for word in ("yes", "no"))
        if not self.yes or not self.no:
            raise ModelUnavailable(f"{place.label}: its tokenizer has no single token for yes or for no", OTHER)
        self.limit: int | None = getattr(_text_config(self._model.config), "max_position_embeddings", None)
        self.identity: Mapping[str, str] = self._identity(place)

    def _identity(self, place: Place) -> dict[str, str]:
        import torch
        import transformers

        return {
            "model": place.label,
            **_weights(place, self._model.config),
            "transformers": str(transformers.__version__),
            "torch": str(torch.__version__),
            "device": self._device.type,
            "dtype": str(next(self._model.parameters()).dtype).removeprefix("torch."),
            "attention": _attention(self._model.config),
        }

    def prepare(self, pictures: Sequence[Image.Image], questions: Sequence[str]) -> Any:
        """Tokens, mask and pixels of one question a picture, padded at the left; on the model's device."""
        texts = [self._text(question) for question in questions]
        begins = self._tokenizer.bos_token is not None and texts[0].startswith(self._tokenizer.bos_token)
        inputs = self._processor(
            text=texts,
            images=[[picture] for picture in pictures],
            padding=True,
            return_tensors="pt",
            **({"add_special_tokens": False} if begins else {}),
        )
        return inputs.to(self._device, dtype=next(self._model.parameters()).dtype)

    def _text(self, question: str) -> str:
        for mark in self._marks:
            question = question.replace(mark, " ")
        content = [{"type": "image"}, {"type": "text", "text": question}]
        options = {"add_generation_prompt": True, "tokenize": False, **self._template_options}
        return str(self._processor.apply_chat_template([{"role": "user", "content": content}], **options))

    def answer(self, inputs: Any) -> tuple[list[float], list[float]]:
        """P(yes) / (P(yes) + P(no)) and P(yes) + P(no) of the next token, a row each; NaN where the logits are."""
        import torch

        mask = inputs["attention_mask"]
        options = dict(self._forward_options)
        if options.pop("position_ids", None):
            options["position_ids"] = (mask.long().cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            logits = self._model(**inputs, **options).logits[:, -1].float()
        shares = logits.log_softmax(-1)
        yes, no = (shares[:, list(tokens)].logsumexp(-1) for tokens in (self.yes, self.no))
        return torch.sigmoid(yes - no).tolist(), torch.exp(torch.logaddexp(yes, no)).clamp(max=1).tolist()

    def longest(self, inputs: Any) -> int:
        """Tokens of the longest row, padding left out."""
        return int(inputs["attention_mask"].sum(-1).max())


# --- loading ------------------------------------------------------------------------------------


def _loaded(place: Place) -> tuple[Any, Any]:
    """Processor and model. No code of the model's own is run, and weights are read from safetensors alone."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    device = "cuda" if torch.cuda.is_available() else "cpu"
    same: dict[str, Any] = {"revision": place.revision, "trust_remote_code": False, "local_files_only": offline()}
    try:
        config = AutoConfig.from_pretrained(place.where, **same)
        if getattr(config, "is_encoder_decoder", False):
            raise ModelUnavailable(f"{place.label}: an encoder-decoder, which is asked in another way", OTHER)
        processor = AutoProcessor.from_pretrained(place.where, **same)
        dtype = torch.bfloat16 if device == "cuda" else torch.float32
        with _no_bars():
            model = AutoModelForImageTextToText.from_pretrained(place.where, dtype=dtype, use_safetensors=True, **same)
    except ModelUnavailable:
        raise
    except Exception as error:  # a stranger's files: the hub, transformers and safetensors raise what they like
        remedy = f"get it with: hf download {place.where}" if place.hub else OTHER
        raise ModelUnavailable(f"{place.label}: cannot be loaded: {_short(error)}", remedy) from error
    if getattr(processor, "tokenizer", None) is None:
        raise ModelUnavailable(f"{place.label}: has no processor of texts and pictures", OTHER)
    return processor, model.to(device).eval()


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """Without the library's own progress bars, which would stand in the middle of ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _weights(place: Place, config: Any) -> dict[str, str]:
    """A commit of the hub stands for its files; of a folder the files themselves are read."""
    commit = getattr(config, "_commit_hash", None)
    if commit is not None:
        return {"revision": str(commit)}
    files = sorted(path for path in Path(place.where).iterdir() if path.is_file() and path.suffix in _FILES)
    return {"weights": digest([[path.name, digest_file(path)] for path in files])}


def _attention(config: Any) -> str:
    """Attention implementations of the model and its parts; scores move with them."""
    parts = [config, _text_config(config), getattr(config, "vision_config", None)]
    names = [getattr(part, "_attn_implementation", None) for part in parts if part is not None]
    return " ".join(dict.fromkeys(str(name) for name in names if name)) or "unknown"


def _text_config(config: Any) -> Any:
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _template_options(processor: Any, label: str) -> dict[str, bool]:
    """What the chat template is told; models that think before they answer are told not to."""
    template = getattr(processor, "chat_template", None)
    if not template:
        raise ModelUnavailable(f"{label}: has no chat template, so that nobody knows how it is asked", OTHER)
    return {"enable_thinking": False} if "enable_thinking" in str(template) else {}


def _forward_options(model: Any) -> dict[str, Any]:
    """What the forward pass is told: the last position alone is wanted, and padding takes no position.

    Models with positions in several directions (Qwen-VL) count them themselves, from the mask.
    """
    known = inspect.signature(model.forward).parameters
    options: dict[str, Any] = {"use_cache": False}
    if "logits_to_keep" in known:
        options["logits_to_keep"] = 1
    if "position_ids" in known and not hasattr(getattr(model, "model", None), "get_rope_index"):
        options["position_ids"] = True
    return options


# --- words --------------------------------------------------------------------------------------


def word_tokens(tokenizer: Any, word: str) -> tuple[int, ...]:
    """All tokens that spell a word by themselves, in capitals or not, with a space before them or not.

    The whole vocabulary is searched: a tokenizer that splits the word elsewhere is told no first piece of it.
    """
    special = set(tokenizer.all_special_ids)
    near = {
        number
        for token, number in tokenizer.get_vocab().items()
        if number not in special and len(token) <= _LONGEST_ANSWER and token.lower().endswith(word)
    }
    return tuple(sorted(number for number in near if tokenizer.decode([number]).strip().lower() == word))


def marks_of(tokenizer: Any) -> tuple[str, ...]:
    """Texts that the tokenizer takes for control tokens, the longest first; a prompt may not speak with them."""
    added = {*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}
    marks = {text for text in added if len(text) >= _SHORTEST_MARK and not text.isalnum() and text.strip()}
    return tuple(sorted(marks, key=lambda text: (-len(text), text)))


def _short(error: Exception) -> str:
    words = " ".join(str(error).split())[:160]
    return words or type(error).__name__

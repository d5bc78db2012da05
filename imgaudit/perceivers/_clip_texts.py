"""What a joint embedding is given of a text, and what it leaves out.

A text that does not fit is cut by the tokenizer, which does not say so; the tokens that are lost are counted here. The
end token must survive the cut: the text tower pools there, and a library that lost it scored long captions at random.
`check_tokenizer` tries this with a long text whenever a model is built.
"""

from __future__ import annotations

from typing import Any

from imgaudit.errors import ModelUnavailable

_SHORT, _OTHER = "a red cat", "a blue dog on a chair"
_LONG = "a red cat and a blue dog on a chair " * 100
_REMEDY = "install the locked versions of open_clip and transformers, or use another model"
_SAME = 1e-4


def truncated(tokenizer: Any, text: str) -> int:
    """How many tokens of a text do not fit the model's context.

    open_clip cuts long texts and keeps the end token, but does not say so; the whole text is tokenized again to count.
    """
    context: int = tokenizer.context_length
    if hasattr(tokenizer, "sot_token_id"):
        return max(0, len(tokenizer.encode(text)) + 2 - context)
    own = tokenizer.tokenizer_mode == "clips"  # this mode adds start, end and class token by itself
    ids = tokenizer.tokenizer(tokenizer.clean_fn(text), add_special_tokens=not own, verbose=False).input_ids
    return max(0, len(ids) + (3 if own else 0) - context)


def end_token(tokenizer: Any) -> int | None:
    """The token that a tokenizer puts after every text; None where it puts none."""
    if hasattr(tokenizer, "eot_token_id"):
        return int(tokenizer.eot_token_id)
    inner = tokenizer.tokenizer
    if tokenizer.tokenizer_mode == "clips":
        return int(inner.eos_token_id)
    ends = {inner(text, verbose=False).input_ids[-1] for text in (_SHORT, _OTHER)}
    last = ends.pop()
    if ends or last not in inner.all_special_ids:
        return None
    return 0 if tokenizer.strip_sep_token and last == inner.sep_token_id else int(last)


def check_tokenizer(tokenizer: Any, label: str) -> None:
    """Refuse a tokenizer that loses the end token of a long text, or that cuts one without our noticing it."""
    lost = truncated(tokenizer, _LONG)
    row = [int(token) for token in tokenizer([_LONG])[0]]
    short = [int(token) for token in tokenizer([_SHORT])[0]]
    if len(row) != tokenizer.context_length or len(short) != tokenizer.context_length or lost <= 0:
        raise ModelUnavailable(f"{label}: a text that is too long is cut without a count of what was lost", _REMEDY)
    end = end_token(tokenizer)
    if end is not None and end not in row[-2:]:  # a class token may follow it
        raise ModelUnavailable(f"{label}: a text that is too long loses its end token {end}", _REMEDY)


def encode(model: Any, tokens: Any) -> Any:
    """Unit vectors of tokenized texts, without running the padding behind the longest of them where none is read.

    In open_clip's own text tower every token sees those before it alone, and the vector is taken at the end token: what
    stands behind all end tokens changes nothing. Of ten words in a window of 77 that is six sevenths of the work.
    """
    used = _used(model, tokens)
    if used is None:
        return model.encode_text(tokens, normalize=True)
    import torch

    some = tokens[:, :used]
    kind = model.transformer.get_cast_dtype()
    seen = model.token_embedding(some).to(kind) + model.positional_embedding[:used].to(kind)
    seen = model.ln_final(model.transformer(seen, attn_mask=model.attn_mask[:used, :used]))
    pooled = seen[torch.arange(len(some), device=some.device), _ends(model, some)]
    projection = model.text_projection
    if projection is not None:
        pooled = projection(pooled) if isinstance(projection, torch.nn.Linear) else pooled @ projection
    return torch.nn.functional.normalize(pooled, dim=-1)


def _ends(model: Any, tokens: Any) -> Any:
    """Where each text's vector is taken."""
    if model.text_pool_type == "argmax":
        return tokens.argmax(dim=-1)
    return (tokens == model.text_eos_id).int().argmax(dim=-1)


def _used(model: Any, tokens: Any) -> int | None:
    """Tokens that are read of the longest text; None where the whole window is."""
    import open_clip

    pooled = getattr(model, "text_pool_type", None)
    if type(model) is not open_clip.CLIP or model.attn_mask is None:
        return None
    if pooled != "argmax" and not (pooled == "eos" and getattr(model, "text_eos_id", None) is not None):
        return None
    return int(_ends(model, tokens).max()) + 1


def check_encoding(model: Any, tokenizer: Any, label: str) -> None:
    """Refuse a model whose texts come out otherwise than open_clip's own encoding has them."""
    import torch

    device = next(model.parameters()).device
    with torch.inference_mode():
        for texts in ([_SHORT, _OTHER], [_LONG]):
            tokens = tokenizer(texts).to(device)
            apart = (encode(model, tokens) - model.encode_text(tokens, normalize=True)).abs().max()
            if not float(apart) < _SAME:
                raise ModelUnavailable(f"{label}: its texts come out otherwise than open_clip's", _REMEDY)

"""Tiny random question-answering models of transformers' own classes, with a small tokenizer that knows yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = (
    "Yes No yes no YES NO. Please answer yes or no. Does this figure show a red circle? Is there any dog in the "
    "picture? Is the colour of the dog blue? USER: ASSISTANT: user assistant"
)
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "initializer_range": 0.4}  # fmt: skip
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
          "initializer_range": 0.4}  # fmt: skip


def tokenizer(specials: Sequence[str], words: str = WORDS) -> Any:
    """A byte-level tokenizer whose whole words are those of `words`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<pad>", "<s>", "</s>", *specials],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([words] * 50, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", bos_token="<s>")


def template(before: str, picture: str, after: str, reply: str) -> str:
    """A chat template: `before` names the role, `picture` stands for the picture."""
    content = "{% for c in m.content %}{% if c.type == 'image' %}" + picture + "{% else %}{{ c.text }}{% endif %}"
    return (
        "{% for m in messages %}" + before + content + "{% endfor %}" + after + "{% endfor %}"
        "{% if add_generation_prompt %}" + reply + "{% endif %}"
    )


def llava(folder: Path, words: str = WORDS, chat: bool = True) -> Path:
    """LLaVA: CLIP's picture tower and a Llama."""
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words_of = tokenizer(["<image>"], words)
    picture = words_of.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**VISION, image_size=28, patch_size=14, projection_dim=16),
        text_config=LlamaConfig(**TEXT, vocab_size=len(words_of), max_position_embeddings=256, pad_token_id=0),
        image_token_id=picture,
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        words_of,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=template("{{ bos_token }}USER: ", "<image>\n", " ", "ASSISTANT:") if chat else None,
    ).save_pretrained(folder)
    return folder


def qwen(folder: Path) -> Path:
    """Qwen3-VL: pictures of any size, and positions in three directions."""
    import torch
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    marks = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|im_start|>", "<|im_end|>")
    words_of = tokenizer(marks)
    image, video, start, end = (words_of.convert_tokens_to_ids(mark) for mark in marks[:4])
    torch.manual_seed(0)
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": 8,
              "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 32, "initializer_range": 0.4,
              "num_position_embeddings": 16, "deepstack_visual_indexes": [0]}  # fmt: skip
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = {**TEXT, "vocab_size": len(words_of), "head_dim": 16, "max_position_embeddings": 256, "rope_scaling": rope}
    config = Qwen3VLConfig(
        vision_config=vision, text_config=text, image_token_id=image, video_token_id=video,
        vision_start_token_id=start, vision_end_token_id=end,
    )  # fmt: skip
    Qwen3VLForConditionalGeneration(config).save_pretrained(folder)
    sizes = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    shown = "<|vision_start|><|image_pad|><|vision_end|>"
    Qwen3VLProcessor(
        Qwen2VLImageProcessor(**sizes, min_pixels=256, max_pixels=4096),
        words_of,
        Qwen3VLVideoProcessor(**sizes),
        chat_template=template("<|im_start|>{{ m.role }}\n", shown, "<|im_end|>\n", "<|im_start|>assistant\n"),
    ).save_pretrained(folder)
    return folder


def idefics(folder: Path) -> Path:
    """Idefics3, which SmolVLM descends from: large pictures are cut into tiles."""
    import torch
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessor,
        Idefics3Processor,
    )

    tiles = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    words_of = tokenizer(["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *tiles])
    torch.manual_seed(0)
    config = Idefics3Config(
        vision_config={**VISION, "image_size": 32, "patch_size": 8},
        text_config={"model_type": "llama", **TEXT, "vocab_size": len(words_of), "max_position_embeddings": 256,
                     "pad_token_id": 0},
        scale_factor=2, image_token_id=words_of.convert_tokens_to_ids("<image>"), pad_token_id=0,
    )  # fmt: skip
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    Idefics3Processor(
        Idefics3ImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}),
        words_of,
        image_seq_len=4,
        chat_template=template("{{ bos_token }}User:", "<image>", "<end_of_utterance>\n", "Assistant:"),
    ).save_pretrained(folder)
    return folder


FAMILIES = {"llava": llava, "qwen": qwen, "idefics": idefics}

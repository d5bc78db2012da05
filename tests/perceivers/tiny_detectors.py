"""Tiny random zero-shot detectors of transformers' own classes, saved as a hub saves them."""

from __future__ import annotations

from pathlib import Path

WORDS = ("a", "photo", "of", "cat", "dog", "teddy", "bear", "red", "st", "bernard", "wine", "glass")


def save_owl(folder: Path, kind: str = "owlv2") -> Path:
    """OWLv2 or OWL-ViT, with the tokenizer of the embedded models."""
    import torch
    import transformers

    from imgaudit.embedded import model_path

    torch.manual_seed(0)
    prefix = {"owlv2": "Owlv2", "owlvit": "OwlViT"}[kind]
    get = {part: getattr(transformers, prefix + part)
           for part in ("Config", "ForObjectDetection", "Processor", "ImageProcessor")}  # fmt: skip
    tokenizer = transformers.CLIPTokenizer.from_pretrained(model_path("clip"), model_max_length=16)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id}  # fmt: skip
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = get["Config"](
        text_config={**small, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 16},
        vision_config={**small, "image_size": 96, "patch_size": 16},
        projection_dim=16,
    )
    model = get["ForObjectDetection"](config)
    with torch.no_grad():  # as initialised, scores are all alike and boxes as wide as the picture or nothing
        for name, parameter in model.named_parameters():
            if "norm" not in name and "head" not in name:
                parameter += 0.15 * torch.randn_like(parameter)
        model.box_head.dense2.weight *= 0.05
        for head in (model.class_head.logit_scale, model.class_head.logit_shift):
            head.weight *= 0.05
    model.save_pretrained(folder)
    processor = get["ImageProcessor"](size={"height": 96, "width": 96}, do_center_crop=False)
    get["Processor"](image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def save_grounding_dino(folder: Path) -> Path:
    """Grounding DINO, whose dots and ends are the tokens that its code knows them by."""
    import torch
    import transformers

    torch.manual_seed(0)
    vocabulary = [f"[unused{number}]" for number in range(1100)]
    for place, token in {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1012: ".",
                         1029: "?"}.items():  # fmt: skip
        vocabulary[place] = token
    vocabulary[1030 : 1030 + len(WORDS)] = WORDS
    tokenizer = transformers.BertTokenizer(vocab={word: place for place, word in enumerate(vocabulary)})
    text = {"vocab_size": 1100, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 32, "model_type": "bert"}  # fmt: skip
    swin = transformers.SwinConfig(
        image_size=96, patch_size=4, embed_dim=8, depths=[1, 1, 1], num_heads=[1, 2, 2], window_size=3,
        out_features=["stage2", "stage3"],
    )  # fmt: skip
    config = transformers.GroundingDinoConfig(
        backbone_config=swin, text_config=text, d_model=32, num_queries=20, encoder_layers=1, decoder_layers=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2,
        num_feature_levels=3, encoder_n_points=2, decoder_n_points=2, max_text_len=24, disable_custom_kernels=True,
    )  # fmt: skip
    model = transformers.GroundingDinoForObjectDetection(config)
    for name, parameter in model.named_parameters():
        if "norm" not in name and "sampling_offsets" not in name:
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    processor = transformers.GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    transformers.GroundingDinoProcessor(image_processor=processor, tokenizer=tokenizer).save_pretrained(folder)
    return folder

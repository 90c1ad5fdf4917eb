"""Whole pipelines with random weights: to measure at full size, to test at tiny size.

Owns the shapes of the networks and the making of tokenizers that need no vocabulary file: every
byte is a token. The pictures are noise; everything else is real: classes, shapes, files, calls.
The full sizes are those of the published checkpoints (their ``config.json``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from gpu_workers.engines.checkpoints import Architecture
from gpu_workers.engines.diffusion.edit_processor import PicturesAndWords

_SDXL_UNET: Final = {
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "cross_attention_dim": 2048,
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
}
_TINY_UNET: Final = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": (2, 4),
    "transformer_layers_per_block": (1, 1),
    "cross_attention_dim": 64,
    "addition_time_embed_dim": 8,
    # Six numbers about the crop, embedded, beside the pooled text.
    "projection_class_embeddings_input_dim": 6 * 8 + 32,
    "sample_size": 32,
    "norm_num_groups": 8,
}
_BETAS: Final = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_CLIP_L: Final = {"hidden_size": 768, "intermediate_size": 3072, "projection_dim": 768}
_CLIP_G: Final = {"hidden_size": 1280, "intermediate_size": 5120, "projection_dim": 1280}
_TINY_CLIP: Final = {"hidden_size": 32, "intermediate_size": 37, "projection_dim": 32}
_QWEN3_4B: Final = {
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "tie_word_embeddings": True,
}
_TINY_QWEN3: Final = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 600,
    "max_position_embeddings": 1024,
}
_QWEN_VL_TEXT: Final = {
    "hidden_size": 3584,
    "intermediate_size": 18_944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152_064,
}
_QWEN_VL_VISION: Final = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "out_hidden_size": 3584,
}
_TINY_VL_TEXT: Final = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 600,
}
_TINY_VL_VISION: Final = {
    "depth": 1,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_heads": 2,
    "out_hidden_size": 16,
    "fullatt_block_indexes": [0],
}
_QWEN_WORDS: Final = (
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_CHAT: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(
    architecture: Architecture,
    *,
    tiny: bool,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Any:
    """Return a diffusers pipeline with random weights.

    Parameters
    ----------
    tiny
        A few thousand weights instead of billions.
    device
        Where the weights are drawn; ``meta`` draws none, to count them only.
    """
    # The CPU's generator is put back afterwards: building must not change what comes next.
    with torch.random.fork_rng(devices=[]), _drawn_on(device, dtype):
        torch.manual_seed(seed)
        return _BUILDERS[architecture](tiny=tiny)


def save(pipeline: Any, folder: Path) -> None:
    """Write a pipeline as its published checkpoint lies in a folder."""
    pipeline.save_pretrained(folder, safe_serialization=True)
    if hasattr(pipeline, "processor"):
        # Under the name of the class that the published files name.
        index = folder / "model_index.json"
        parts = json.loads(index.read_text(encoding="utf-8"))
        parts["processor"] = ["transformers", "Qwen2VLProcessor"]
        index.write_text(json.dumps(parts, indent=2), encoding="utf-8")


@contextmanager
def _drawn_on(device: str, dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def _sdxl(*, tiny: bool, in_channels: int) -> dict[str, Any]:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    unet = diffusers.UNet2DConditionModel(
        in_channels=in_channels,
        out_channels=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        **(_TINY_UNET if tiny else _SDXL_UNET),
    )
    tokenizer = _clip_tokenizer()

    def clip(shape: dict[str, int], layers: int, heads: int) -> Any:
        return transformers.CLIPTextConfig(
            **(_TINY_CLIP if tiny else shape),
            num_hidden_layers=2 if tiny else layers,
            num_attention_heads=4 if tiny else heads,
            vocab_size=len(tokenizer) if tiny else 49_408,
            hidden_act="gelu",
            max_position_embeddings=77,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )

    return {
        "unet": unet,
        "vae": _kl_autoencoder(tiny=tiny, latent_channels=4, scaling_factor=0.13025),
        "text_encoder": transformers.CLIPTextModel(clip(_CLIP_L, 12, 12)),
        "text_encoder_2": transformers.CLIPTextModelWithProjection(clip(_CLIP_G, 32, 20)),
        "tokenizer": tokenizer,
        "tokenizer_2": _clip_tokenizer(),
        "scheduler": _scheduler(
            "EulerDiscreteScheduler", **_BETAS, steps_offset=1, timestep_spacing="leading"
        ),
    }


def _sdxl_inpaint(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415

    parts = _sdxl(tiny=tiny, in_channels=9)
    return diffusers.StableDiffusionXLInpaintPipeline(**parts, add_watermarker=False)


def _sdxl_controlnet_inpaint(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415

    parts = _sdxl(tiny=tiny, in_channels=4)
    blocks = (16, 32) if tiny else (16, 32, 96, 256)
    controlnet = diffusers.ControlNetModel.from_unet(
        parts["unet"],
        conditioning_channels=3,
        conditioning_embedding_out_channels=blocks,
        load_weights_from_unet=False,
    )
    for block in controlnet.controlnet_down_blocks:
        # They start at zero for training; here the picture must depend on them.
        torch.nn.init.normal_(block.weight, std=0.3)
    return diffusers.StableDiffusionXLControlNetInpaintPipeline(
        **parts, controlnet=controlnet, add_watermarker=False
    )


def _flux2_klein(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    if tiny:
        transformer = diffusers.Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=256,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        )
        vae = diffusers.AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            block_out_channels=(8, 16),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=64,
        )
    else:
        transformer = diffusers.Flux2Transformer2DModel(
            num_layers=5,
            num_single_layers=20,
            num_attention_heads=24,
            joint_attention_dim=3 * 2560,
            guidance_embeds=False,
        )
        vae = diffusers.AutoencoderKLFlux2()
    return diffusers.Flux2KleinInpaintPipeline(
        transformer=transformer,
        vae=vae,
        scheduler=_scheduler("FlowMatchEulerDiscreteScheduler"),
        text_encoder=transformers.Qwen3ForCausalLM(_qwen3(tiny=tiny)),
        tokenizer=_qwen_tokenizer(),
        is_distilled=True,
    )


def _z_image(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    shape: dict[str, Any] = {}
    if tiny:
        shape = {
            "dim": 32,
            "n_layers": 2,
            "n_refiner_layers": 1,
            "n_heads": 2,
            "n_kv_heads": 2,
            "cap_feat_dim": 16,
            "axes_dims": [8, 4, 4],
            "axes_lens": [1024, 64, 64],
        }
    transformer = diffusers.ZImageTransformer2DModel(**shape)
    with torch.no_grad():
        # Declared empty: whatever was in memory would be drawn.
        transformer.x_pad_token.fill_(1.0)
        transformer.cap_pad_token.fill_(1.0)
    vae = _kl_autoencoder(tiny=tiny, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159)
    return diffusers.ZImageInpaintPipeline(
        transformer=transformer,
        vae=vae,
        scheduler=_scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0),
        text_encoder=transformers.Qwen3Model(_qwen3(tiny=tiny)),
        tokenizer=_qwen_tokenizer(),
    )


def _qwen_parts(*, tiny: bool, edit: bool) -> dict[str, Any]:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    tokenizer = _qwen_tokenizer()
    ids = {word: tokenizer.convert_tokens_to_ids(word) for word in _QWEN_WORDS}
    if tiny:
        transformer = diffusers.QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=3,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        )
        # The edit pipeline paints one megapixel whatever it is given: there each latent stands
        # for many pixels, so that few are left.
        halvings = 5 if edit else 2
        vae = diffusers.AutoencoderKLQwenImage(
            base_dim=4 if edit else 16,
            z_dim=4,
            dim_mult=[1] * (halvings + 1),
            num_res_blocks=1,
            temperal_downsample=[False] + [True] * (halvings - 1),
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        )
    else:
        transformer = diffusers.QwenImageTransformer2DModel()
        vae = diffusers.AutoencoderKLQwenImage()
    text: dict[str, Any] = dict(_TINY_VL_TEXT if tiny else _QWEN_VL_TEXT)
    text["rope_scaling"] = {
        "mrope_section": [1, 1, 2] if tiny else [16, 24, 24],
        "rope_type": "default",
        "type": "default",
    }
    config = transformers.Qwen2_5_VLConfig(
        text_config=text,
        vision_config=dict(_TINY_VL_VISION if tiny else _QWEN_VL_VISION),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    return {
        "transformer": transformer,
        "vae": vae,
        "scheduler": _scheduler("FlowMatchEulerDiscreteScheduler", use_dynamic_shifting=True),
        "text_encoder": transformers.Qwen2_5_VLForConditionalGeneration(config),
        "tokenizer": tokenizer,
    }


def _qwen_image(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415

    return diffusers.QwenImageInpaintPipeline(**_qwen_parts(tiny=tiny, edit=False))


def _qwen_image_edit(*, tiny: bool) -> Any:
    import diffusers  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    parts = _qwen_parts(tiny=tiny, edit=True)
    # At most 56 x 56 px are looked at where the network is tiny.
    pixels = {"max_pixels": 56 * 56, "min_pixels": 28 * 28} if tiny else {}
    processor = PicturesAndWords(
        transformers.Qwen2VLImageProcessorPil(**pixels), parts["tokenizer"]
    )
    return diffusers.QwenImageEditInpaintPipeline(**parts, processor=processor)


_BUILDERS: Final[dict[Architecture, Callable[..., Any]]] = {
    "sdxl_inpaint": _sdxl_inpaint,
    "sdxl_controlnet_inpaint": _sdxl_controlnet_inpaint,
    "flux2_klein": _flux2_klein,
    "z_image": _z_image,
    "qwen_image": _qwen_image,
    "qwen_image_edit": _qwen_image_edit,
}


def _scheduler(name: str, **options: Any) -> Any:
    """Return a noise scheduler: small tables, which belong on the CPU wherever networks are."""
    import diffusers  # noqa: PLC0415

    with torch.device("cpu"):
        return getattr(diffusers, name)(**options)


def _kl_autoencoder(*, tiny: bool, latent_channels: int, **more: float) -> Any:
    import diffusers  # noqa: PLC0415

    blocks = (32, 64) if tiny else (128, 256, 512, 512)
    return diffusers.AutoencoderKL(
        block_out_channels=blocks,
        down_block_types=("DownEncoderBlock2D",) * len(blocks),
        up_block_types=("UpDecoderBlock2D",) * len(blocks),
        layers_per_block=1 if tiny else 2,
        latent_channels=latent_channels,
        norm_num_groups=8 if tiny else 32,
        sample_size=64 if tiny else 1024,
        **more,
    )


def _qwen3(*, tiny: bool) -> Any:
    import transformers  # noqa: PLC0415

    return transformers.Qwen3Config(**(_TINY_QWEN3 if tiny else _QWEN3_4B))


def _byte_letters() -> list[str]:
    """Return the letter that stands for each byte in byte-level vocabularies (GPT-2, 2019)."""
    from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415

    return sorted(ByteLevel.alphabet())


def _clip_tokenizer() -> Any:
    import transformers  # noqa: PLC0415

    letters = _byte_letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: place for place, word in enumerate(words)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _qwen_tokenizer() -> Any:
    import transformers  # noqa: PLC0415

    vocabulary = {word: place for place, word in enumerate([*_byte_letters(), "<|endoftext|>"])}
    tokenizer = transformers.Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_tokens(list(_QWEN_WORDS), special_tokens=True)
    tokenizer.chat_template = _CHAT
    return tokenizer

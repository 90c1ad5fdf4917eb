"""Which diffusion checkpoints Packshot knows, under which terms, and where their weights lie.

Owns names, sources, licences, defaults and sizes, and the look whether a folder holds weights that
may be loaded. Does not load, fetch or run anything. Standard library only, so that the web, which
never imports a neural network, can list what a machine lacks.

Weights lie in ``<models>/diffusion/<name>/`` in the folder layout of diffusers, as safetensors: a
format without code. A folder with pickled weights or Python files is refused. Memory is counted
from the published number of parameters at two bytes each; it was not measured.

Sources: the model cards as read in autumn 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from gpu_workers.errors import ModelMissing, ModelRefused

Commercial: TypeAlias = Literal["yes", "grey", "no"]
Architecture: TypeAlias = Literal[
    "sdxl_inpaint",
    "sdxl_controlnet_inpaint",
    "flux2_klein",
    "z_image",
    "qwen_image",
    "qwen_image_edit",
]
Size: TypeAlias = tuple[int, int]

MODELS_DIR_VARIABLE: Final = "PACKSHOT_MODELS_DIR"
ALLOWED_VARIABLE: Final = "PACKSHOT_ALLOW_MODELS"
"""Names, with commas between them, of checkpoints whose terms the operator has accepted."""
LORA_FILE: Final = "lora.safetensors"
_GIB: Final = 1024**3
_WITH_CODE: Final = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".py"})

SIZES_1024: Final[tuple[Size, ...]] = (
    (1024, 1024),
    (1152, 896),
    (896, 1152),
    (1216, 832),
    (832, 1216),
    (1344, 768),
    (768, 1344),
)
"""Width and height of about one megapixel each, multiples of 64: what these networks have seen."""

_SIZES_EDIT: Final[tuple[Size, ...]] = (
    (1024, 1024),
    (1152, 896),
    (896, 1152),
    (1248, 832),
    (832, 1248),
    (1344, 768),
    (768, 1344),
)
"""The edit pipeline rounds one megapixel of any proportions to multiples of 32; these it keeps."""


@dataclass(frozen=True, slots=True)
class Part:
    """One repository that a checkpoint is put together from."""

    source: str
    """``hf:owner/name``, or ``hf:owner/name/file`` for a single file."""
    into: str = ""
    """Subfolder, or file name, inside the checkpoint's folder."""
    patterns: tuple[str, ...] = (
        "model_index.json",
        "*/*.json",
        "*/*.txt",
        "*/*.model",
        "*/*.jinja",
        "*/*.safetensors",
    )
    """What to take of the repository: never pickles, never code, and not the networks once more
    as the one file that some repositories hold beside the folders."""
    ignored: tuple[str, ...] = ("*.fp16.safetensors", "*onnx*", "*flax*", "*openvino*")
    """What of that to leave: the same weights for other libraries and numbers."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights of one backdrop generator with all that has to be known before they are used."""

    name: str
    title: str
    architecture: Architecture
    parts: tuple[Part, ...]
    licence: str
    commercial: Commercial
    note: str
    """What a workspace owner should know: terms, strengths, faults."""
    steps: int
    guidance: float
    strength: float
    """Share of the noise schedule that is run over the backdrop, 0 to 1."""
    weight_bytes: int
    """All networks in bfloat16."""
    working_bytes: int
    """What one picture of the largest size needs beside the weights, estimated."""
    sizes: tuple[Size, ...] = SIZES_1024
    base: str = ""
    """Checkpoint whose folder holds the networks, where this one adds a LoRA only."""
    few_steps: bool = False
    """Distilled: runs at its own number of steps only, without a negative prompt."""
    kind: Literal["diffusion"] = field(default="diffusion", init=False)

    @property
    def source(self) -> str:
        """Where the weights come from."""
        return ", ".join(part.source for part in self.parts)

    @property
    def min_memory_bytes(self) -> int:
        """Return the least device memory that makes one picture."""
        return self.weight_bytes + self.working_bytes

    def folder(self, models_dir: Path) -> Path:
        """Return where the weights lie below a folder of models."""
        return models_dir / "diffusion" / self.name


def _hf(name: str) -> tuple[Part, ...]:
    return (Part(f"hf:{name}"),)


_SDXL_BYTES: Final = 6_940_000_000
"""3.47 billion parameters: UNet 2.57, two text encoders 0.82, autoencoder 0.08."""
_NON_COMMERCIAL_FLUX: Final = "FLUX Non-Commercial License"

CHECKPOINTS: Final[tuple[Checkpoint, ...]] = (
    Checkpoint(
        name="sdxl-inpaint",
        title="SDXL 1.0 Inpainting 0.1",
        architecture="sdxl_inpaint",
        parts=_hf("diffusers/stable-diffusion-xl-1.0-inpainting-0.1"),
        licence="OpenRAIL++-M",
        commercial="yes",
        note="The use restrictions of the licence have to be passed on to users. Tends to let "
        "objects grow: every picture is verified.",
        steps=25,
        guidance=7.0,
        strength=0.99,
        weight_bytes=_SDXL_BYTES,
        working_bytes=3 * _GIB,
    ),
    Checkpoint(
        name="sdxl-ecomxl",
        title="SDXL 1.0 with the EcomXL inpaint ControlNet",
        architecture="sdxl_controlnet_inpaint",
        parts=(
            *_hf("stabilityai/stable-diffusion-xl-base-1.0"),
            Part(
                "hf:alimama-creative/EcomXL_controlnet_inpaint",
                "controlnet",
                ("config.json", "diffusion_pytorch_model.safetensors"),
            ),
        ),
        licence="OpenRAIL++-M (SDXL), Apache-2.0 (ControlNet)",
        commercial="yes",
        note="The ControlNet was trained on product pictures with masks to keep objects from "
        "growing.",
        steps=25,
        guidance=7.0,
        strength=0.99,
        weight_bytes=_SDXL_BYTES + 2_500_000_000,
        working_bytes=4 * _GIB,
    ),
    Checkpoint(
        name="sdxl-inpaint-lightning",
        title="SDXL 1.0 Inpainting with the 8-step Lightning LoRA",
        architecture="sdxl_inpaint",
        parts=(
            Part(
                "hf:ByteDance/SDXL-Lightning/sdxl_lightning_8step_lora.safetensors",
                LORA_FILE,
                ("sdxl_lightning_8step_lora.safetensors",),
            ),
        ),
        licence="OpenRAIL++",
        commercial="yes",
        note="The fast tier: eight steps without guidance; needs sdxl-inpaint beside it.",
        steps=8,
        guidance=1.0,
        strength=1.0,
        weight_bytes=_SDXL_BYTES,
        working_bytes=3 * _GIB,
        base="sdxl-inpaint",
        few_steps=True,
    ),
    Checkpoint(
        name="flux2-klein-4b",
        title="FLUX.2 klein 4B",
        architecture="flux2_klein",
        parts=_hf("black-forest-labs/FLUX.2-klein-4B"),
        licence="Apache-2.0",
        commercial="yes",
        note="Four steps; sees the product as a reference picture. The 9B sibling is not free.",
        steps=4,
        guidance=1.0,
        strength=1.0,
        weight_bytes=16_000_000_000,
        working_bytes=4 * _GIB,
        few_steps=True,
    ),
    Checkpoint(
        name="z-image-turbo",
        title="Z-Image Turbo 6B",
        architecture="z_image",
        parts=_hf("Tongyi-MAI/Z-Image-Turbo"),
        licence="Apache-2.0",
        commercial="yes",
        note="Photographic; eight steps without guidance and without a negative prompt.",
        steps=8,
        guidance=0.0,
        strength=1.0,
        weight_bytes=20_500_000_000,
        working_bytes=4 * _GIB,
        few_steps=True,
    ),
    Checkpoint(
        name="qwen-image",
        title="Qwen-Image 20B",
        architecture="qwen_image",
        parts=_hf("Qwen/Qwen-Image"),
        licence="Apache-2.0",
        commercial="yes",
        note="Follows long prompts; large and slow.",
        steps=30,
        guidance=4.0,
        strength=0.95,
        weight_bytes=58_000_000_000,
        working_bytes=6 * _GIB,
    ),
    Checkpoint(
        name="qwen-image-edit",
        title="Qwen-Image-Edit 20B",
        architecture="qwen_image_edit",
        parts=_hf("Qwen/Qwen-Image-Edit"),
        licence="Apache-2.0",
        commercial="yes",
        note="Sees the whole picture while it paints: best at keeping to the product.",
        steps=30,
        guidance=4.0,
        strength=0.95,
        weight_bytes=58_000_000_000,
        working_bytes=8 * _GIB,
        sizes=_SIZES_EDIT,
    ),
    Checkpoint(
        name="qwen-image-edit-2509",
        title="Qwen-Image-Edit 2509",
        architecture="qwen_image_edit",
        parts=_hf("Qwen/Qwen-Image-Edit-2509"),
        licence="Apache-2.0",
        commercial="yes",
        note="The autumn 2025 weights of Qwen-Image-Edit.",
        steps=30,
        guidance=4.0,
        strength=0.95,
        weight_bytes=58_000_000_000,
        working_bytes=8 * _GIB,
        sizes=_SIZES_EDIT,
    ),
    Checkpoint(
        name="flux2-klein-9b",
        title="FLUX.2 klein 9B",
        architecture="flux2_klein",
        parts=_hf("black-forest-labs/FLUX.2-klein-9B"),
        licence=_NON_COMMERCIAL_FLUX,
        commercial="no",
        note="Commercial use needs a licence bought from Black Forest Labs.",
        steps=4,
        guidance=1.0,
        strength=1.0,
        weight_bytes=35_000_000_000,
        working_bytes=5 * _GIB,
        few_steps=True,
    ),
)

UNSUPPORTED: Final[Mapping[str, str]] = {
    "flux1-dev": f"{_NON_COMMERCIAL_FLUX}; no engine here",
    "flux1-fill-dev": f"{_NON_COMMERCIAL_FLUX}; no engine here",
    "flux1-kontext-dev": f"{_NON_COMMERCIAL_FLUX}; no engine here",
    "flux2-dev": f"{_NON_COMMERCIAL_FLUX}; no engine here",
    "qwen-image-2.1": "Qwen Research License, non-commercial; no engine here",
    "lbm-relighting": "CC BY-NC; no engine here",
}
"""Well-known checkpoints that people ask for, and why they are not offered."""

DEFAULT_CHECKPOINT: Final = "sdxl-ecomxl"


def find(name: str) -> Checkpoint:
    """Return the checkpoint of that name.

    Raises
    ------
    ModelRefused
        If there is none; the message says why or names the known ones.
    """
    for checkpoint in CHECKPOINTS:
        if checkpoint.name == name:
            return checkpoint
    if name in UNSUPPORTED:
        raise ModelRefused(f"{name} is not offered: {UNSUPPORTED[name]}")
    known = ", ".join(checkpoint.name for checkpoint in CHECKPOINTS)
    raise ModelRefused(f"no checkpoint is called {name!r}; known: {known}")


def allowed_names(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names of models whose terms the operator has accepted."""
    names = environ.get(ALLOWED_VARIABLE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def refuse_unlicensed(checkpoint: Checkpoint, allowed: frozenset[str]) -> None:
    """Refuse a checkpoint that a commercial service may not use.

    Raises
    ------
    ModelRefused
        If its terms are not plainly commercial and the operator has not accepted them.
    """
    if checkpoint.commercial != "yes" and checkpoint.name not in allowed:
        raise ModelRefused(
            f"{checkpoint.name} is under {checkpoint.licence}: {checkpoint.note} Who holds such a "
            f"licence adds the name to {ALLOWED_VARIABLE}."
        )


def missing_files(checkpoint: Checkpoint, models_dir: Path) -> tuple[str, ...]:
    """Return what keeps the weights from being loaded, in words; empty when they are there."""
    folder = checkpoint.folder(models_dir)
    if checkpoint.base:
        lacks = list(missing_files(find(checkpoint.base), models_dir))
        if not (folder / LORA_FILE).is_file():
            lacks.append(f"{folder / LORA_FILE} is missing")
        return tuple(lacks)
    if not (folder / "model_index.json").is_file():
        return (f"{folder / 'model_index.json'} is missing",)
    lacks = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _WITH_CODE:
            lacks.append(f"{path} could hold code; only safetensors are loaded")
    holders = [part.into for part in checkpoint.parts if part.into]
    for into in ("", *holders):
        if not any((folder / into).rglob("*.safetensors")):
            lacks.append(f"{folder / into} holds no .safetensors")
    return tuple(lacks)


def require(checkpoint: Checkpoint, models_dir: Path | None, allowed: frozenset[str]) -> Path:
    """Return the folder of a checkpoint that may be and can be loaded.

    Parameters
    ----------
    models_dir
        Folder of all models; None where the machine has none.

    Raises
    ------
    ModelRefused
        If its terms were not accepted.
    ModelMissing
        If its weights are not there; the message names the cure.
    """
    refuse_unlicensed(checkpoint, allowed)
    if models_dir is None:
        raise ModelMissing(
            f"the weights of {checkpoint.name} are not on this machine: set {MODELS_DIR_VARIABLE} "
            f"to a folder and run: manage.py models fetch {checkpoint.name}"
        )
    lacks = missing_files(checkpoint, models_dir)
    if lacks:
        raise ModelMissing(
            f"the weights of {checkpoint.name} cannot be loaded: {'; '.join(lacks[:3])}. Run: "
            f"manage.py models fetch {checkpoint.name}"
        )
    return checkpoint.folder(models_dir)


def nearest_size(sizes: tuple[Size, ...], canvas: Size) -> Size:
    """Return the size whose proportions are nearest to the canvas's, the first of equals.

    Examples
    --------
    >>> nearest_size(SIZES_1024, (2000, 2000))
    (1024, 1024)
    >>> nearest_size(SIZES_1024, (1080, 1920))
    (768, 1344)
    """
    width, height = canvas

    def distance(size: Size) -> float:
        ratio = (size[0] * height) / (size[1] * width)
        return max(ratio, 1 / ratio)

    return min(sizes, key=distance)

"""The small pictures on the scene cards, made by the pipelines themselves.

Owns ``gpu_workers/scenes/previews/<slug>.webp``, 480 x 480 px. To make them again, for all scenes
or for those named::

    python -m gpu_workers.pipelines.previews [--alpha ALPHA] PHOTO [SLUG ...]

With ``--before-after DIR`` it writes there instead, for each scene, what goes in beside what comes
out, 640 px each.

PHOTO is one of the project's own sample photos, since the pictures are part of the product. With
ALPHA, a gray picture of its opacity, the cards show the scene and not the quality of a cutout.
Mockups show a design drawn in code instead, and kinds that work on the whole photo get it whole.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image as Pillow

from gpu_workers import scene_spec
from gpu_workers.imaging.codec import decode_photo, encode
from gpu_workers.pipelines.preview_designs import design_for
from gpu_workers.pipelines.runner import render
from gpu_workers.protocol import OutputSpec, RenderOrder
from gpu_workers.scene_spec import SceneSpec, builtin_scenes

PREVIEW_PX: Final = 480
FOLDER: Final = Path(scene_spec.__file__).parent / "scenes" / "previews"
_BESIDE_PX: Final = 640
_BESIDE_QUALITY: Final = 86
_MAT: Final = "#e9e9e9"
_SEED: Final = 3
_WORDS: Final = {"headline": "Made to be used every day", "price": "€49", "badge": "New"}
"""What scenes that set words show on their cards."""
_WHOLE: Final = ("expand", "upscale")


def make_scene_preview(photo: bytes, scene: SceneSpec) -> bytes:
    """Return a 480 x 480 WebP of the product in the photo in one scene, or of a design printed."""
    # Composed at twice the size: textures and shadows are drawn for pictures of that size.
    _, files = _made(photo, scene, 2 * PREVIEW_PX)
    return files["small.webp"]


def _made(photo: bytes, scene: SceneSpec, side_px: int) -> tuple[bytes, dict[str, bytes]]:
    """Return what went in, and the files ``card.png`` and ``small.webp`` that came out."""
    source = design_for(scene.options.base) if scene.kind == "mockup" else photo
    files: dict[str, bytes] = {}
    output = OutputSpec("card", side_px, side_px, file_format="PNG")
    small = OutputSpec("small", PREVIEW_PX, PREVIEW_PX, file_format="WEBP", quality=86)
    order = RenderOrder(
        work_item="preview",
        attempt=1,
        tenant="preview",
        kind=scene.kind,
        source_key="photo",
        scene=scene,
        outputs=(output, small),
        seed=_SEED,
        result_prefix="",
        texts=_words(scene),
    )
    render(order, read=lambda _key: source, write=files.__setitem__, report=_tell_nobody)
    return source, files


def before_and_after(photo: bytes, scene: SceneSpec, *, whole: bytes) -> bytes:
    """Return a JPEG of what goes into a scene, the whole photo or a design, beside what comes out.

    Parameters
    ----------
    photo
        What is drawn from: the photo, or its product with its opacity.
    """
    source, made = _made(photo, scene, _BESIDE_PX)
    before = source if scene.kind == "mockup" else whole
    sides = []
    for data in (before, made["card.png"]):
        with Pillow.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGBA")
        picture.thumbnail((_BESIDE_PX, _BESIDE_PX), Pillow.Resampling.LANCZOS)
        side = Pillow.new("RGBA", (_BESIDE_PX, _BESIDE_PX), _MAT)
        corner = (_BESIDE_PX - picture.width) // 2, (_BESIDE_PX - picture.height) // 2
        side.alpha_composite(picture, corner)
        sides.append(np.asarray(side.convert("RGB")))
    return encode(np.concatenate(sides, axis=1), "JPEG", quality=_BESIDE_QUALITY)


def main(arguments: Sequence[str]) -> None:
    """Write the previews named on the command line."""
    scenes = builtin_scenes()
    parser = argparse.ArgumentParser(prog="python -m gpu_workers.pipelines.previews")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--alpha", type=Path, help="gray picture of the product's opacity")
    parser.add_argument("--before-after", type=Path, metavar="DIR", help="write there instead")
    parser.add_argument("slugs", nargs="*", metavar="slug", default=list(scenes))
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.slugs) - scenes.keys()
    if unknown:
        parser.error(f"no scene {', '.join(sorted(unknown))}; known: {', '.join(scenes)}")
    whole = photo = chosen.photo.read_bytes()
    if chosen.alpha:
        color = decode_photo(photo)
        opacity = decode_photo(chosen.alpha.read_bytes())[..., 0].astype(np.float32)
        photo = encode(color, "PNG", alpha=opacity / np.float32(255))
    folder = chosen.before_after or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for slug in chosen.slugs:
        source = whole if scenes[slug].kind in _WHOLE else photo
        if chosen.before_after:
            (folder / f"{slug}.jpg").write_bytes(
                before_and_after(source, scenes[slug], whole=whole)
            )
        else:
            (folder / f"{slug}.webp").write_bytes(make_scene_preview(source, scenes[slug]))


def _words(scene: SceneSpec) -> dict[str, str]:
    if scene.kind != "collateral":
        return {}
    if scene.options.layout == "badge_only":
        return {"badge": "−25 %"}
    return dict(_WORDS)


def _tell_nobody(*_told: object) -> None:
    """Make previews in silence."""


if __name__ == "__main__":
    main(sys.argv[1:])

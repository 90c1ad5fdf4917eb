"""The disposable child that decodes one photo from outside and writes clean copies of it.

Owns everything that touches the pixels of an uploaded file: opening it by an allow-list of
formats, size and frame limits, orientation, colour, and the three copies that are kept. Knows
neither Django nor the database; started by `apps.catalog.sandbox`, which reads its answer.

The child reads the file from standard input and writes into its working folder ``photo``,
``preview``, ``thumb`` and ``answer.json``. It opens these four before it looks at the first byte,
then takes from itself the right to open any file or socket, to start a process and to use more
than its share of memory and time: a decoder that misbehaves can end this process, no more.

Copies are 8-bit sRGB, upright, without any metadata: ``photo`` a JPEG (quality 95, 4:4:4), or a
PNG if the photo is really transparent somewhere; ``preview`` and ``thumb`` WebP of at most
1600 and 480 px. Sizes are pixels, memory is bytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypedDict

import pi_heif
from PIL import (
    AvifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from apps.catalog.inspection import ACCEPTED, HEAD_BYTES, FileFormat, detect_format

PREVIEW_PX: Final = 1600
THUMB_PX: Final = 480
JPEG_QUALITY: Final = 95
COPY_QUALITY: Final = 82
RUN_LENGTHS: Final = 3
"""zlib's Z_RLE: on photos a third faster than its default at the same size."""
OWN_BYTES: Final = 24 * 1024 * 1024
"""What interpreter and libraries take of the memory limit: 14 to 22 MB on Linux."""
MAX_OUTPUT_BYTES: Final = 256 * 1024 * 1024

PLUGINS: Final[dict[FileFormat, str]] = {
    FileFormat.JPEG: "JPEG",
    FileFormat.PNG: "PNG",
    FileFormat.WEBP: "WEBP",
    FileFormat.HEIC: "HEIF",
    FileFormat.AVIF: "AVIF",
}

TURNS: Final[dict[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.32, tag 0x0112: what undoes each orientation."""

ORIENTATION: Final = 0x0112
PILLOW_BYTES_PER_PIXEL: Final = 4
OUTPUTS: Final = ("photo", "preview", "thumb", "answer.json")
STATUS: Final = Path("/proc/self/status")

# Lazily imported by Pillow for some JPEG and PNG files: once the child is locked it cannot.
PRELOADED: Final = (
    AvifImagePlugin,
    MpoImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)


class Answer(TypedDict, total=False):
    """What the child tells its parent: a refusal, or the facts of the photo."""

    refusal: str
    detail: str
    width_px: int
    height_px: int
    has_alpha: bool
    peak_bytes: int


class Refused(Exception):
    """The file cannot be used; carries a code of `apps.catalog.inspection.REFUSALS`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost."""

    max_pixels: int
    max_side_px: int
    min_side_px: int
    memory_bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Copies:
    """The files that the child may write, open for writing."""

    photo: IO[bytes]
    preview: IO[bytes]
    thumb: IO[bytes]
    answer: IO[bytes]


def main(limits_json: str) -> None:
    """Decode standard input under the limits and write the copies and the answer."""
    limits = Limits(**json.loads(limits_json))
    os.closerange(3, 256)
    with contextlib.ExitStack() as stack:
        copies = Copies(*(stack.enter_context(Path(name).open("wb")) for name in OUTPUTS))
        status = stack.enter_context(STATUS.open()) if STATUS.exists() else None
        prepare_decoders(limits)
        lock_process(limits)
        answer = decide(sys.stdin.buffer, copies, limits)
        answer["peak_bytes"] = peak_bytes(status)
        copies.answer.write(json.dumps(answer).encode())


def prepare_decoders(limits: Limits) -> None:
    """Register the decoders and set their own limits, before any byte is read."""
    Image.preinit()
    # One thread: each further one would reserve its stack from the memory limit.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pi_heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def lock_process(limits: Limits) -> None:
    """Give up memory, time, new files and sockets for good, where the system can."""
    set_limit("RLIMIT_CORE", 0)
    set_limit("RLIMIT_FSIZE", MAX_OUTPUT_BYTES)
    set_limit("RLIMIT_CPU", limits.cpu_seconds)
    # Linux counts every private writable page here, which is what a decoder can spend.
    set_limit("RLIMIT_DATA", limits.memory_bytes)
    # No limit on processes: the HEVC decoder starts a thread and aborts where it may not.
    with open(os.devnull, "rb") as probe:  # noqa: PTH123
        lowest_free = probe.fileno()
    set_limit("RLIMIT_NOFILE", lowest_free)


def set_limit(name: str, value: int) -> None:
    """Lower one limit; a system that lacks it or forbids the value keeps its own."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        resource.setrlimit(getattr(resource, name), (value, value))


def decide(source: IO[bytes], copies: Copies, limits: Limits) -> Answer:
    """Return the facts of the photo after writing its copies, or the refusal."""
    try:
        return decode(source, copies, limits)
    except Refused as refusal:
        return {"refusal": refusal.code, "detail": refusal.detail}
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return {"refusal": "upload.too_many_pixels"}
    except MemoryError:
        return {"refusal": "upload.decoder_limit", "detail": "memory"}
    # The decoders raise what they like at a hostile file, SyntaxError and RuntimeError among it;
    # whatever it is, the file could not be read and nothing outside this process is concerned.
    except Exception as error:  # noqa: BLE001
        return {"refusal": "upload.unreadable", "detail": f"{type(error).__name__}: {error}"[:300]}


def decode(source: IO[bytes], copies: Copies, limits: Limits) -> Answer:
    """Open, check, normalise and write one photo.

    Raises
    ------
    Refused
        If the file breaks a limit or holds several pictures.
    """
    image = opened(source, limits)
    turn = TURNS.get(orientation_of(image))
    profile = image.info.get("icc_profile")
    image.load()
    image = in_srgb(image, profile)
    if turn is not None:
        image = image.transpose(turn)
    image = without_unused_alpha(image)
    image.info.clear()
    answer: Answer = {
        "width_px": image.width,
        "height_px": image.height,
        "has_alpha": image.mode == "RGBA",
    }
    if image.mode == "RGBA":
        image.save(copies.photo, "PNG", compress_level=1, compress_type=RUN_LENGTHS)
    else:
        image.save(copies.photo, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    preview = fitted(image, PREVIEW_PX)
    del image
    preview.save(copies.preview, "WEBP", quality=COPY_QUALITY, method=3)
    fitted(preview, THUMB_PX).save(copies.thumb, "WEBP", quality=COPY_QUALITY, method=3)
    return answer


def opened(source: IO[bytes], limits: Limits) -> Image.Image:
    """Open the file by its magic bytes and check all that its header says.

    Raises
    ------
    Refused
        If the header breaks a limit.
    """
    head = source.read(HEAD_BYTES)
    source.seek(0)
    file_format = detect_format(head)
    if file_format not in ACCEPTED:
        raise Refused("upload.not_a_photo")
    image = Image.open(source, formats=[PLUGINS[file_format]])
    # A JPEG's further pictures are the phone's depth or gain map, not another photo.
    if file_format is not FileFormat.JPEG and getattr(image, "n_frames", 1) > 1:
        raise Refused("upload.several_frames")
    if image.width * image.height > limits.max_pixels:
        raise Refused("upload.too_many_pixels")
    if max(image.size) > limits.max_side_px:
        raise Refused("upload.side_too_long")
    if min(image.size) < limits.min_side_px:
        raise Refused("upload.too_small")
    if decoding_bytes(image) > limits.memory_bytes - OWN_BYTES:
        raise Refused("upload.decoder_limit", "progressive")
    return image


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 if there is none or the EXIF block is broken."""
    # A broken metadata block is no reason to refuse good pixels.
    with contextlib.suppress(Exception):
        return int(image.getexif().get(ORIENTATION, 1))
    return 1


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture as 8-bit RGB or RGBA in sRGB, through its profile where it has one."""
    image = in_eight_bits(image)
    if profile and image.mode in {"RGB", "RGBA", "CMYK", "L"}:
        # A profile that does not fit its picture is common in the wild and is ignored, as
        # browsers do: the numbers are then taken for sRGB.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            image = through_profile(image, profile)
    return image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture in mode L, RGB, RGBA or CMYK, 8 bits a channel."""
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode.startswith("I"):
        # 16-bit grey: the high byte, as PNG's specification (12.5) scales samples.
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("L" if image.mode in {"1", "LA"} else "RGB")


def through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the embedded ICC profile to sRGB, relative colorimetric with black point."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    in_place = image.mode in {"RGB", "RGBA"}
    converted = ImageCms.profileToProfile(
        image,
        source,
        target,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode=None if in_place else "RGB",
        inPlace=in_place,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return image if converted is None else converted


def without_unused_alpha(image: Image.Image) -> Image.Image:
    """Return an RGBA picture that is opaque everywhere as RGB; any other as it is."""
    if image.mode != "RGBA":
        return image
    opaque_pixels = image.getchannel("A").histogram()[255]
    return image.convert("RGB") if opaque_pixels == image.width * image.height else image


def fitted(image: Image.Image, longest_px: int) -> Image.Image:
    """Return a copy whose longer side is at most ``longest_px``; never an enlarged one."""
    scale = min(1.0, longest_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def decoding_bytes(image: Image.Image) -> int:
    """Return what a progressive JPEG needs to be decoded; 0 for all others, which fail cleanly.

    libjpeg keeps every coefficient of such a file, two bytes each, beside the picture. When that
    memory is refused, Pillow reports a broken stream, and a good photo would be called damaged.
    """
    layers = getattr(image, "layer", None)
    if not (layers and image.info.get("progressive")):
        return 0
    widest = max(layer[1] * layer[2] for layer in layers)
    coefficients = sum(layer[1] * layer[2] for layer in layers) / widest
    return int(image.width * image.height * (2 * coefficients + PILLOW_BYTES_PER_PIXEL))


def peak_bytes(status: IO[str] | None) -> int:
    """Return the most memory this process has held, from its status file or the system's count."""
    if status is not None:
        status.seek(0)
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1])

"""Pictures for the tests of uploads, made here: nothing is downloaded."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

CANARY = b"canary-5f1c"
"""Written into every metadata block; must not be found in anything that is served."""


def encoded(image: Image.Image, file_format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def quadrants(width: int = 320, height: int = 200) -> Image.Image:
    """Red, green, blue and white quarters, so that turns and swapped channels are seen."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (230, 20, 20)
    pixels[: height // 2, width // 2 :] = (20, 200, 30)
    pixels[height // 2 :, : width // 2] = (20, 30, 220)
    pixels[height // 2 :, width // 2 :] = (245, 245, 245)
    return Image.fromarray(pixels)


def jpeg(seed: int = 0, width: int = 320, height: int = 200) -> bytes:
    """A small JPEG; another seed is another file."""
    image = quadrants(width, height)
    image.putpixel((0, 0), (seed % 256, seed // 256 % 256, 7))
    return encoded(image, quality=90, comment=str(seed).encode())


def jpeg_with_metadata(orientation: int = 1) -> bytes:
    """A JPEG with a position, XMP, a comment, a Photoshop block and bytes behind its end."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + CANARY + b"</x:xmpmeta>"
    data = encoded(quadrants(), quality=95, exif=exif, comment=CANARY, xmp=xmp)
    photoshop = b"Photoshop 3.0\x008BIM" + CANARY
    block = b"\xff\xed" + struct.pack(">H", len(photoshop) + 2) + photoshop
    return data[:2] + block + data[2:] + CANARY


def png_with_metadata() -> bytes:
    """A transparent PNG with text, compressed text, international text, EXIF and bytes behind."""
    image = quadrants().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", CANARY.decode())
    text.add_text("Author", CANARY.decode(), zip=True)
    text.add_itxt("XML:com.adobe.xmp", CANARY.decode())
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    return encoded(image, "PNG", pnginfo=text, exif=exif) + CANARY


def swapped_channels_profile() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    table = bytearray(profile)
    tags = {}
    for index in range(struct.unpack_from(">I", table, 128)[0]):
        entry = 132 + 12 * index
        tags[bytes(table[entry : entry + 4])] = entry
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    table[red + 4 : red + 12], table[blue + 4 : blue + 12] = (
        table[blue + 4 : blue + 12],
        table[red + 4 : red + 12],
    )
    return bytes(table)


def noise(width: int, height: int) -> Image.Image:
    """A picture that does not compress to nothing, quickly made at any size."""
    tile = np.random.default_rng(7).integers(0, 256, (256, 256, 3), np.uint8)
    rows, columns = -(-height // 256), -(-width // 256)
    return Image.fromarray(np.tile(tile, (rows, columns, 1))[:height, :width])


def animated(file_format: str) -> bytes:
    """Two frames."""
    first, second = quadrants(), quadrants().rotate(180)
    return encoded(first, file_format, save_all=True, append_images=[second], duration=100)

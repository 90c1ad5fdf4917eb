"""What the decoder makes of a photo, in its real child process."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from apps.catalog import sandbox
from apps.catalog.sandbox import Decoded, DecodeRefused
from apps.core.errors import UnavailableError
from tests.apps.catalog import pictures
from tests.apps.catalog.pictures import CANARY, encoded, noise, quadrants

HERE = Path(__file__).parent
Decode = Callable[[bytes], Decoded]


@pytest.fixture
def decode(tmp_path: Path) -> Decode:
    """Decode bytes in a folder of their own."""
    count = iter(range(1000))

    def run(data: bytes) -> Decoded:
        folder = tmp_path / f"decode{next(count)}"
        (folder / "copies").mkdir(parents=True)
        (folder / "original").write_bytes(data)
        return sandbox.decode(folder / "original", folder / "copies")

    return run


def refusal(decode: Decode, data: bytes) -> str:
    with pytest.raises(DecodeRefused) as refused:
        decode(data)
    return refused.value.code


def corners(path: Path) -> list[tuple[int, ...]]:
    """Colors well inside the four quarters: top left, top right, bottom left, bottom right."""
    with Image.open(path) as image:
        width, height = image.size
        places = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
        pixels = image.convert("RGB")
        return [pixels.getpixel(place) for place in places]  # type: ignore[misc]


def assert_colors(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], by: int) -> None:
    assert np.abs(np.array(found) - np.array(expected)).max() <= by, found


RED, GREEN, BLUE, WHITE = (230, 20, 20), (20, 200, 30), (20, 30, 220), (245, 245, 245)
UPRIGHT = [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_common_format_keeps_its_colors(decode: Decode, file_format: str) -> None:
    decoded = decode(encoded(quadrants(), file_format, quality=95))

    assert (decoded.width_px, decoded.height_px, decoded.has_alpha) == (320, 200, False)
    assert decoded.photo_name == "photo.jpg"
    for path in (decoded.photo, decoded.preview, decoded.thumb):
        assert_colors(corners(path), UPRIGHT, by=12)


def test_an_iphones_heic_is_read(decode: Decode) -> None:
    decoded = decode((HERE / "quadrants.heic").read_bytes())

    assert (decoded.width_px, decoded.height_px) == (160, 100)
    assert_colors(corners(decoded.photo), UPRIGHT, by=12)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_a_photo_taken_on_its_side_stands_upright(
    decode: Decode, orientation: int, expected: list[tuple[int, ...]]
) -> None:
    decoded = decode(pictures.jpeg_with_metadata(orientation))

    size = (320, 200) if orientation < 5 else (200, 320)
    assert (decoded.width_px, decoded.height_px) == size
    assert_colors(corners(decoded.photo), expected, by=12)
    assert_colors(corners(decoded.thumb), expected, by=12)


@pytest.mark.parametrize("make", [pictures.jpeg_with_metadata, pictures.png_with_metadata])
def test_nothing_of_the_container_survives(decode: Decode, make: Callable[[], bytes]) -> None:
    original = make()
    assert CANARY in original

    decoded = decode(original)

    for path in (decoded.photo, decoded.preview, decoded.thumb):
        data = path.read_bytes()
        assert CANARY not in data
        assert b"Exif" not in data
        assert b"Photoshop" not in data
        with Image.open(path) as image:
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment", "Comment"} & set(image.info)


def test_the_embedded_profile_is_followed_and_not_kept(decode: Decode) -> None:
    swapped = pictures.swapped_channels_profile()

    decoded = decode(encoded(quadrants(), quality=95, icc_profile=swapped))

    found = corners(decoded.photo)
    assert_colors(found, [RED[::-1], GREEN[::-1], BLUE[::-1], WHITE], by=16)
    assert swapped[:64] not in decoded.photo.read_bytes()


def test_a_profile_of_the_wrong_kind_is_ignored(decode: Decode) -> None:
    gray = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

    for profile in (gray, b"not a profile at all", pictures.swapped_channels_profile()[:200]):
        decoded = decode(encoded(quadrants(), quality=95, icc_profile=profile))
        assert_colors(corners(decoded.photo), UPRIGHT, by=12)


def test_a_broken_exif_block_is_no_reason_to_refuse(decode: Decode) -> None:
    data = encoded(quadrants(), quality=95)
    block = b"Exif\x00\x00II*\x00\xff\xff\xff\xff"
    broken = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]

    assert decode(broken).width_px == 320


def test_cmyk_becomes_rgb(decode: Decode) -> None:
    decoded = decode(encoded(quadrants().convert("CMYK"), quality=95))

    assert_colors(corners(decoded.photo), UPRIGHT, by=16)


def test_sixteen_bits_of_gray_become_eight(decode: Decode) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[np.newaxis].repeat(80, axis=0)

    decoded = decode(encoded(Image.fromarray(ramp), "PNG"))

    with Image.open(decoded.photo) as image:
        row = np.asarray(image.convert("L"))[40].astype(int)
    assert np.abs(row - np.arange(256)).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_few_colors_become_rgb(decode: Decode, mode: str) -> None:
    decoded = decode(encoded(quadrants().convert(mode), "PNG"))

    with Image.open(decoded.photo) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")


def test_real_transparency_is_kept_without_loss(decode: Decode) -> None:
    image = quadrants().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))

    decoded = decode(encoded(image, "PNG"))

    assert decoded.has_alpha
    assert decoded.photo_name == "photo.png"
    with Image.open(decoded.photo) as photo:
        assert np.array_equal(np.asarray(photo), np.asarray(image))
    with Image.open(decoded.thumb) as thumb:
        assert thumb.mode == "RGBA"


def test_transparency_that_hides_nothing_is_dropped(decode: Decode) -> None:
    opaque = quadrants().convert("RGBA")
    gray_with_color_key = encoded(quadrants().convert("P"), "PNG", transparency=255)

    assert not decode(encoded(opaque, "PNG")).has_alpha
    assert not decode(gray_with_color_key).has_alpha


def test_copies_are_smaller_never_larger(decode: Decode) -> None:
    big, small = decode(encoded(noise(2400, 1200))), decode(encoded(noise(200, 100)))

    sizes = []
    for path in (big.preview, big.thumb, small.preview, small.thumb):
        with Image.open(path) as image:
            sizes.append(image.size)
    assert sizes == [(1600, 800), (480, 240), (200, 100), (200, 100)]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF"])
def test_an_animation_is_refused(decode: Decode, file_format: str) -> None:
    assert refusal(decode, pictures.animated(file_format)) == "upload.several_frames"


def test_a_phones_jpeg_with_a_depth_map_is_its_first_picture(decode: Decode) -> None:
    buffer = io.BytesIO()
    quadrants().save(buffer, "MPO", save_all=True, append_images=[noise(320, 200)], quality=95)

    assert_colors(corners(decode(buffer.getvalue()).photo), UPRIGHT, by=12)


def test_sizes_beyond_the_limits_are_refused_by_name(decode: Decode, settings: Any) -> None:
    settings.UPLOAD_MAX_PIXELS = 100_000
    settings.UPLOAD_MAX_SIDE_PX = 1000

    assert refusal(decode, encoded(noise(400, 251))) == "upload.too_many_pixels"
    assert refusal(decode, encoded(noise(1001, 90))) == "upload.side_too_long"
    assert refusal(decode, encoded(noise(400, 63))) == "upload.too_small"
    assert decode(encoded(noise(400, 250))).width_px == 400
    assert decode(encoded(noise(1000, 64))).height_px == 64


def test_a_header_that_promises_64250_squared_is_refused(decode: Decode) -> None:
    data = bytearray(encoded(quadrants()))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 64250, 64250)

    assert refusal(decode, bytes(data)) == "upload.too_many_pixels"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_file_cut_short_is_called_damaged(decode: Decode, file_format: str) -> None:
    data = encoded(noise(400, 300), file_format)

    assert refusal(decode, data[: len(data) // 2]) == "upload.unreadable"


@pytest.mark.slow
def test_fifty_megapixels_fit_into_the_memory_of_one_photo(decode: Decode, settings: Any) -> None:
    settings.DECODE_WALL_SECONDS = 60.0
    turned = Image.Exif()
    turned[0x0112] = 6
    photo = noise(8640, 5787)

    decoded = decode(encoded(photo, quality=90, exif=turned))

    assert (decoded.width_px, decoded.height_px) == (5787, 8640)
    assert decoded.peak_bytes <= 512_000_000


@pytest.mark.slow
def test_fifty_one_megapixels_are_refused_before_they_are_decoded(decode: Decode) -> None:
    assert refusal(decode, encoded(noise(8640, 5903), quality=50)) == "upload.too_many_pixels"


def test_a_progressive_photo_that_needs_too_much_is_not_called_damaged(
    decode: Decode, settings: Any
) -> None:
    settings.DECODE_MEMORY_BYTES = 80 * 1024 * 1024
    photo = noise(3000, 2000)

    plain = decode(encoded(photo, quality=90))
    code = refusal(decode, encoded(photo, quality=50, progressive=True, subsampling=0))

    assert plain.width_px == 3000
    assert code == "upload.decoder_limit"


# A child that is no longer ours: each body takes the place of the decoder. What is not stopped
# ends by answering `upload.empty`, which the test does not accept.
ESCAPED = "return {'refusal': 'upload.empty'}"
MISBEHAVIORS = {
    "aborts": "os.abort()",
    "exits with a lie": "os._exit(3)",
    "takes 1 GB": f"b'x' * 1_000_000_000; {ESCAPED}",
    "never ends": "\n        while True: pass",
    "sleeps": f"time.sleep(8); {ESCAPED}",
    "fills the disk": f"copies.photo.write(b'x' * 4_000_000); copies.photo.flush(); {ESCAPED}",
    "says nonsense": "return {'width_px': 'wide'}",
    "names no copies": "return {'width_px': 9, 'height_px': 9, 'has_alpha': False}",
    "invents a code": "return {'refusal': 'upload.<script>'}",
    "sends a page": (
        "copies.photo.write(b'<html>'); return {'width_px': 9, 'height_px': 9, 'has_alpha': False}"
    ),
}


def misbehave(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = (
        "import os, socket, sys, time; sys.path[:0] = sys.argv[2:]\n"
        "from apps.catalog import decoding\n"
        f"def decide(source, copies, limits):\n        {body}\n"
        "decoding.decide = decide\n"
        "decoding.MAX_OUTPUT_BYTES = 1_000_000\n"
        "decoding.main(sys.argv[1])\n"
    )
    monkeypatch.setattr(sandbox, "_PROGRAM", program)


@pytest.mark.parametrize("body", MISBEHAVIORS.values(), ids=MISBEHAVIORS.keys())
def test_a_child_that_misbehaves_is_a_refusal_and_no_more(
    decode: Decode, monkeypatch: pytest.MonkeyPatch, settings: Any, body: str
) -> None:
    settings.DECODE_WALL_SECONDS = 4.0
    misbehave(monkeypatch, body)

    code = refusal(decode, pictures.jpeg())

    assert code in {"upload.decoder_limit", "upload.unreadable"}


@pytest.mark.parametrize(
    "body",
    [
        "open('{outside}', 'w')",
        "open('/etc/passwd')",
        "__import__('socket').socket()",
        "__import__('os').pipe()",
    ],
)
def test_a_child_can_open_nothing_once_it_has_seen_the_file(
    decode: Decode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str
) -> None:
    act = body.format(outside=tmp_path / "outside")
    misbehave(
        monkeypatch,
        f"\n        try: {act}\n        except OSError: return {{'refusal': 'upload.empty'}}",
    )

    assert refusal(decode, pictures.jpeg()) == "upload.empty"
    assert not (tmp_path / "outside").exists()


def test_the_child_inherits_no_secret(decode: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKSHOT_SECRET_KEY", "canary")
    misbehave(
        monkeypatch,
        "import os, json; "
        "return {'refusal': 'upload.unreadable', 'detail': json.dumps(dict(os.environ))}",
    )

    with pytest.raises(DecodeRefused) as refused:
        decode(pictures.jpeg())

    assert "canary" not in refused.value.detail
    assert set(json.loads(refused.value.detail)) <= {
        "LANG",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "MALLOC_ARENA_MAX",
        "MALLOC_MMAP_THRESHOLD_",
    }


def test_who_waits_too_long_for_a_decoder_is_told_to_come_back(
    decode: Decode, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DECODE_QUEUE_SECONDS = 0.01
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(sandbox, "_slots", taken)

    with pytest.raises(UnavailableError) as refused:
        decode(pictures.jpeg())

    assert refused.value.code == "upload.busy"


def test_the_web_never_loads_a_decoder() -> None:
    program = (
        "import django; django.setup(); import apps.catalog.views.uploads, sys; "
        "sys.exit('apps.catalog.decoding' in sys.modules or 'pi_heif' in sys.modules)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "PATH": "/usr/bin:/bin"}
    root = HERE.parents[2]

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr

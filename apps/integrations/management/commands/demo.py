"""The main job without a browser, through the public API only."""

from __future__ import annotations

import json
import logging
import os
import shutil
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.integrations.contact_sheet import contact_sheet
from apps.integrations.demo_client import DemoClient, DemoFailed
from config.env import ROOT

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}
_SAMPLES = ROOT / "apps" / "catalog" / "sample_photos" / "photos"
_SECONDS_PER_PHOTO = 60.0


class Command(BaseCommand):
    """Upload, order, wait, approve, download; every photo must come back as a picture."""

    help = "Do the main job on a folder of photos through the public API."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the photos, the place of the results and what to order."""
        parser.add_argument("--photos", default=os.environ.get("PHOTOS", ""))
        parser.add_argument("--out", default=str(ROOT / "demo-out"))
        parser.add_argument("--scene", default=os.environ.get("SCENE", "packshot-white"))
        parser.add_argument("--channels", default=os.environ.get("CHANNELS", "amazon-main"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the job; exit 0 only if every photo became an approved, exported picture."""
        logging.getLogger("httpx").setLevel(logging.WARNING)
        photos = _photos(options["photos"])
        state = _running()
        client = DemoClient(state["url"], state["api_key"])
        channels = [part.strip() for part in options["channels"].split(",") if part.strip()]
        try:
            self._run(client, photos, options["scene"], channels, Path(options["out"]))
        except DemoFailed as error:
            raise CommandError(str(error)) from error

    def _run(
        self, client: DemoClient, photos: list[Path], scene: str, channels: list[str], out: Path
    ) -> None:
        begun = time.monotonic()
        uploads, refused = [], []
        for photo in photos:
            try:
                uploads.append(client.upload(photo))
            except DemoFailed as error:
                refused.append(str(error))
        if not uploads:
            raise DemoFailed("No photo was accepted:\n  " + "\n  ".join(refused))
        uploaded = time.monotonic()
        print(f"uploaded {len(uploads)} of {len(photos)} photos in {uploaded - begun:.1f} s")
        ids = list(dict.fromkeys(upload["id"] for upload in uploads))
        shoot = client.order(ids, scene, channels)
        client.wait(
            shoot["id"],
            limit_seconds=_SECONDS_PER_PHOTO * len(ids) + 60,
            progress=_bar,
        )
        print()
        rendered = time.monotonic()
        renders = list(client.renders(shoot["id"]))
        failed = [
            f"{r['sku']}: {r['failure_detail']}" for r in renders if r["state"] != "succeeded"
        ]
        for render in renders:
            if render["state"] == "succeeded":
                client.approve(render["id"])
        if len(failed) == len(renders):
            raise DemoFailed("No photo could be rendered:\n  " + "\n  ".join(failed))
        files = _unpack(client.export(shoot["id"], limit_seconds=120), out)
        contact_sheet([(out / f["file"], f["file"]) for f in files]).save(
            out / "contact-sheet.jpg", quality=88
        )
        _report(renders, files, seconds=rendered - uploaded, out=out)
        missing = refused + failed
        if missing or len({f["render"] for f in files}) < len(ids):
            raise DemoFailed("Not every photo became a picture:\n  " + "\n  ".join(missing))


def _photos(folder: str) -> list[Path]:
    place = Path(folder).expanduser() if folder else _SAMPLES
    if not place.is_dir():
        raise CommandError(f"{place} is no folder; name one with PHOTOS=dir make demo.")
    found = sorted(
        path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()
    )
    if not found:
        raise CommandError(f"{place} holds no photos (JPEG, PNG, WebP, HEIC or AVIF).")
    return found


def _running() -> dict[str, str]:
    try:
        state: dict[str, str] = json.loads((settings.VAR_DIR / "up.json").read_text())
        return state
    except (OSError, ValueError):
        raise CommandError(
            "Packshot is not running on this folder; start it with make up in another terminal."
        ) from None


def _bar(counts: dict[str, int]) -> None:
    ended = counts["succeeded"] + counts["failed"] + counts["canceled"]
    filled = round(30 * ended / max(1, counts["total"]))
    line = f"rendering [{'█' * filled}{'·' * (30 - filled)}] {ended}/{counts['total']}"
    if sys.stdout.isatty():
        print(f"\r{line}", end="", flush=True)
    elif ended == counts["total"]:
        print(line, end="", flush=True)


def _unpack(archive: ZipFile, out: Path) -> list[dict[str, Any]]:
    """Write the pictures as ``<sku>_<view>_<channel>.<ext>`` with the manifest beside them."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    for entry in manifest["files"]:
        stem, _, extension = entry["file"].rpartition(".")
        size = f"_{entry['width_px']}x{entry['height_px']}"
        name = f"{stem.replace(size, '')}.{extension}"
        (out / name).write_bytes(archive.read(entry["file"]))
        entry["file"] = name
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    files: list[dict[str, Any]] = manifest["files"]
    return files


def _report(
    renders: list[dict[str, Any]], files: list[dict[str, Any]], *, seconds: float, out: Path
) -> None:
    done = [render for render in renders if render["state"] == "succeeded"]
    each = [render["provenance"]["seconds"] for render in done]
    waits = sorted(
        _moment(render["started_at"]) - _moment(render["queued_at"])
        for render in done
        if render["started_at"]
    )
    print(f"{len(files)} pictures in {out}")
    print(
        f"seconds per image per worker: median {statistics.median(each):.2f}, max {max(each):.2f}"
    )
    if waits:
        print(f"queue wait: median {statistics.median(waits):.1f} s, max {waits[-1]:.1f} s")
    print(f"order to last picture: {seconds:.1f} s, {len(done) / seconds * 60:.1f} images a minute")
    unsure = [r["sku"] for r in done if (r["confidence"] or 0) < 0.6]
    if unsure:
        print(f"please check the edge of: {', '.join(unsure)}")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

"""The work that bare RQ and Celery are given: what a calibrated render writes, and nothing else.

Standard library only, and no Django: what is measured around it is the queue.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

_PICTURE = bytes(90)


def work(payload: str, folder: str) -> None:
    """Read the payload, write two pictures and a manifest into a folder of their own."""
    batch = json.loads(payload)
    target = Path(folder) / uuid.uuid4().hex
    target.mkdir(parents=True)
    for name in ("preview.png", "shop.png"):
        (target / name).write_bytes(_PICTURE)
    digest = hashlib.sha256(_PICTURE).hexdigest()
    manifest = {"batch": batch["batch"], "sha256": digest}
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="ascii")

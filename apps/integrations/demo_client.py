"""A platform's client in small: the main job through the public API and nothing else.

Used by ``make demo``. Knows no model and no database: only addresses, the key and JSON.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

_POLL_SECONDS = 0.25


class DemoFailed(RuntimeError):
    """The main job did not end as it should; the message says where and why."""


class DemoClient:
    """Uploads, orders, waits, approves and downloads."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=60,
            trust_env=False,
        )

    def upload(self, photo: Path) -> dict[str, Any]:
        """Upload one photo.

        Raises
        ------
        DemoFailed
            With the reason the API gave.
        """
        with photo.open("rb") as file:
            return self._body(
                self._http.post("/uploads", files={"file": (photo.name, file)}), photo.name
            )

    def order(self, photos: list[str], scene: str, sales_channels: list[str]) -> dict[str, Any]:
        """Order a shoot of the photos."""
        order = {"photos": photos, "scene_template": scene, "sales_channels": sales_channels}
        return self._body(self._http.post("/shoots", json=order), "order")

    def wait(
        self, shoot: str, *, limit_seconds: float, progress: Callable[[dict[str, int]], None]
    ) -> dict[str, Any]:
        """Wait until every render of the shoot has ended.

        Raises
        ------
        DemoFailed
            If that takes longer than the limit.
        """
        deadline = time.monotonic() + limit_seconds
        while True:
            body = self._body(self._http.get(f"/shoots/{shoot}"), "shoot")
            progress(body["counts"])
            if body["state"] != "rendering":
                return body
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"The shoot is not finished after {limit_seconds:.0f} s: {body['counts']}"
                )
            time.sleep(_POLL_SECONDS)

    def renders(self, shoot: str) -> Iterator[dict[str, Any]]:
        """Yield all renders of the shoot."""
        cursor: str | None = None
        while True:
            query = {"shoot": shoot, "limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = self._body(self._http.get("/renders", params=query), "renders")
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]

    def approve(self, render: str) -> None:
        """Approve one render."""
        self._body(
            self._http.post(f"/renders/{render}/review", json={"verdict": "approve"}), "review"
        )

    def export(self, shoot: str, *, limit_seconds: float) -> zipfile.ZipFile:
        """Export the shoot's approved renders and return the archive.

        Raises
        ------
        DemoFailed
            If the export fails or takes longer than the limit.
        """
        export = self._body(self._http.post("/exports", json={"shoot": shoot}), "export")
        deadline = time.monotonic() + limit_seconds
        while export["state"] not in {"ready", "failed"}:
            if time.monotonic() > deadline:
                raise DemoFailed(f"The export is not ready after {limit_seconds:.0f} s.")
            time.sleep(_POLL_SECONDS)
            export = self._body(self._http.get(f"/exports/{export['id']}"), "export")
        if export["state"] == "failed":
            raise DemoFailed(f"The export failed: {export['failure_detail']}")
        archive = self._http.get(export["url"])
        archive.raise_for_status()
        return zipfile.ZipFile(io.BytesIO(archive.content))

    @staticmethod
    def _body(answer: httpx.Response, what: str) -> dict[str, Any]:
        if answer.is_success:
            body: dict[str, Any] = answer.json()
            return body
        try:
            reason = answer.json()["detail"]
        except (ValueError, KeyError):
            reason = answer.text[:200]
        raise DemoFailed(f"{what}: {reason} (status {answer.status_code})")

"""Shapes of requests and answers, as OpenAPI documents them. Unknown request fields are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field


class Strict(Schema):
    """Base of request bodies: a misspelt field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


class ProblemOut(Schema):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[dict[str, Any]] = Field(default_factory=list)


class ProductOut(Schema):
    """The product a photo shows."""

    id: str
    sku: str
    title: str


class UploadOut(Schema):
    """An accepted upload. ``id`` names the source photo and is what a shoot takes."""

    id: str
    upload: str
    state: Literal["accepted", "duplicate"]
    file_name: str
    width_px: int
    height_px: int
    sha256: str
    view: str
    product: ProductOut


class ShootIn(Strict):
    """An order."""

    photos: list[str] = Field(min_length=1, max_length=5000)
    scene_template: str = "packshot-white"
    sales_channels: list[str] = Field(default=["amazon-main"], min_length=1, max_length=30)
    takes: int = Field(default=1, ge=1, le=8)
    name: str = Field(default="", max_length=120)
    fill: float | None = Field(default=None, ge=0.2, le=0.98)
    texts: dict[str, str] = Field(default_factory=dict, max_length=20)
    """Words that the pictures set, by the names their kind knows, for example ``headline``."""
    pictures: dict[str, str] = Field(default_factory=dict, max_length=10)
    """Role to the id of an uploaded photo that all renders are made with, for example ``logo``;
    ``none`` leaves the brand kit's logo out."""


class BrandKitIn(Strict):
    """The brand of the workspace's pictures with words. Colors are ``#rrggbb``."""

    primary: str = Field(max_length=20)
    secondary: str = Field(max_length=20)
    text: str = Field(max_length=20)
    headline_font: str = Field(max_length=20)
    body_font: str = Field(max_length=20)


class BrandLogoOut(Schema):
    """A logo, as it was cleaned."""

    id: str
    width_px: int
    height_px: int


class BrandKitOut(Schema):
    """The brand kit that new orders take; ``contrast_on_white`` is WCAG's ratio, 1 to 21."""

    primary: str
    secondary: str
    text: str
    headline_font: str
    body_font: str
    contrast_on_white: dict[str, float]
    logo: BrandLogoOut | None
    updated_at: datetime


class CountsOut(Schema):
    """Renders of a shoot by state."""

    queued: int
    rendering: int
    succeeded: int
    failed: int
    canceled: int
    total: int


class ShootOut(Schema):
    """A shoot and how far it is."""

    id: str
    number: int
    name: str
    state: str
    scene_template: str
    sales_channels: list[str]
    takes: int
    credits: int
    quote: dict[str, Any]
    counts: CountsOut
    ordered_at: datetime
    finished_at: datetime | None


class FileOut(Schema):
    """One finished file of an approved render."""

    sales_channel: str
    url: str
    width_px: int
    height_px: int
    file_format: str
    size_bytes: int
    sha256: str
    checks: dict[str, Any]


class RenderOut(Schema):
    """A render: state, verdict, provenance, and its files once approved."""

    id: str
    shoot: str
    photo: str
    sku: str
    view: str
    take: int
    state: str
    review: Literal["pending", "approved", "rejected"] | None
    engine: str
    seed: int
    confidence: float | None
    fidelity: dict[str, Any]
    provenance: dict[str, Any]
    failure_code: str
    failure_detail: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    files: list[FileOut]


class RenderPage(Schema):
    """One page of renders, in the order of the contact sheet."""

    data: list[RenderOut]
    has_more: bool
    next_cursor: str | None


class VerdictIn(Strict):
    """A verdict. A rejection names a reason."""

    verdict: Literal["approve", "reject", "undo"]
    reason: str = ""
    note: str = Field(default="", max_length=1000)


class ExportIn(Strict):
    """What to export: a shoot's approved renders, or renders by name."""

    shoot: str | None = None
    renders: list[str] | None = Field(default=None, max_length=5000)
    sales_channels: list[str] = Field(default_factory=list)


class ExportOut(Schema):
    """An export; ``url`` is there when it is ready and works for a day."""

    id: str
    state: str
    url: str | None
    file_count: int
    size_bytes: int
    failure_detail: str
    requested_at: datetime
    finished_at: datetime | None


class UsageOut(Schema):
    """Plan, credits and how work flows."""

    plan: str
    credits_available: int
    credits_reserved: int
    credits_used: int
    renders: dict[str, int]
    queue_wait_p50_seconds: float | None
    queue_wait_p95_seconds: float | None
    workers: int
    backlog: int

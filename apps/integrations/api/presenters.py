"""From rows to answers."""

from __future__ import annotations

from apps.catalog.models import SourcePhoto, Upload
from apps.integrations.api.schemas import (
    BrandKitOut,
    BrandLogoOut,
    CountsOut,
    ExportOut,
    FileOut,
    ProductOut,
    RenderOut,
    ShootOut,
    UploadOut,
)
from apps.integrations.links import FileLink, link_url
from apps.integrations.models import Export
from apps.integrations.queries import counts
from apps.studio.brand_look import PAPER, contrast
from apps.studio.models import BrandKit, Render, Shoot

_INTERNAL = {"preview", "cutout"}


def upload_out(upload: Upload, photo: SourcePhoto) -> UploadOut:
    """Return an accepted upload."""
    return UploadOut(
        id=photo.pk,
        upload=upload.pk,
        state="duplicate" if upload.state == Upload.State.DUPLICATE else "accepted",
        file_name=photo.file_name,
        width_px=photo.width_px,
        height_px=photo.height_px,
        sha256=photo.sha256,
        view=photo.view,
        product=ProductOut(id=photo.product.pk, sku=photo.product.sku, title=photo.product.title),
    )


def brand_kit_out(kit: BrandKit) -> BrandKitOut:
    """Return the brand kit."""
    logo = kit.logo
    colors = {"primary": kit.primary, "secondary": kit.secondary, "text": kit.text}
    return BrandKitOut(
        **colors,
        headline_font=kit.headline_font,
        body_font=kit.body_font,
        contrast_on_white={name: round(contrast(each, PAPER), 2) for name, each in colors.items()},
        logo=BrandLogoOut(id=logo.pk, width_px=logo.width_px, height_px=logo.height_px)
        if logo
        else None,
        updated_at=kit.updated_at,
    )


def shoot_out(shoot: Shoot) -> ShootOut:
    """Return a shoot with its counts."""
    return ShootOut(
        id=shoot.pk,
        number=shoot.number,
        name=shoot.name,
        state=shoot.state,
        scene_template=shoot.scene_slug,
        sales_channels=shoot.sales_channels,
        takes=shoot.takes,
        credits=shoot.credits,
        quote=shoot.quote,
        counts=CountsOut(**counts(shoot.pk)),
        ordered_at=shoot.ordered_at,
        finished_at=shoot.finished_at,
    )


def render_out(render: Render) -> RenderOut:
    """Return a render; its files appear once it is approved, and not before."""
    review = getattr(render, "review", None)
    approved = review is not None and review.state == "approved"
    return RenderOut(
        id=render.pk,
        shoot=render.shoot_id,
        photo=render.shot.photo_id,
        sku=render.shot.photo.product.sku,
        view=render.shot.photo.view,
        take=render.take,
        state=render.state,
        review=review.state if review else None,
        engine=render.engine,
        seed=render.seed,
        confidence=render.confidence,
        fidelity=render.fidelity,
        provenance=render.provenance,
        failure_code=render.failure_code,
        failure_detail=render.failure_detail,
        queued_at=render.queued_at,
        started_at=render.started_at,
        finished_at=render.finished_at,
        files=[
            _file_out(render, result) for result in render.files if result["name"] not in _INTERNAL
        ]
        if approved
        else [],
    )


def export_out(export: Export) -> ExportOut:
    """Return an export, with its link once it is ready."""
    ready = export.state == Export.State.READY
    return ExportOut(
        id=export.pk,
        state=export.state,
        url=link_url(FileLink(export.tenant_id, "export", export.pk, "")) if ready else None,
        file_count=export.file_count,
        size_bytes=export.size_bytes,
        failure_detail=export.failure_detail,
        requested_at=export.requested_at,
        finished_at=export.finished_at,
    )


def _file_out(render: Render, result: dict[str, object]) -> FileOut:
    channel = str(result["name"])
    return FileOut.model_validate(
        {
            **result,
            "sales_channel": channel,
            "url": link_url(FileLink(render.tenant_id, "render", render.pk, channel)),
        }
    )

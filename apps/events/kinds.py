"""Every kind of domain event, by name. Pure. Names are stable: webhooks will carry them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What happened, in the past tense."""

    WORKSPACE_CREATED = "workspace.created"
    MEMBER_INVITED = "member.invited"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    PHOTO_UPLOADED = "photo.uploaded"
    PHOTO_REFUSED = "photo.refused"
    CUTOUT_KEPT = "photo.cutout_kept"
    PRODUCT_CREATED = "product.created"
    PRODUCT_CHANGED = "product.changed"
    PRODUCT_DELETED = "product.deleted"
    BRAND_KIT_CHANGED = "brand_kit.changed"
    BRAND_KIT_REMOVED = "brand_kit.removed"
    SHOOT_ORDERED = "shoot.ordered"
    SHOOT_CANCELED = "shoot.canceled"
    SHOOT_FINISHED = "shoot.finished"
    RENDER_STARTED = "render.started"
    RENDER_SUCCEEDED = "render.succeeded"
    RENDER_FAILED = "render.failed"
    RENDER_RETRIED = "render.retried"
    REVIEW_OPENED = "review.opened"
    RENDER_APPROVED = "render.approved"
    RENDER_REJECTED = "render.rejected"
    VERDICT_UNDONE = "render.verdict_undone"
    EXPORT_REQUESTED = "export.requested"
    EXPORT_READY = "export.ready"
    EXPORT_FAILED = "export.failed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    CREDITS_GRANTED = "credits.granted"
    DEMAND_PLANNED = "demand.planned"
    DEMAND_CANCELED = "demand.canceled"

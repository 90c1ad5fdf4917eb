"""One photo: its picture in three sizes, and what can be done to it on its product's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from apps.catalog import queries
from apps.catalog.services import products as services
from apps.core.errors import ConflictError
from apps.core.http import render_partial
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def photo_image(request: TenantRequest, photo_id: str, variant: str) -> HttpResponse:
    """Send a stored copy of a photo. Our own encoding, and still no document that can act."""
    file = queries.photo_file(photo_id, variant)
    disposition = content_disposition_header(as_attachment=False, filename=file.file_name)
    return HttpResponse(
        file.data,
        content_type=file.content_type,
        headers={
            "Content-Disposition": disposition or "inline",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            # The copy of a photo never changes: another file is another photo.
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def set_photo_view(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Say which side of the product a photo shows."""
    photo = services.set_view(
        actor=request.actor, photo_id=photo_id, view=request.POST.get("view", "")
    )
    return _show_photos(request, photo.product_id)


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def shift_photo(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Move a photo earlier or later among its product's photos, or to the very front."""
    steps = {"earlier": -1, "later": 1, "first": -1_000_000}
    by = steps.get(request.POST.get("to", ""), 0)
    product_id, order = queries.photo_order(photo_id, by=by)
    services.reorder_photos(actor=request.actor, product_id=product_id, photo_ids=order)
    return _show_photos(request, product_id)


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def delete_photo(request: TenantRequest, photo_id: str) -> HttpResponse:
    """Delete a photo that no shoot was made from."""
    product_id = queries.product_of_photo(photo_id)
    try:
        services.delete_photo(actor=request.actor, photo_id=photo_id)
    except ConflictError as error:
        messages.error(request, error.message)
    return redirect("catalog:product", request.workspace.slug, product_id)


def _show_photos(request: TenantRequest, product_id: str) -> HttpResponse:
    if not getattr(request, "htmx", False):
        return redirect("catalog:product", request.workspace.slug, product_id)
    detail = queries.product_detail(product_id)
    return render_partial(request, "catalog/_photos.html", {"detail": detail})

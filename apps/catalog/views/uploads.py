"""Taking photos in over HTTP: one file as JSON for the script, many in a plain form without it."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from apps.catalog.models import Product, Upload
from apps.catalog.queries import product_by_id
from apps.catalog.services.samples import add_sample_photos as add_samples
from apps.catalog.services.uploads import receive_upload, refuse_too_large
from apps.catalog.upload_handlers import BoundedUploadHandler
from apps.core.errors import InvalidError, UnavailableError
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission

_ERRORS_SHOWN: Final = 10


@csrf_exempt
@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def upload(request: TenantRequest) -> HttpResponse:
    """Take in photos. The body is read only after membership is known, then CSRF is checked."""
    handler = BoundedUploadHandler(request)
    request.upload_handlers = [handler]
    return _protected_upload(request, handler)


@csrf_protect
def _protected_upload(request: TenantRequest, handler: BoundedUploadHandler) -> HttpResponse:
    product_id = request.POST.get("product", "")
    product = product_by_id(product_id) if product_id else None
    if request.headers.get("Accept", "").startswith("application/json"):
        return _answer_one(request, handler, product)
    return _answer_many(request, handler, product)


def _answer_one(
    request: TenantRequest, handler: BoundedUploadHandler, product: Product | None
) -> HttpResponse:
    for file in handler.too_large:
        raise refuse_too_large(
            actor=request.actor, file_name=file.file_name, size_bytes=file.size_bytes
        )
    files = request.FILES.getlist("file")
    if len(files) != 1:
        raise InvalidError("upload.one_file", "Send exactly one photo, in the part named file.")
    taken = _receive(request, files[0], product)
    status = 201 if taken.state == Upload.State.ACCEPTED else 200
    return JsonResponse(_upload_json(request, taken), status=status)


def _answer_many(
    request: TenantRequest, handler: BoundedUploadHandler, product: Product | None
) -> HttpResponse:
    taken, refused = 0, []
    for large in handler.too_large:
        error = refuse_too_large(
            actor=request.actor, file_name=large.file_name, size_bytes=large.size_bytes
        )
        refused.append(f"{large.file_name}: {error.message}")
    for file in request.FILES.getlist("file"):
        try:
            _receive(request, file, product)
            taken += 1
        except (InvalidError, UnavailableError) as problem:
            refused.append(f"{file.name}: {problem.message}")
    if not taken and not refused:
        refused.append("Choose at least one photo, then press Upload.")
    if taken:
        messages.success(request, f"{taken} photo{'s' if taken > 1 else ''} uploaded.")
    for sentence in refused[:_ERRORS_SHOWN]:
        messages.error(request, sentence)
    if product is not None:
        return redirect("catalog:product", request.workspace.slug, product.pk)
    return redirect("catalog:products", request.workspace.slug)


def _receive(request: TenantRequest, file: UploadedFile[bytes], product: Product | None) -> Upload:
    return receive_upload(
        actor=request.actor,
        file_name=file.name or "",
        chunks=file.chunks(),
        product=product,
        declared_type=file.content_type,
    )


def _upload_json(request: TenantRequest, taken: Upload) -> dict[str, object]:
    slug, photo = request.workspace.slug, taken.photo
    if photo is None:
        raise InvalidError("upload.photo_missing", "The photo was deleted. Upload it again.")
    return {
        "upload": taken.pk,
        "state": taken.state,
        "photo": photo.pk,
        "view": photo.view,
        "sku": photo.product.sku,
        "product": photo.product_id,
        "product_url": reverse("catalog:product", args=[slug, photo.product_id]),
        "thumb_url": reverse("catalog:photo-image", args=[slug, photo.pk, "thumb"]),
    }


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def add_sample_photos(request: TenantRequest) -> HttpResponse:
    """Add the sample photos and show them."""
    photos = add_samples(actor=request.actor)
    messages.success(request, f"{len(photos)} sample photos are in your products.")
    return redirect("catalog:products", request.workspace.slug)

"""Exports, API keys and signed files."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.core import storage
from apps.core.errors import ConflictError
from apps.core.http import render_page, render_partial
from apps.integrations import queries
from apps.integrations.export_names import file_name
from apps.integrations.forms import ApiKeyForm, ExportForm
from apps.integrations.links import read_link
from apps.integrations.models import Export
from apps.integrations.services.api_keys import create_api_key, revoke_api_key
from apps.integrations.services.exports import request_export
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission
from apps.tenants.scope import tenant_scope


@require_GET
@workspace_view(Permission.EXPORT)
def exports(request: TenantRequest) -> HttpResponse:
    """List the latest exports."""
    return render_page(
        request,
        "integrations/exports.html",
        {"exports": queries.recent_exports()},
        partial="integrations/_exports.html",
    )


@require_GET
@workspace_view(Permission.EXPORT)
def export_row(request: TenantRequest, export_id: str) -> HttpResponse:
    """Show one export as it stands now."""
    return render_partial(
        request, "integrations/_export_row.html", {"export": queries.export(export_id)}
    )


@require_POST
@workspace_view(Permission.EXPORT)
def new_export(request: TenantRequest) -> HttpResponse:
    """Ask for an archive and go to the list, where it appears when it is ready."""
    form = ExportForm(request.POST)
    form.is_valid()
    request_export(
        actor=request.actor,
        shoot_id=form.cleaned_data.get("shoot") or None,
        render_ids=form.render_ids() or None,
    )
    return redirect("integrations:exports", request.workspace.slug)


@require_GET
@workspace_view(Permission.EXPORT)
def download_export(request: TenantRequest, export_id: str) -> HttpResponseBase:
    """Send the archive."""
    return _archive(queries.export(export_id))


@require_GET
@workspace_view(Permission.EXPORT)
def download_render(request: TenantRequest, render_id: str, sales_channel: str) -> HttpResponseBase:
    """Send one finished file of an approved render."""
    return _render_file(render_id, sales_channel)


@require_GET
def linked_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the file a signed link names; the gate is asked again."""
    link = read_link(token)
    with tenant_scope(link.tenant):
        if link.kind == "export":
            return _archive(queries.export(link.subject))
        return _render_file(link.subject, link.name)


@require_GET
@workspace_view(Permission.MANAGE_API_KEYS)
def api_keys(request: TenantRequest) -> HttpResponse:
    """List the keys and offer a new one."""
    return render_page(
        request,
        "integrations/api_keys.html",
        {"api_keys": queries.api_keys(), "form": ApiKeyForm(), "secret": ""},
    )


@require_POST
@workspace_view(Permission.MANAGE_API_KEYS)
def new_api_key(request: TenantRequest) -> HttpResponse:
    """Make a key and show its secret, once."""
    form, secret = ApiKeyForm(request.POST), ""
    if form.is_valid():
        _, secret = create_api_key(actor=request.actor, **form.cleaned_data)
        form = ApiKeyForm()
    return render_page(
        request,
        "integrations/api_keys.html",
        {"api_keys": queries.api_keys(), "form": form, "secret": secret},
        status=200 if secret else 422,
    )


@require_POST
@workspace_view(Permission.MANAGE_API_KEYS)
def end_api_key(request: TenantRequest, api_key_id: str) -> HttpResponse:
    """Revoke a key."""
    revoke_api_key(actor=request.actor, api_key_id=api_key_id)
    return redirect("integrations:api-keys", request.workspace.slug)


def _archive(export: Export) -> FileResponse:
    if export.state != Export.State.READY:
        raise ConflictError("export.not_ready", "This export is not ready yet.")
    return _attachment(
        export.object_key, f"packshot-{export.requested_at:%Y%m%d-%H%M}.zip", "application/zip"
    )


def _render_file(render_id: str, sales_channel: str) -> FileResponse:
    result = queries.approved_file(render_id, sales_channel)
    photo = queries.render(render_id).shot.photo
    name = file_name(
        sku=photo.product.sku,
        view=photo.view,
        sales_channel=sales_channel,
        width_px=result["width_px"],
        height_px=result["height_px"],
        file_format=result["file_format"],
    )
    return _attachment(result["object_key"], name, f"image/{result['file_format'].lower()}")


def _attachment(object_key: str, name: str, content_type: str) -> FileResponse:
    response = FileResponse(
        storage.open_object(object_key),
        as_attachment=True,
        filename=name,
        content_type=content_type,
    )
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response

"""The brand kit of a workspace: its page, its sample, its logo and fonts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from apps.catalog.upload_handlers import BoundedUploadHandler
from apps.core.errors import InvalidError
from apps.core.http import render_page, render_partial
from apps.core.storage import read
from apps.studio.brand_form import BrandKitForm
from apps.studio.queries import brand as queries
from apps.studio.services import branding
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.MANAGE_BRAND)
def brand_kit(request: TenantRequest) -> HttpResponse:
    """Show the kit, or what one would look like."""
    return _page(request, BrandKitForm(initial=queries.starting_values()))


@csrf_exempt
@require_POST
@workspace_view(Permission.MANAGE_BRAND)
def keep(request: TenantRequest) -> HttpResponse:
    """Set the kit. The body is read only after membership is known, then CSRF is checked."""
    handler = BoundedUploadHandler(request)
    request.upload_handlers = [handler]
    return _protected_keep(request, handler)


@csrf_protect
def _protected_keep(request: TenantRequest, handler: BoundedUploadHandler) -> HttpResponse:
    form = BrandKitForm(request.POST, request.FILES)
    try:
        if handler.too_large:
            raise branding.logo_too_large()
        if form.is_valid():
            branding.keep_brand_kit(actor=request.actor, **form.arguments())
            messages.success(request, "Saved. New banners and posts take this look.")
            return redirect("studio:brand-kit", request.workspace.slug)
    except InvalidError as error:
        form.show(error)
    return _page(request, form, status=422)


@require_POST
@workspace_view(Permission.MANAGE_BRAND)
def remove(request: TenantRequest) -> HttpResponse:
    """Take the kit away."""
    branding.drop_brand_kit(actor=request.actor)
    messages.success(request, "Removed. Scene templates keep their own look again.")
    return redirect("studio:brand-kit", request.workspace.slug)


@require_GET
@workspace_view(Permission.MANAGE_BRAND)
def sample(request: TenantRequest) -> HttpResponse:
    """Draw the sample of what stands in the form; a color that is half typed changes nothing."""
    values = queries.starting_values()
    values |= {name: request.GET[name] for name in values if name in request.GET}
    try:
        shown = queries.brand_sample(branding.checked_brand(values))
    except InvalidError:
        return HttpResponse(status=204)
    return render_partial(request, "studio/_brand_sample.html", {"sample": shown})


@require_GET
@workspace_view(Permission.VIEW)
def logo(request: TenantRequest, logo_id: str) -> HttpResponse:
    """Send a logo. Our own encoding, and still no document that can act."""
    return _unchanging(read(queries.logo_key(logo_id)), "image/png")


@require_GET
@workspace_view(Permission.VIEW)
def font(request: TenantRequest, family: str) -> HttpResponse:
    """Send a family that comes along, for the sample."""
    return _unchanging(queries.font_path(family).read_bytes(), "font/ttf")


def _unchanging(data: bytes, content_type: str) -> HttpResponse:
    return HttpResponse(
        data,
        content_type=content_type,
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )


def _page(request: TenantRequest, form: BrandKitForm, *, status: int = 200) -> HttpResponse:
    kit = queries.brand_kit()
    context = {
        "form": form,
        "kit": kit,
        "sample": queries.brand_sample(queries.starting_brand()),
        "fonts": queries.font_choices(),
    }
    return render_page(request, "studio/brand_kit.html", context, status=status)

"""Pages of products: the index, one product, and what can be done to them."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from apps.catalog.forms import NewProductForm, ProductForm, accepted, product_form
from apps.catalog.queries import product_detail, product_index, upload_rules
from apps.catalog.services import products as services
from apps.core.errors import ConflictError, InvalidError
from apps.core.http import render_page
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def products(request: TenantRequest) -> HttpResponse:
    """Show the products, searched and filtered."""
    index = product_index(
        search=request.GET.get("q", ""),
        filter_by=request.GET.get("filter", ""),
        page=request.GET.get("page", "1"),
    )
    context = {"index": index, "upload": upload_rules()}
    return render_page(
        request, "catalog/products.html", context, partial="catalog/_product_list.html"
    )


@require_http_methods(["GET", "POST"])
@workspace_view(Permission.EDIT_CATALOG)
def create_product(request: TenantRequest) -> HttpResponse:
    """Create a product without photos."""
    form = NewProductForm(request.POST or None)
    created = accepted(form, partial(services.create_product, actor=request.actor))
    if created is not None:
        return redirect("catalog:product", request.workspace.slug, created.pk)
    status = 422 if form.is_bound else 200
    return render_page(request, "catalog/create_product.html", {"form": form}, status=status)


@require_GET
@workspace_view(Permission.VIEW)
def product(request: TenantRequest, product_id: str) -> HttpResponse:
    """Show a product with its photos."""
    return _show_product(request, product_id)


def _show_product(
    request: TenantRequest, product_id: str, form: ProductForm | None = None
) -> HttpResponse:
    detail = product_detail(product_id)
    shown = detail.product
    filled = form or product_form(shown.sku, shown.title, shown.attributes)
    context = {"detail": detail, "form": filled, "upload": upload_rules()}
    return render_page(
        request,
        "catalog/product.html",
        context,
        partial="catalog/_photos.html" if form is None else None,
        status=200 if form is None else 422,
    )


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def edit_product(request: TenantRequest, product_id: str) -> HttpResponse:
    """Save the fields of a product."""
    product_detail(product_id)
    form = ProductForm(request.POST)
    act = partial(services.edit_product, actor=request.actor, product_id=product_id)
    if accepted(form, act) is None:
        return _show_product(request, product_id, form)
    messages.success(request, "Saved.")
    return redirect("catalog:product", request.workspace.slug, product_id)


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def delete_product(request: TenantRequest, product_id: str) -> HttpResponse:
    """Delete a product with its photos."""
    try:
        services.delete_product(actor=request.actor, product_id=product_id)
    except ConflictError as error:
        messages.error(request, error.message)
        return redirect("catalog:product", request.workspace.slug, product_id)
    messages.success(request, "The product is deleted.")
    return redirect("catalog:products", request.workspace.slug)


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def merge_products(request: TenantRequest) -> HttpResponse:
    """Make one product of several; the first one named stays."""
    chosen = request.POST.getlist("product")
    target = services.merge_products(
        actor=request.actor, target_id=chosen[0] if chosen else "", source_ids=chosen
    )
    messages.success(request, f"{len(chosen)} products are now {target.sku}.")
    url = reverse("catalog:product", args=[request.workspace.slug, target.pk])
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


@require_POST
@workspace_view(Permission.EDIT_CATALOG)
def move_photos(request: TenantRequest, product_id: str) -> HttpResponse:
    """Move the chosen photos of a product to the product of another SKU."""
    product_detail(product_id)
    try:
        target = services.move_photos(
            actor=request.actor,
            photo_ids=request.POST.getlist("photo"),
            sku=request.POST.get("sku", ""),
        )
    except InvalidError as error:
        messages.error(request, error.message)
        return redirect("catalog:product", request.workspace.slug, product_id)
    messages.success(request, f"Moved to {target.sku}.")
    return redirect("catalog:product", request.workspace.slug, target.pk)

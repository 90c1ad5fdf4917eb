"""The REST API: one router, OpenAPI 3.1 at ``/v1/openapi.json``, problems as RFC 9457.

Annotations are evaluated here, not kept as text: ninja would look their names up in the module of
the decorators that wrap the operations.
"""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import File, NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.files import UploadedFile
from pydantic import Field

from apps.catalog.services.uploads import receive_upload
from apps.compute import queries as compute_queries
from apps.core import storage
from apps.core.errors import DomainError, NotFoundError
from apps.core.http import problem_json
from apps.integrations import queries
from apps.integrations.api.auth import ApiRequest, BearerKey, scoped
from apps.integrations.api.idempotency import idempotent
from apps.integrations.api.paging import page
from apps.integrations.api.presenters import (
    brand_kit_out,
    export_out,
    render_out,
    shoot_out,
    upload_out,
)
from apps.integrations.api.schemas import (
    BrandKitIn,
    BrandKitOut,
    ExportIn,
    ExportOut,
    ProblemOut,
    RenderOut,
    RenderPage,
    ShootIn,
    ShootOut,
    UploadOut,
    UsageOut,
    VerdictIn,
)
from apps.integrations.scopes import Scope
from apps.integrations.services.exports import request_export
from apps.review.services import decide, undo
from apps.studio.models import Render
from apps.studio.queries.brand import brand_kit, brand_logo
from apps.studio.services.branding import drop_brand_kit, keep_brand_kit, replace_brand_logo
from apps.studio.services.ordering import cancel_shoot, order_shoot

PROBLEMS = dict.fromkeys((400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 503), ProblemOut)


class PackshotAPI(NinjaAPI):
    """Ninja with problems documented under the media type they are sent with."""

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """Return the document with ``application/problem+json`` for every error."""
        document = super().get_openapi_schema(**kwargs)
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    content = answer.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        content["application/problem+json"] = content.pop("application/json")
        return document


api = PackshotAPI(
    title="Packshot",
    version="1",
    description="Product photography by API: upload photos, order shoots, review, export.",
    urls_namespace="v1",
    auth=BearerKey(),
    docs_url=None,
    openapi_url="/openapi.json",
)


@api.post(
    "/uploads",
    response={201: UploadOut, **PROBLEMS},
    operation_id="createUpload",
    summary="Upload a product photo",
)
@scoped(Scope.UPLOADS_WRITE)
def create_upload(request: ApiRequest, file: File[UploadedFile]) -> Any:
    """Take one JPEG, PNG, WebP, HEIC or AVIF of at most 50 MB and 50 megapixels."""
    upload = receive_upload(
        actor=request.auth.actor, file_name=file.name or "photo", chunks=file.chunks()
    )
    body = upload_out(upload, queries.photo(upload.photo_id))
    return JsonResponse(body.model_dump(mode="json"), status=201)


@api.post(
    "/shoots",
    response={202: ShootOut, **PROBLEMS},
    operation_id="createShoot",
    summary="Order a shoot",
)
@scoped(Scope.SHOOTS_WRITE)
@idempotent
def create_shoot(request: ApiRequest, body: ShootIn) -> Any:
    """Hold the credits and accept the work; it starts as soon as a worker is free."""
    shoot = order_shoot(
        actor=request.auth.actor,
        photo_ids=body.photos,
        scene_slug=body.scene_template,
        sales_channels=body.sales_channels,
        takes=body.takes,
        name=body.name,
        framing_fill=body.fill,
        texts=body.texts,
        pictures=body.pictures,
    )
    return 202, shoot_out(shoot), f"/v1/shoots/{shoot.pk}"


@api.get("/shoots/{shoot_id}", response={200: ShootOut, **PROBLEMS}, operation_id="readShoot")
@scoped(Scope.SHOOTS_READ)
def read_shoot(request: ApiRequest, shoot_id: str) -> Any:
    """Return a shoot and how far it is."""
    return shoot_out(queries.shoot(shoot_id))


@api.post(
    "/shoots/{shoot_id}/cancel",
    response={200: ShootOut, **PROBLEMS},
    operation_id="cancelShoot",
)
@scoped(Scope.SHOOTS_WRITE)
def cancel(request: ApiRequest, shoot_id: str) -> Any:
    """Take back what has not been rendered; its credits are released."""
    queries.shoot(shoot_id)
    cancel_shoot(actor=request.auth.actor, shoot_id=shoot_id)
    return shoot_out(queries.shoot(shoot_id))


@api.get("/renders", response={200: RenderPage, **PROBLEMS}, operation_id="listRenders")
@scoped(Scope.RENDERS_READ)
def list_renders(
    request: ApiRequest,
    shoot: str | None = None,
    state: str | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
    cursor: str | None = None,
) -> Any:
    """Return renders, oldest first, by shoot and state."""
    rows = queries.renders()
    if shoot:
        queries.shoot(shoot)
        rows = rows.filter(shoot_id=shoot)
    if state:
        if state not in Render.State.values:
            raise NotFoundError("render.state_unknown", f"States are {Render.State.values}.")
        rows = rows.filter(state=state)
    found, next_cursor = page(
        rows, limit=limit, cursor=cursor, fingerprint=f"{shoot or ''}|{state or ''}"
    )
    return RenderPage(
        data=[render_out(row) for row in found],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@api.get("/renders/{render_id}", response={200: RenderOut, **PROBLEMS}, operation_id="readRender")
@scoped(Scope.RENDERS_READ)
def read_render(request: ApiRequest, render_id: str) -> Any:
    """Return a render; its files are listed once it is approved."""
    return render_out(queries.render(render_id))


@api.get(
    "/renders/{render_id}/preview",
    response={200: bytes, **PROBLEMS},
    operation_id="previewRender",
)
@scoped(Scope.REVIEW_WRITE)
def preview_render(request: ApiRequest, render_id: str) -> Any:
    """Return the small picture a reviewer judges by (WebP); not an export."""
    for result in queries.render(render_id).files:
        if result["name"] == "preview":
            return HttpResponse(storage.read(result["object_key"]), content_type="image/webp")
    raise NotFoundError("render.file_missing", "This render has no preview yet.")


@api.post(
    "/renders/{render_id}/review",
    response={200: RenderOut, **PROBLEMS},
    operation_id="reviewRender",
)
@scoped(Scope.REVIEW_WRITE)
def review_render(request: ApiRequest, render_id: str, body: VerdictIn) -> Any:
    """Approve, reject with a reason, or undo the last verdict."""
    queries.render(render_id)
    if body.verdict == "undo":
        undo(actor=request.auth.actor, render_id=render_id)
    else:
        decide(
            actor=request.auth.actor,
            render_id=render_id,
            verdict=body.verdict,
            reason=body.reason,
            note=body.note,
        )
    return render_out(queries.render(render_id))


@api.post("/exports", response={202: ExportOut, **PROBLEMS}, operation_id="createExport")
@scoped(Scope.EXPORTS_WRITE)
@idempotent
def create_export(request: ApiRequest, body: ExportIn) -> Any:
    """Ask for an archive of approved renders; nothing unapproved can be exported."""
    export = request_export(
        actor=request.auth.actor,
        shoot_id=body.shoot,
        render_ids=body.renders,
        sales_channels=body.sales_channels,
    )
    return 202, export_out(export), f"/v1/exports/{export.pk}"


@api.get("/exports/{export_id}", response={200: ExportOut, **PROBLEMS}, operation_id="readExport")
@scoped(Scope.EXPORTS_READ)
def read_export(request: ApiRequest, export_id: str) -> Any:
    """Return an export, with its link once it is ready."""
    return export_out(queries.export(export_id))


@api.get("/brand-kit", response={200: BrandKitOut, **PROBLEMS}, operation_id="readBrandKit")
@scoped(Scope.BRAND_READ)
def read_brand_kit(request: ApiRequest) -> Any:
    """Return the colors, fonts and logo that new banners and posts take."""
    kit = brand_kit()
    if kit is None:
        raise NotFoundError("brand.kit_missing", "The workspace has no brand kit. Put one.")
    return brand_kit_out(kit)


@api.put("/brand-kit", response={200: BrandKitOut, **PROBLEMS}, operation_id="putBrandKit")
@scoped(Scope.BRAND_WRITE)
def put_brand_kit(request: ApiRequest, body: BrandKitIn) -> Any:
    """Set colors and fonts; the logo stays. Orders placed before keep their look."""
    return brand_kit_out(keep_brand_kit(actor=request.auth.actor, values=body.dict()))


@api.delete("/brand-kit", response={204: None, **PROBLEMS}, operation_id="deleteBrandKit")
@scoped(Scope.BRAND_WRITE)
def delete_brand_kit(request: ApiRequest) -> Any:
    """Take the kit away; new orders look as their scene templates say."""
    drop_brand_kit(actor=request.auth.actor)
    return HttpResponse(status=204)


@api.get("/brand-kit/logo", response={200: bytes, **PROBLEMS}, operation_id="readBrandLogo")
@scoped(Scope.BRAND_READ)
def read_brand_logo(request: ApiRequest) -> Any:
    """Return the logo as a PNG without metadata."""
    return HttpResponse(storage.read(brand_logo().object_key), content_type="image/png")


@api.post("/brand-kit/logo", response={200: BrandKitOut, **PROBLEMS}, operation_id="putBrandLogo")
@scoped(Scope.BRAND_WRITE)
def put_brand_logo(request: ApiRequest, file: File[UploadedFile]) -> Any:
    """Take one transparent PNG or WebP of at most 5 MB and 4000 pixels a side; no SVG."""
    return brand_kit_out(replace_brand_logo(actor=request.auth.actor, logo=file.chunks()))


@api.delete(
    "/brand-kit/logo", response={200: BrandKitOut, **PROBLEMS}, operation_id="deleteBrandLogo"
)
@scoped(Scope.BRAND_WRITE)
def delete_brand_logo(request: ApiRequest) -> Any:
    """Take the logo away; colors and fonts stay."""
    return brand_kit_out(replace_brand_logo(actor=request.auth.actor, logo=None))


@api.get("/usage", response={200: UsageOut, **PROBLEMS}, operation_id="readUsage")
@scoped(Scope.USAGE_READ)
def read_usage(request: ApiRequest) -> Any:
    """Return plan, credits and the flow of work."""
    return usage_out()


def usage_out() -> UsageOut:
    """Return the workspace's usage."""
    standing, fleet = queries.credit_standing(), compute_queries.fleet()
    wait = compute_queries.queue_wait()
    return UsageOut(
        plan=standing.plan,
        credits_available=standing.available,
        credits_reserved=standing.reserved,
        credits_used=standing.used,
        renders=queries.renders_by_state(),
        queue_wait_p50_seconds=wait.p50_seconds,
        queue_wait_p95_seconds=wait.p95_seconds,
        workers=fleet.alive,
        backlog=fleet.queued + fleet.in_flight,
    )


def _request_id(request: HttpRequest) -> str:
    return str(request.META.get("packshot.request_id", ""))


@api.exception_handler(DomainError)
def _domain_problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    return problem_json(error, request_id=_request_id(request), instance=request.path)


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = _problem(
        request,
        401,
        "api.key_invalid",
        "Not signed in",
        "Send Authorization: Bearer with a valid API key.",
    )
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {
            "pointer": "/" + "/".join(str(part) for part in found["loc"]),
            "code": found["type"],
            "detail": found["msg"],
        }
        for found in error.errors
    ]
    return _problem(
        request,
        422,
        "api.request_invalid",
        "Cannot be used",
        "Some fields cannot be used; each is listed with its reason.",
        errors=errors,
    )


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _problem(
        request, error.status_code, "api.request_malformed", "Malformed request", str(error)
    )


def _problem(
    request: HttpRequest, status: int, code: str, title: str, detail: str, **more: Any
) -> HttpResponse:
    return JsonResponse(
        {
            "type": f"/docs/problems#{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": request.path,
            "code": code,
            "request_id": _request_id(request),
            **more,
        },
        status=status,
        content_type="application/problem+json",
    )

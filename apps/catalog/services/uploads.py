"""Taking in one file from outside: counted, recognised, decoded apart, stored, put in its product.

Owns the whole way of a file from bytes to a `SourcePhoto`, or to a recorded refusal. Does not
decode (see `apps.catalog.sandbox`) and does not know how the bytes came: pages, API and imports
all call `receive_upload`. Sizes are bytes.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.catalog.grouping import Grouping, group_by_name, view_position
from apps.catalog.inspection import (
    ACCEPTED,
    HEAD_BYTES,
    MIN_SIDE_PX,
    clean_file_name,
    detect_format,
    refusal_sentence,
)
from apps.catalog.models import Product, SourcePhoto, Upload, new_photo_id, new_upload_id
from apps.catalog.sandbox import Decoded, DecodeRefused, decode
from apps.core import storage
from apps.core.errors import InvalidError, NotFoundError
from apps.events.kinds import Kind
from apps.events.services import record
from apps.tenants.roles import Actor, Permission


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A file as far as it is known before it is decoded."""

    file_name: str
    declared_type: str
    size_bytes: int = 0
    sha256: str = ""


class _Refused(Exception):
    """The file cannot be used; carries the code and the figures of its sentence."""

    def __init__(self, code: str, incoming: _Incoming, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.incoming = incoming
        self.data = data


def receive_upload(
    *,
    actor: Actor,
    file_name: str,
    chunks: Iterable[bytes],
    product: Product | None = None,
    declared_type: str | None = None,
) -> Upload:
    """Take in one file and return what became of it.

    Parameters
    ----------
    actor
        Who uploads; a tenant scope of the same tenant is open.
    file_name
        As sent. Names the product and view if no product is given; never a path.
    chunks
        The bytes. Read only as far as the size limit allows.
    product
        Attach the photo to this product instead of the one its name says.
    declared_type
        The content type the sender claims. Recorded for support, trusted for nothing.

    Returns
    -------
    Upload
        ``accepted`` with its new photo, or ``duplicate`` with the photo that was there before.

    Raises
    ------
    InvalidError
        If the file cannot be used, after the refusal is recorded. Its code is one of
        `apps.catalog.inspection.REFUSALS` and its data name the upload and the file.
    UnavailableError
        If too many photos are being decoded; nothing is recorded, the file may be sent again.
    ForbiddenError
        If the actor may not edit the catalog.
    """
    actor.require(Permission.EDIT_CATALOG)
    incoming = _Incoming(clean_file_name(file_name), (declared_type or "")[:100])
    with tempfile.TemporaryDirectory(prefix="packshot-upload-") as folder:
        try:
            return _receive(actor, incoming, chunks, product, Path(folder))
        except _Refused as refusal:
            error = _record_refusal(actor, refusal)
    raise error


def refuse_too_large(*, actor: Actor, file_name: str, size_bytes: int) -> InvalidError:
    """Record a file whose reading was broken off at the size limit; return the error to raise."""
    actor.require(Permission.EDIT_CATALOG)
    incoming = _Incoming(clean_file_name(file_name), "", size_bytes)
    return _record_refusal(actor, _Refused("upload.too_large", incoming))


def _receive(
    actor: Actor,
    incoming: _Incoming,
    chunks: Iterable[bytes],
    product: Product | None,
    folder: Path,
) -> Upload:
    original = folder / "original"
    incoming = _spool(incoming, chunks, original)
    if known := SourcePhoto.objects.filter(sha256=incoming.sha256).first():
        return _duplicate(actor, incoming, known, product)
    copies = folder / "copies"
    copies.mkdir(mode=0o700)
    try:
        decoded = decode(original, copies)
    except DecodeRefused as refused:
        raise _Refused(refused.code, incoming) from refused
    with ExitStack() as undo:
        photo, upload = _stored(actor, incoming, decoded, original, undo)
        try:
            _attach(
                actor,
                photo,
                upload,
                product,
                group_by_name(incoming.file_name, sha256=incoming.sha256),
            )
        except IntegrityError:
            # The same file came twice at once; the other one was faster.
            twin = SourcePhoto.objects.filter(sha256=incoming.sha256).first()
            if twin is None:
                raise
            return _duplicate(actor, incoming, twin, product)
        undo.pop_all()
    return upload


def _spool(incoming: _Incoming, chunks: Iterable[bytes], path: Path) -> _Incoming:
    """Write the bytes to a file while counting; refuse by size and by first bytes."""
    digest = hashlib.sha256()
    size, head = 0, b""
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > settings.UPLOAD_MAX_BYTES:
                facts = _Incoming(incoming.file_name, incoming.declared_type, size)
                raise _Refused("upload.too_large", facts)
            if len(head) < HEAD_BYTES:
                head += chunk[: HEAD_BYTES - len(head)]
            digest.update(chunk)
            file.write(chunk)
    facts = _Incoming(incoming.file_name, incoming.declared_type, size, digest.hexdigest())
    if size == 0:
        raise _Refused("upload.empty", facts)
    found = detect_format(head)
    if found is None:
        raise _Refused("upload.not_a_photo", facts)
    if found not in ACCEPTED:
        raise _Refused("upload.format_unsupported", facts, found=str(found))
    return facts


def _stored(
    actor: Actor, incoming: _Incoming, decoded: Decoded, original: Path, undo: ExitStack
) -> tuple[SourcePhoto, Upload]:
    """Put all files into storage, to be taken out again by ``undo``; return the unsaved rows."""
    photo_id, upload_id = new_photo_id(), new_upload_id()
    photo = SourcePhoto(
        id=photo_id,
        tenant_id=actor.tenant,
        file_name=incoming.file_name,
        sha256=incoming.sha256,
        width_px=decoded.width_px,
        height_px=decoded.height_px,
        size_bytes=decoded.photo.stat().st_size,
        has_alpha=decoded.has_alpha,
        photo_key=storage.photo_key(actor.tenant, photo_id, decoded.photo_name),
        preview_key=storage.photo_key(actor.tenant, photo_id, "preview.webp"),
        thumb_key=storage.photo_key(actor.tenant, photo_id, "thumb.webp"),
        original_key=storage.upload_key(actor.tenant, upload_id),
    )
    for key, path in (
        (photo.original_key, original),
        (photo.photo_key, decoded.photo),
        (photo.preview_key, decoded.preview),
        (photo.thumb_key, decoded.thumb),
    ):
        undo.callback(storage.delete, key)
        with path.open("rb") as file:
            storage.put_file(key, file)
    upload = Upload(
        id=upload_id,
        tenant_id=actor.tenant,
        file_name=incoming.file_name,
        state=Upload.State.ACCEPTED,
        size_bytes=incoming.size_bytes,
        sha256=incoming.sha256,
        photo=photo,
    )
    return photo, upload


@transaction.atomic
def _attach(
    actor: Actor, photo: SourcePhoto, upload: Upload, product: Product | None, grouping: Grouping
) -> None:
    """Write photo, upload and, if its SKU is new, the product."""
    if product is None:
        photo.product = _product_by_sku(actor, grouping.sku)
    elif not Product.objects.filter(pk=product.pk).exists():
        raise NotFoundError("catalog.product_missing", "This product no longer exists.")
    else:
        photo.product = product
    photo.view = grouping.view
    photo.position = view_position(grouping.view)
    photo.save(force_insert=True)
    upload.photo = photo
    upload.save(force_insert=True)
    record(
        actor=actor,
        kind=Kind.PHOTO_UPLOADED,
        subject=photo.pk,
        product=photo.product_id,
        upload=upload.pk,
        file_name=photo.file_name,
    )


def _product_by_sku(actor: Actor, sku: str) -> Product:
    """Return the product of a SKU, whatever its letter case, or a new one."""
    known: Product | None = Product.objects.filter(sku__iexact=sku).first()
    if known is not None:
        return known
    product: Product
    product, created = Product.objects.get_or_create(tenant_id=actor.tenant, sku=sku)
    if created:
        record(actor=actor, kind=Kind.PRODUCT_CREATED, subject=product.pk, sku=sku)
    return product


def _duplicate(
    actor: Actor, incoming: _Incoming, known: SourcePhoto, product: Product | None
) -> Upload:
    """Record that the file was there before; refuse if it was wanted in another product."""
    if product is not None and known.product_id != product.pk:
        raise _Refused(
            "upload.in_other_product", incoming, sku=known.product.sku, product=known.product_id
        )
    upload: Upload = Upload.objects.create(
        tenant_id=actor.tenant,
        file_name=incoming.file_name,
        state=Upload.State.DUPLICATE,
        size_bytes=incoming.size_bytes,
        sha256=incoming.sha256,
        photo=known,
    )
    return upload


@transaction.atomic
def _record_refusal(actor: Actor, refusal: _Refused) -> InvalidError:
    incoming = refusal.incoming
    upload = Upload.objects.create(
        tenant_id=actor.tenant,
        file_name=incoming.file_name,
        state=Upload.State.REFUSED,
        refusal_code=refusal.code,
        size_bytes=incoming.size_bytes,
        sha256=incoming.sha256,
    )
    record(
        actor=actor,
        kind=Kind.PHOTO_REFUSED,
        subject=upload.pk,
        code=refusal.code,
        file_name=incoming.file_name,
        declared_type=incoming.declared_type,
    )
    data = {**_figures(), **refusal.data}
    sentence = refusal_sentence(refusal.code, **data)
    return InvalidError(
        refusal.code, sentence, upload=upload.pk, file_name=incoming.file_name, **refusal.data
    )


def _figures() -> dict[str, int]:
    return {
        "max_megabytes": settings.UPLOAD_MAX_BYTES // (1024 * 1024),
        "max_megapixels": settings.UPLOAD_MAX_PIXELS // 1_000_000,
        "max_side_px": settings.UPLOAD_MAX_SIDE_PX,
        "min_side_px": MIN_SIDE_PX,
    }

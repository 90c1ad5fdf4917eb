"""Every row belongs to a tenant or stands in a short list with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from apps.tenants.models import TenantModel
from apps.tenants.scope import NoTenantInScope, WrongTenant, across_tenants, tenant_scope
from tests.cast import Person

GLOBAL_MODELS = {
    "tenants.Tenant": "is the tenant",
    "tenants.Membership": "tells which tenants a person may enter",
    "accounts.User": "a person may belong to several tenants",
    "accounts.OneTimeLogin": "signs a person in, before any tenant is chosen",
    "compute.Worker": "the fleet serves all tenants",
    "compute.ServiceTime": "learned over all tenants, holds no one's data",
    "compute.PromiseRecord": "learned over all tenants, holds no one's data",
    "compute.LoopLease": "which conductor leads",
    "compute.ScaleDecision": "the fleet serves all tenants",
    "compute.DemandHour": "counts over all tenants, holds no one's data",
    "compute.WorkerLife": "what a worker of the common fleet cost",
}
OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
TENANT_MODELS = [model for model in OURS if issubclass(model, TenantModel)]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_a_model_belongs_to_a_tenant_or_says_why_not(model: type[models.Model]) -> None:
    assert issubclass(model, TenantModel) != (model._meta.label in GLOBAL_MODELS)


@pytest.mark.parametrize("model", TENANT_MODELS, ids=lambda model: model._meta.label)
def test_no_row_is_read_without_a_scope(model: type[TenantModel]) -> None:
    for read in (
        lambda: model.objects.count() + 0,
        lambda: not model.objects.exists(),
        lambda: model.objects.all().first(),
        lambda: model.objects.exclude(pk=None).exists(),
        lambda: dict(model.objects.in_bulk()),
        lambda: str(model.objects.create()),
        lambda: model.objects.bulk_create([]),
    ):
        with pytest.raises(NoTenantInScope):
            read()


def _tenant_references() -> list[tuple[type[models.Model], models.ForeignKey]]:
    return [
        (model, field)
        for model in TENANT_MODELS
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.OneToOneField)
        and issubclass(field.related_model, TenantModel)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "field"),
    _tenant_references(),
    ids=lambda value: getattr(value, "_meta", value) and getattr(value, "name", str(value)),
)
def test_a_reference_between_tenant_rows_is_bound_by_the_database(
    model: type[models.Model], field: models.ForeignKey
) -> None:
    name = f"guard_{model._meta.db_table}_{field.column}"

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT conname FROM pg_constraint WHERE conname = %s", [name[:60]])
            assert cursor.fetchall()
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
                [f"{name}_%"],
            )
            assert {row[0] for row in cursor.fetchall()} == {f"{name}_insert", f"{name}_update"}


@pytest.mark.django_db(transaction=True)
def test_a_photo_cannot_be_stored_under_a_product_of_another_workspace(
    alice: Person, eve: Person
) -> None:
    from apps.catalog.models import Product, SourcePhoto

    with tenant_scope(eve.tenant.pk):
        foreign = Product.objects.create(sku="EVE-1")

    with tenant_scope(alice.tenant.pk), pytest.raises(IntegrityError), transaction.atomic():
        SourcePhoto.objects.create(
            product_id=foreign.pk,
            file_name="x.jpg",
            sha256="0" * 64,
            width_px=1,
            height_px=1,
            size_bytes=1,
        )


@pytest.mark.django_db
def test_a_row_of_another_workspace_cannot_be_saved_in_this_scope(
    alice: Person, eve: Person
) -> None:
    from apps.catalog.models import Product

    with tenant_scope(eve.tenant.pk):
        foreign = Product.objects.create(sku="EVE-1")

    with tenant_scope(alice.tenant.pk), pytest.raises(WrongTenant):
        foreign.save()


def test_looking_across_tenants_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"), across_tenants(""):
        pass


@pytest.mark.django_db(transaction=True)
def test_guards_outlive_a_table_that_is_built_anew() -> None:
    from apps.studio.models import Shoot
    from apps.tenants.guards import guards_set_aside

    if connection.vendor != "sqlite":
        pytest.skip("only SQLite builds a table anew to change it")
    column = models.CharField(max_length=3, default="x")
    column.set_attributes_from_name("added_later")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'guard_%'")
        before = cursor.fetchone()

    with guards_set_aside(connection):
        for change in ("add_field", "remove_field"):
            with connection.schema_editor() as editor:
                getattr(editor, change)(Shoot, column)

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'guard_%'")
        assert cursor.fetchone() == before != (0,)


@pytest.mark.django_db(transaction=True)
def test_guards_that_a_run_of_migrations_asks_for_come_at_its_end() -> None:
    from django.db.migrations.state import ProjectState

    from apps.tenants.guards import TenantGuard, guards_set_aside

    if connection.vendor != "sqlite":
        pytest.skip("only SQLite builds a table anew to change it")
    state = ProjectState.from_apps(apps)
    guard = TenantGuard("Shot", "shoot")
    before = guards_present()

    with guards_set_aside(connection), connection.schema_editor() as editor:
        guard.database_backwards("studio", editor, state, state)
    taken_back = before - guards_present()
    with guards_set_aside(connection):
        with connection.schema_editor() as editor:
            guard.database_forwards("studio", editor, state, state)
        assert guards_present() == frozenset()

    assert taken_back == {"guard_studio_shot_shoot_id_insert", "guard_studio_shot_shoot_id_update"}
    assert guards_present() == before


def guards_present() -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'guard_%'")
        return frozenset(name for (name,) in cursor.fetchall())


def test_pages_of_strange_origins_may_not_open_the_live_socket(settings: Any) -> None:
    from channels.security.websocket import OriginValidator

    ours = settings.BASE_URL
    door = OriginValidator(None, settings.LIVE_ORIGINS)
    strangers = [
        None,
        "null",
        ours.replace("http:", "https:"),
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example:8000",
        "http://evil.example",
    ]

    def admits(origin: str | None) -> bool:
        from urllib.parse import urlparse

        return bool(door.valid_origin(urlparse(origin) if origin else None))

    assert admits(ours)
    assert [origin for origin in strangers if admits(origin)] == []

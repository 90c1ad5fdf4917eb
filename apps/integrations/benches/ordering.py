"""How long it takes to accept an order and to cancel it, by service and over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from django.test import Client

from apps.integrations.benches import seeding
from apps.integrations.benches.figures import Figure, Table, quantile
from apps.integrations.benches.stack import NotMeasurable
from apps.integrations.scopes import Scope
from apps.integrations.services.api_keys import create_api_key
from apps.studio.services.ordering import cancel_shoot, order_shoot
from apps.tenants.scope import tenant_scope

_SCENE = "packshot-white"
_CHANNEL = "shopify"


def measure(*, renders: int, rounds: int) -> Table:
    """Return the seconds of accepting and canceling one order of so many renders."""
    owner = seeding.open_seller()
    photos = seeding.enter_photos(owner.tenant_id, renders)
    seeding.enter_workers(2)
    table = Table(f"One order of {renders:,} renders, {rounds} rounds")
    with tenant_scope(owner.tenant_id):
        _, secret = create_api_key(actor=owner.actor, name="bench", scopes=list(Scope))

        def order() -> str:
            shoot = order_shoot(
                actor=owner.actor,
                photo_ids=photos,
                scene_slug=_SCENE,
                sales_channels=[_CHANNEL],
            )
            return str(shoot.pk)

        def cancel(shoot: str) -> None:
            cancel_shoot(actor=owner.actor, shoot_id=shoot)

        table.rows.extend(_figures("service", order, cancel, rounds))
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {secret}"})
    body = json.dumps({"photos": photos, "sales_channels": [_CHANNEL], "scene_template": _SCENE})

    def post() -> str:
        answer = client.post("/v1/shoots", body, content_type="application/json")
        if answer.status_code != 202:
            raise NotMeasurable(f"not accepted: {answer.status_code} {answer.content[:300]!r}")
        return str(answer.json()["id"])

    def post_cancel(shoot: str) -> None:
        client.post(f"/v1/shoots/{shoot}/cancel")

    table.rows.extend(_figures("POST /v1/shoots", post, post_cancel, rounds))
    return table


def _figures(
    door: str, order: Callable[[], str], cancel: Callable[[str], None], rounds: int
) -> list[Figure]:
    ordered, canceled = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        shoot = order()
        accepted = time.perf_counter()
        cancel(shoot)
        ordered.append(accepted - began)
        canceled.append(time.perf_counter() - accepted)
    return [
        Figure(f"{door}: order", _spread(ordered)),
        Figure(f"{door}: cancel", _spread(canceled)),
    ]


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"median s": quantile(seconds, 0.5), "max s": max(seconds)}

"""WebSocket addresses."""

from typing import Any

from django.urls import path

from apps.events.consumers import LiveConsumer

websocket_urlpatterns: list[Any] = [path("ws/w/<slug:slug>/", LiveConsumer.as_asgi())]

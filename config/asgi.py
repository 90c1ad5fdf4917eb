"""The web's entry: HTTP to Django, WebSockets to Channels after origin and session checks."""

import os
import warnings

# Files are read in threads that ASGI hands out; that costs nothing here and is no news.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.db import connections

from apps.core.body_limit import BodyLimit
from apps.core.diagnostics import answer_usr1
from apps.events.routing import websocket_urlpatterns

answer_usr1()

database = connections.settings["default"]
if database["ENGINE"].endswith("postgresql"):
    # Requests come on threads of their own, so that a connection never lives to see a second one:
    # connecting anew cost the server more than the order itself. An outage's end is seen at once.
    database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": 20,
        "timeout": 3.0,
        "reconnect_timeout": 2.0,
    }
    database["CONN_MAX_AGE"] = 0

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(http),
        # Whole origins: a page on another port or over plain http of our host is a stranger.
        "websocket": OriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.LIVE_ORIGINS
        ),
    }
)

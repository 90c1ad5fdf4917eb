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

from apps.core.body_limit import BodyLimit
from apps.core.diagnostics import answer_usr1
from apps.events.routing import websocket_urlpatterns

answer_usr1()

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(http),
        # Whole origins: a page on another port or over plain http of our host is a stranger.
        "websocket": OriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.LIVE_ORIGINS
        ),
    }
)

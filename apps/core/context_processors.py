"""What every template may rely on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the theme chosen by cookie, the actor and workspace of the request, if any."""
    theme = request.COOKIES.get("theme", "")
    return {
        "theme": theme if theme in {"light", "dark"} else "",
        "actor": getattr(request, "actor", None),
        "workspace": getattr(request, "workspace", None),
        "membership": getattr(request, "membership", None),
    }

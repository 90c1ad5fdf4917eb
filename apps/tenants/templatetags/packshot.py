"""Tags and filters that templates of all apps use. Builtin: no ``{% load %}`` needed."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from apps.tenants.roles import Actor, Permission

register = template.Library()


@register.simple_tag(takes_context=True)
def wurl(context: template.Context, name: str, *args: Any, **kwargs: Any) -> str:
    """Return the URL of a workspace page: `reverse` with the present workspace filled in."""
    return reverse(name, args=[context["workspace"].slug, *args], kwargs=kwargs or None)


@register.filter
def may(actor: Actor | None, permission: str) -> bool:
    """Return whether the actor holds the permission, for showing or hiding a control."""
    return actor is not None and actor.may(Permission(permission))


@register.filter
def seconds(value: float | None) -> str:
    """Return seconds as people say them: ``8 s``, ``3 min``, ``1 h 20 min``."""
    if value is None:
        return "–"
    whole = round(value)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def duration(value: float | None) -> str:
    """Return seconds so that two of them can be compared: ``84 s``, ``4 min 20 s``."""
    if value is None or value >= 3600:
        return seconds(value)
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if value >= 100 else f"{round(value)} s"


@register.filter
def money(minor: float | None, currency: str) -> str:
    """Return minor units of a currency as people write it: ``12.40 EUR``."""
    return "–" if minor is None else f"{minor / 100:,.2f} {currency}"

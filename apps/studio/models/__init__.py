"""Shoots, their shots and renders."""

from apps.studio.models.shoots import Render, Shoot, Shot

__all__ = ["Render", "Shoot", "Shot"]

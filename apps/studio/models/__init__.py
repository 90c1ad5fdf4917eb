"""Shoots, their shots and renders, and the brand they may carry."""

from apps.studio.models.brand import BrandKit, BrandLogo
from apps.studio.models.shoots import Render, Shoot, Shot

__all__ = ["BrandKit", "BrandLogo", "Render", "Shoot", "Shot"]

"""One machine: what ``make up`` runs. Safe defaults, no TLS in front."""

from config.settings.base import *  # noqa: F403

"""One machine: what ``make up`` runs. Safe defaults, no TLS in front."""

from config.settings.base import *  # noqa: F403
from config.settings.base import STATIC_ROOT

# Files are served from where they lie; whitenoise warns about a root that nobody filled.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

"""One machine: what ``make up`` runs. Safe defaults, no TLS in front."""

from config.settings.base import *  # noqa: F403
from config.settings.base import LIVE_ORIGINS, STATIC_ROOT

# Files are served from where they lie; whitenoise warns about a root that nobody filled.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# People type localhost where the product prints 127.0.0.1.
LIVE_ORIGINS = [*LIVE_ORIGINS, *(url.replace("127.0.0.1", "localhost") for url in LIVE_ORIGINS)]

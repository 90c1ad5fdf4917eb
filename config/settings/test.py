"""The test suite: same code paths, cheap passwords, mail in memory, own Redis keys."""

from config.settings.base import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
ACCOUNT_RATE_LIMITS = False
# Tests that need the real Redis ask for the `redis_server` fixture, which points these at it.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# Nothing is collected before tests: static files are looked up when they are asked for.
WHITENOISE_AUTOREFRESH = True

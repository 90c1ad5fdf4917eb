"""Settings common to every way of running Packshot. No logic: values from `config.env`."""

from __future__ import annotations

from typing import Any

import environ

from config.env import ROOT, env
from config.logging import configure_logging
from config.queues import rq_queues

SECRET_KEY = env.secret_key
DEBUG = env.debug
ALLOWED_HOSTS = list(env.allowed_hosts)
BASE_URL = env.base_url
CSRF_TRUSTED_ORIGINS = [env.base_url]
# Pages of these origins may open the live socket.
LIVE_ORIGINS = [env.base_url]
VAR_DIR = env.var_dir

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "django_htmx",
    "django_rq",
    "lucide",
    "ninja",
    # Its static files carry the Inter typeface that our tokens name.
    "unfold",
    "apps.core",
    "apps.tenants",
    "apps.events",
    "apps.billing",
    "apps.accounts",
    "apps.catalog",
    "apps.compute",
    "apps.studio",
    "apps.review",
    "apps.insights",
    "apps.integrations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context_processors.page",
            ],
            "builtins": ["django.templatetags.static", "apps.tenants.templatetags.packshot"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(env.database_url)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that reads first and writes later otherwise ends in "locked".
    # FULL: the credit ledger lives here, and a power cut may not lose its last commit.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;",
    }
else:
    # A frozen process may not hold a lock for ever: the database ends its transaction.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c statement_timeout=30000 -c lock_timeout=10000 "
        "-c idle_in_transaction_session_timeout=15000"
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url
RQ_QUEUES = rq_queues(env.redis_url)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.redis_url,
        "KEY_PREFIX": "packshot",
    }
}
CHANNEL_LAYERS = {
    "default": {
        # Pub/sub: the core layer drops at 100 messages and loses its groups when Redis restarts.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 ends idle reads after 5 s unless told otherwise.
        "CONFIG": {"hosts": [{"address": env.redis_url, "socket_timeout": 30}]},
    }
}

STORAGE_URL = env.storage_url
STATIC_URL = "/static/"
STATIC_ROOT = env.var_dir / "static"
# Scenes are shown by the pictures that the workers' folder brings with each of them.
STATICFILES_DIRS = [ROOT / "static", ("scenes", ROOT / "gpu_workers/scenes/previews")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "tenants:home"
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "apps.accounts.forms.SignupForm"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
USERSESSIONS_TRACK_ACTIVITY = False
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

_EMAIL = environ.Env.email_url_config(env.email_url)
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = _EMAIL.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _EMAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _EMAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _EMAIL.get("EMAIL_USE_TLS", False)
DEFAULT_FROM_EMAIL = env.email_from

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# An upload is read in chunks to disk; what is larger is refused while it arrives.
UPLOAD_MAX_BYTES = 50 * 1024 * 1024
UPLOAD_MAX_PIXELS = 50_000_000
UPLOAD_MAX_SIDE_PX = 12_000
DECODE_MEMORY_BYTES = 440 * 1024 * 1024
DECODE_WALL_SECONDS = 9.0
# Decoders at a time in one process, and how long an upload waits for one of them.
DECODE_PARALLEL = 3
DECODE_QUEUE_SECONDS = 30.0
# A form with many files, all together; the script sends one file at a time.
REQUEST_MAX_BYTES = 512 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

LEASE_SECONDS = env.lease_seconds
WORKER_BEAT_SECONDS = env.worker_beat_seconds
# Who starts workers; "static" is nobody: then the autoscaler only records what it would do.
FLEET = env.fleet
MIN_WORKERS = env.min_workers
# A class without a number here may grow to what its fleet can carry.
MAX_WORKERS = env.max_workers
# What one tenant's demand alone may start; 0 is no bound.
MAX_WORKERS_PER_TENANT = env.max_workers_per_tenant
TARGET_WAIT_SECONDS = env.target_wait_seconds
# Worker-seconds, all classes together; 0 is no bound.
WORKER_BUDGET_SECONDS_PER_HOUR = env.worker_budget_seconds_per_hour
WORKER_BUDGET_SECONDS_PER_MONTH = env.worker_budget_seconds_per_month
# Forecasts are only recorded ("shadow") until their error is known.
FORECAST = env.forecast
# Empty is the pod's own namespace, or that of the kubeconfig's context.
KUBERNETES_NAMESPACE = env.kubernetes_namespace
# With "keda" Packshot decides and marks, KEDA changes the number of replicas.
KUBERNETES_HAND = env.kubernetes_hand
# The head of the Ray cluster, and what of a machine's resources a worker of each class takes.
RAY_ADDRESS = env.ray_address
RAY_SLOTS = env.ray_slots
RAY_PRICES_MINOR_PER_HOUR = env.ray_prices
# Metrics are told to who knows this; empty: to this machine alone.
METRICS_TOKEN = env.metrics_token
# Signed links to finished files in API answers live this long.
FILE_LINK_SECONDS = 24 * 3600

LOGGING = configure_logging(json_lines=False)
LOGGING_CONFIG = "logging.config.dictConfig"

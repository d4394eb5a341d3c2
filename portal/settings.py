"""Django's settings, all derived from `portal.config`. Nothing here is read from anywhere else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from portal import auth_settings
from portal.config import Config
from portal.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
CONFIG = Config()
INSTALLATION = CONFIG.installation()

SECRET_KEY = CONFIG.django_secret_key()
DEBUG = CONFIG.debug
HTTPS = CONFIG.public_url.startswith("https://")
HOST = CONFIG.public_url.split("://", 1)[1]
ALLOWED_HOSTS = [HOST.split(":")[0], "127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [CONFIG.public_url]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_auth_adfs",
    "django_htmx",
    "django_structlog",
    "knox",
    "pghistory",
    "pgtrigger",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "portal",
    "projects",
    "provisioning",
]

MIDDLEWARE = [
    "portal.middleware.RequestId",
    "portal.errors.DatabaseDown",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.language.Language",
    "portal.zones.Zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.middleware.StorableText",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.sessions.SessionLimits",
    "portal.see_as.SeeAs",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.errors.FormOnly",
    "portal.middleware.AuditContext",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.i18n",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.layout.context",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **CONFIG.database(),
        "CONN_HEALTH_CHECKS": True,
        # Threads of web and worker share one small pool; a dead connection is noticed before it is lent.
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": 16, "timeout": 3, "max_idle": 60},
            "connect_timeout": 3,
            "options": "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The portal has a token model of its own; the library's table would only be in the way.
MIGRATION_MODULES = {"knox": None}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CONFIG.redis_url,
        "OPTIONS": {"serializer": "portal.cached_json.CachedJson"},
        # Of values as JSON. Processes from before, which kept pickles, can't read them while an update goes on.
        "VERSION": 2,
    }
}

EMAIL_HOST = CONFIG.mail_host
EMAIL_PORT = CONFIG.mail_port
EMAIL_HOST_USER = CONFIG.mail_user
EMAIL_HOST_PASSWORD = CONFIG.secret("mail-password") if CONFIG.mail_user else ""
EMAIL_USE_TLS = CONFIG.mail_security == "starttls"
EMAIL_USE_SSL = CONFIG.mail_security == "tls"
EMAIL_TIMEOUT = 10

AUTH_USER_MODEL = "portal.User"
AUTH_ADFS = auth_settings.adfs_settings(CONFIG)
AUTHENTICATION_BACKENDS = auth_settings.AUTHENTICATION_BACKENDS
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"

SESSION_COOKIE_AGE = int(timedelta(hours=10).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'", auth_settings.provider_origin(CONFIG)],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en-gb"
# Each has all its texts translated; a test says so (`manage.py translations --update` names those that are not).
LANGUAGES = [("en-gb", "English"), ("sv", "Svenska")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.auth.AdfsBearer",
        "portal.tokens.PortalToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # `format` is a parameter of ours; DRF would look for a renderer of that name.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": None,
    "EXCEPTION_HANDLER": "portal.errors.api_exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Slipway",
    "DESCRIPTION": "Ask for a project, watch it become ready, change it, retire it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ModelTestKind": ["invariance", "directional", "minimum", "regression", "slice", "data", "other"],
        "RunAction": ["look", "suspend", "resume", "retry", "skip", "unskip", "plan"],
        "RunState": ["draft", "running", "paused", "stopped", "done"],
        "RunItemState": ["waiting", "left_out", "done", "asked", "refused"],
    },
}
KNOX_TOKEN_MODEL = "portal.ApiToken"  # noqa: S105
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=90),
    "TOKEN_PREFIX": "slip_",
    "AUTH_HEADER_PREFIX": "Bearer",
}

LOGGING = logging_settings(log_format=CONFIG.log_format)
DJANGO_STRUCTLOG_CELERY_ENABLED = True

"""Settings: one file for laptop and cluster; what differs comes from the environment (docs/settings.md)."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import dj_database_url
import plotly
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env_int(name: str, default: int) -> int:
    raw = os.environ.get(name, "")
    try:
        return int(raw) if raw else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, found {raw!r}.") from None


def env_bool(name: str, *, default: bool) -> bool:
    raw = os.environ.get(name, "").lower()
    if raw not in ("", "0", "1", "false", "true"):
        raise ImproperlyConfigured(f"{name} must be 1 or 0, found {raw!r}.")
    return raw in ("1", "true") if raw else default


def env_path(name: str, default: Path) -> Path:
    raw = os.environ.get(name, "")
    return Path(raw).expanduser().resolve() if raw else default


def env_rate(name: str, default: str) -> str:
    raw = os.environ.get(name, "") or default
    count, _, period = raw.partition("/")
    if not count.isdecimal() or period not in ("s", "m", "h", "d"):
        raise ImproperlyConfigured(f"{name} must be requests in a second, minute, hour or day, such as 60/m.")
    return raw


# Everything that the running system writes: database, queue, artifacts, logs.
VAR_DIR = env_path("VAR_DIR", BASE_DIR / "var")
VAR_DIR.mkdir(parents=True, exist_ok=True)
ARTIFACT_DIR = env_path("ARTIFACT_DIR", VAR_DIR / "artifacts")


def _secret_key() -> str:
    """SECRET_KEY, or a random key made once and kept in VAR_DIR, readable by the owner only."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    path = VAR_DIR / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


SECRET_KEY = _secret_key()
DEBUG = env_bool("DEBUG", default=False)
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "leaderboard",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "import_export",
    # For the files of the API's own documentation, which are served from here.
    "ninja",
    "django_htmx",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "leaderboard.urls"
WSGI_APPLICATION = "leaderboard.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database() -> dj_database_url.DBConfig:
    """DATABASE_URL, or SQLite in VAR_DIR. The value may hold a password, so the refusal does not repeat it."""
    try:
        return dj_database_url.parse(
            os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'leaderboard.sqlite3'}",
            # Kept from page to page and stage to stage: opening one takes longer than most of what is asked. One that
            # has died is noticed before it is used.
            conn_max_age=600,
            conn_health_checks=True,
        )
    except ValueError:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read; it looks like postgresql://user:password@host/name or sqlite:///file."
        ) from None


DATABASES = {"default": _database()}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets pages read while a worker writes; IMMEDIATE takes the write lock at BEGIN, where waiting works.
    # Measured with concurrent writers: 0 failures in 932, against 1,001 in 1,406 with DEFERRED.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = os.environ.get("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
# plotly.js comes from the installed Python package, so nothing third-party lies in this repository.
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("plotly", Path(plotly.__file__).parent / "package_data"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Strict: no inline script anywhere. Plotly draws with inline styles (blurred heatmaps without them), so
# chart pages loosen `style-src` alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_bool("HTTPS", default=False)
SECURE_HSTS_SECONDS = 31_536_000 if env_bool("HTTPS", default=False) else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_PROXY", default=False) else None

# Whether the results in leaderboard/published/ come into the database after migrate.
PUBLISHED_RESULTS = env_bool("PUBLISHED_RESULTS", default=True)

# The engine.
DATA_DIR = os.environ.get("DATA_DIR", "")
ENGINE_THREADS = env_int("ENGINE_THREADS", 0)
# Of a training stage: one for each GPU that it shall use.
ENGINE_PROCESSES = env_int("ENGINE_PROCESSES", 1)
ENGINE_GRADIENT_CHECKPOINTING = env_bool("ENGINE_GRADIENT_CHECKPOINTING", default=False)
ENGINE_COMPILE = env_bool("ENGINE_COMPILE", default=False)
# What a training stage loses at most when its engine is killed.
RESUME_SECONDS = env_int("RESUME_SECONDS", 300)
# Engines are forked from a process that has loaded their libraries: it takes memory, and spares seconds a stage.
ENGINE_WARM = env_bool("ENGINE_WARM", default=True)
# Tokenised data, which can be made again at any time.
FEATURE_CACHE_DIR = env_path("FEATURE_CACHE_DIR", VAR_DIR / "features")
# MiB; beyond it, what was not used for the longest time goes; 0: no limit but the disk.
FEATURE_CACHE_LIMIT = env_int("FEATURE_CACHE_LIMIT", 20_480)
STAGE_TIME_LIMIT = env_int("STAGE_TIME_LIMIT", 7 * 24 * 3600)
# The stage file is appended. Tests put a short script here.
ENGINE_COMMAND = [sys.executable, "-m", "runner"]
# How long an engine that was asked to stop may take to write its checkpoint; and one that was cancelled.
STOP_GRACE_SECONDS = env_int("STOP_GRACE_SECONDS", 30)
CANCEL_GRACE_SECONDS = env_int("CANCEL_GRACE_SECONDS", 1)
# An engine that says nothing new for so long hangs; 0: no limit.
STAGE_SILENCE_LIMIT = env_int("STAGE_SILENCE_LIMIT", 1800)
# MiB of memory, over all processes of an engine; 0: no limit but the machine's.
STAGE_MEMORY_LIMIT = env_int("STAGE_MEMORY_LIMIT", 0)


# The HTTP API: requests of a token, of an address without one, and those that write.
API_RATE = env_rate("API_RATE", "600/m")
API_VISITOR_RATE = env_rate("API_VISITOR_RATE", "120/m")
API_WRITE_RATE = env_rate("API_WRITE_RATE", "60/m")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Counts of requests: apart, and large, so that nothing else pushes them out.
    "rates": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "rates",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# Predictions from elsewhere: MiB of a file, packed and unpacked, and seconds that scoring it may take.
UPLOAD_LIMIT = env_int("UPLOAD_LIMIT", 256)
UPLOAD_SECONDS = env_int("UPLOAD_SECONDS", 600)
UPLOAD_COMMAND = [sys.executable, "-m", "runner.evaluation.uploaded"]

# The queue: the database row is the truth, a message only wakes a worker.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
LEASE_SECONDS = env_int("LEASE_SECONDS", 30)
HEARTBEAT_SECONDS = env_int("HEARTBEAT_SECONDS", 3)
SWEEP_SECONDS = env_int("SWEEP_SECONDS", 10)
# A stage that loses its worker, or that the machine fails, so often is given up.
MAX_ATTEMPTS = env_int("MAX_ATTEMPTS", 5)
# The pause after the second of these losses; it doubles with each.
RETRY_SECONDS = env_int("RETRY_SECONDS", 30)
# An idle worker sends again for stages whose message is older than this.
RESEND_SECONDS = env_int("RESEND_SECONDS", 30)
# The GPUs of this worker, by number or UUID: each engine sees one. Empty: engines see what the worker sees.
GPUS = [gpu.strip() for gpu in os.environ.get("GPUS", "").split(",") if gpu.strip()]
# Engines at the same time on this worker: one for each GPU, or one.
WORKER_CONCURRENCY = env_int("WORKER_CONCURRENCY", len(GPUS) or 1)
if GPUS and len(GPUS) < WORKER_CONCURRENCY:
    raise ImproperlyConfigured(
        f"WORKER_CONCURRENCY is {WORKER_CONCURRENCY}, but GPUS names {len(GPUS)}: an engine has a GPU for itself."
    )


def _lanes() -> list[str]:
    """LANES: what this worker takes."""
    known = ("gpu", "cpu", "short")
    lanes = [lane.strip() for lane in os.environ.get("LANES", ",".join(known)).split(",") if lane.strip()]
    if not lanes or not set(lanes) <= set(known):
        raise ImproperlyConfigured(f"LANES names some of {', '.join(known)}, found '{','.join(lanes)}'.")
    return lanes


LANES = _lanes()
# What one submitter may have at the same time running (stages), and unfinished or done in a day (runs; failed and
# cancelled ones do not count); 0: no limit.
SUBMITTER_STAGE_LIMIT = env_int("SUBMITTER_STAGE_LIMIT", 0)
SUBMITTER_RUN_LIMIT = env_int("SUBMITTER_RUN_LIMIT", 0)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}

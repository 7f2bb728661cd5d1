"""Settings, read from the environment. Every variable may also be given as NAME_FILE (a file's content).

A missing or senseless value stops the start with a sentence that names the variable.
"""

import logging.config
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from panel import embedded, staff
from panel.kernel import business_days
from panel.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = embedded.DEFAULT_VAR
env = environ.FileAwareEnv()


def _switch(text: str) -> bool:
    """Read on or off; the library takes whatever it does not know for off."""
    word = text.strip().lower()
    if word not in {"1", "true", "yes", "on", "0", "false", "no", "off", ""}:
        message = f"{text!r} is neither 1 nor 0"
        raise ValueError(message)
    return word in {"1", "true", "yes", "on"}


def _amount(text: str) -> Decimal:
    """Read a positive amount of money."""
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not amount.is_finite() or amount <= 0:
        raise ValueError(text)
    return amount


def _timeout(text: str) -> timedelta:
    """Read how many seconds to wait for a gateway: 1 to 60, so that no call outlives its lease."""
    if not 1 <= int(text) <= 60:  # noqa: PLR2004 - the bounds that the sentence above names
        raise ValueError(text)
    return timedelta(seconds=int(text))


def _days(text: str) -> timedelta:
    """Read a number of days: at least one, at most ten years."""
    if not 1 <= int(text) <= 3650:  # noqa: PLR2004 - the bounds that the sentence above names
        raise ValueError(text)
    return timedelta(days=int(text))


def _proxies(text: str) -> int:
    """Read how many proxies of our own stand before the panel: none to nine."""
    if not 0 <= int(text) <= 9:  # noqa: PLR2004 - the bounds that the sentence above names
        raise ValueError(text)
    return int(text)


def _lines(text: str) -> str:
    r"""Read a text of several lines; in a variable of one line, `\n` starts the next."""
    return "\n".join(line.strip() for line in text.replace("\\n", "\n").split("\n")).strip()


def _hour(text: str) -> int:
    """Read an hour of the day, 0 to 23."""
    if not 0 <= int(text) <= 23:  # noqa: PLR2004 - the bounds that the sentence above names
        raise ValueError(text)
    return int(text)


def _calendar(code: str) -> str:
    """Read the code of a calendar that exists."""
    return business_days.calendar(code.strip()).code


def _zone(name: str) -> str:
    """Read the name of a time zone that this machine knows."""
    try:
        return ZoneInfo(name.strip()).key
    except (ValueError, KeyError, OSError) as error:
        message = f"{name!r} is no time zone: use a name such as UTC or Europe/Berlin"
        raise ValueError(message) from error


def _setting(name: str, cast_to: Callable[[str], Any], default: Any) -> Any:  # noqa: ANN401 - a value of the type asked for
    """Read one variable; name it when its value makes no sense."""
    try:
        return env(name, cast=_switch if cast_to is bool else cast_to, default=default)
    except (ValueError, environ.ImproperlyConfigured) as error:
        message = f"{name} makes no sense: {error}"
        raise ImproperlyConfigured(message) from error


DEBUG = _setting("DEBUG", bool, False)
TESTING = _setting("TESTING", bool, False)
SANDBOX = _setting("SANDBOX", bool, False)  # the demo: sandbox keys and plain http, on this machine only
SANDBOX_SECRET_KEY = "sandbox-secret-key-for-demo-and-tests-only"  # noqa: S105 - refused outside of the sandbox
SECRET_KEY = _setting("SECRET_KEY", str, SANDBOX_SECRET_KEY)
ALLOWED_HOSTS = _setting("ALLOWED_HOSTS", list, ["127.0.0.1", "localhost", "[::1]"])
SITE_URL = _setting("SITE_URL", str, "http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

PANEL_NAME = _setting("PANEL_NAME", str, "Makegood")
PANEL_CURRENCY = _setting("PANEL_CURRENCY", str, "USD")
BUSINESS_CALENDAR = _setting("BUSINESS_CALENDAR", _calendar, "US")
REFUND_POLICY = _setting("REFUND_POLICY", str, "money-back-guarantee")
SUPPORT_EMAIL = _setting("SUPPORT_EMAIL", str, "support@makegood.example")
SUPPORT_HOURS = _setting("SUPPORT_HOURS", _lines, "")
SUPPORT_ADDRESS = _setting("SUPPORT_ADDRESS", _lines, "")
DEFAULT_FROM_EMAIL = _setting("DEFAULT_FROM_EMAIL", str, f"{PANEL_NAME} <{SUPPORT_EMAIL}>")

# The one upward step (docs/adr): orders ask the refunds room by these names.
ORDER_SETTLEMENT = "refunds.settlement.settle"
ORDER_POLICY = "refunds.order_policy"
DISPUTE_INTAKE = "refunds.chargebacks.refresh"  # billing.ports
CONVERSATIONS = "panel.support.conversations"  # refunds.ports

ORDER_SUBMIT_DELAY = timedelta(seconds=_setting("ORDER_SUBMIT_DELAY", int, 60))
ORDER_SYNC_INTERVAL = timedelta(seconds=_setting("ORDER_SYNC_INTERVAL", int, 60))
ORDER_RECHECK_INTERVAL = timedelta(seconds=_setting("ORDER_RECHECK_INTERVAL", int, 86_400))
ORDER_RECHECK_FOR = timedelta(seconds=_setting("ORDER_RECHECK_FOR", int, 604_800))
ORDER_SWEEP_SECONDS = _setting("ORDER_SWEEP_SECONDS", float, 10.0)
PROVIDER_TIMEOUT = timedelta(seconds=_setting("PROVIDER_TIMEOUT", int, 20))
# How long a customer can take a withdrawal back before it is sent.
WITHDRAWAL_CANCEL_WINDOW = timedelta(seconds=_setting("WITHDRAWAL_CANCEL_WINDOW", int, 3600))
MONEY_SWEEP_SECONDS = _setting("MONEY_SWEEP_SECONDS", float, 10.0)
LARGEST_ADJUSTMENT = _setting("LARGEST_ADJUSTMENT", _amount, Decimal(10000))

STRIPE_SECRET_KEY = _setting("STRIPE_SECRET_KEY", str, "").strip()  # a file's last line break is no part of a key
STRIPE_WEBHOOK_SECRET = _setting("STRIPE_WEBHOOK_SECRET", str, "").strip()
STRIPE_API_BASE = _setting("STRIPE_API_BASE", str, "").strip().rstrip("/")  # another host that speaks Stripe's API
GATEWAY_TIMEOUT = _setting("GATEWAY_TIMEOUT", _timeout, timedelta(seconds=20))
# The least is what the shipped policy pays back at least, so that no deposit is too small to be withdrawn.
DEPOSIT_MINIMUM = _setting("DEPOSIT_MINIMUM", _amount, Decimal(5))
DEPOSIT_MAXIMUM = _setting("DEPOSIT_MAXIMUM", _amount, Decimal(10000))
# Bank debits (ACH, SEPA) can be refunded for 180 days; cards have no limit of their own, but they close.
STRIPE_REFUND_WINDOW = _setting("STRIPE_REFUND_DAYS", _days, timedelta(days=180))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # for allauth's list of security keys
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "pgtrigger",
    "panel.accounts",
    "panel.notifications",
    "billing",
    "orders",
    "refunds",
    "panel.support",
    "panel.web",
    "panel.demo",
]

MIDDLEWARE = [
    "panel.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "panel.web.local_time.LocalTimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "panel.urls"
WSGI_APPLICATION = "panel.wsgi.application"
APPEND_SLASH = True

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
                "panel.web.context.site",
            ],
        },
    }
]

EMBEDDED_DATABASE = "DATABASE_URL" not in env.ENVIRON and "DATABASE_URL_FILE" not in env.ENVIRON
ALLOW_EMBEDDED = _setting("ALLOW_EMBEDDED", bool, False)
_database_url = embedded.database_url(VAR_DIR) if EMBEDDED_DATABASE else env("DATABASE_URL")
try:
    _database = cast("dict[str, Any]", env.db_url_config(_database_url))
except ValueError as error:
    message = f"DATABASE_URL is not a database address: {error}"
    raise ImproperlyConfigured(message) from error
if "postgresql" not in _database.get("ENGINE", ""):
    message = "DATABASE_URL must be a postgresql:// address: the panel's money rules live in PostgreSQL"
    raise ImproperlyConfigured(message)
_database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
_database["HOST"] = _database["OPTIONS"].pop("host", _database["HOST"])  # a socket's directory arrives as an option
_database["ENGINE"] = "panel.postgres"
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True
_database["ATOMIC_REQUESTS"] = False
_database["OPTIONS"]["options"] = (
    "-c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
)
PREPARE_STATEMENTS = _setting("PREPARE_STATEMENTS", bool, True)
_database["DISABLE_SERVER_SIDE_CURSORS"] = not PREPARE_STATEMENTS  # they need a session of their own, too
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _setting("REDIS_URL", str, "")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "orders"
ACCOUNT_LOGOUT_REDIRECT_URL = "catalog"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_ADAPTER = "panel.web.sign_up.AccountAdapter"
ACCOUNT_CHANGE_EMAIL = True  # one address an account, replaced only by one that was confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"{PANEL_NAME}: "
# How many entries of X-Forwarded-For, from its end, are ours: for panel.accounts.addresses and for allauth's limits.
ALLAUTH_TRUSTED_PROXY_COUNT = _setting("TRUSTED_PROXIES", _proxies, 0)
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SITE_URL.startswith("https") else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = PANEL_NAME

MAIL_DIR = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20  # seconds for each answer of the mail server; Django's default waits for ever
if "EMAIL_URL" in env.ENVIRON or "EMAIL_URL_FILE" in env.ENVIRON:
    try:
        vars().update(env.email_url("EMAIL_URL"))
    except environ.ImproperlyConfigured as error:
        message = f"EMAIL_URL makes no sense: {error}"
        raise ImproperlyConfigured(message) from error
else:
    EMAIL_BACKEND = "panel.sandbox.mail.EmlBackend"

CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
if not REDIS_URL:
    CELERY_BROKER_TRANSPORT = "panel.broker:Transport"
# A request that starts a task must not wait for a broker that is down: sweeps find the work later. Redis hands out
# again what took longer than the visibility timeout, so that is longer than the longest task.
_impatient = {"max_retries": 0, "socket_connect_timeout": 2.0, "visibility_timeout": 4 * 3600}
CELERY_BROKER_TRANSPORT_OPTIONS = _impatient if REDIS_URL else embedded.broker_options(VAR_DIR)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_IMPORTS = ["panel.webhooks"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat" / "schedule")
_sweeps = {
    "submit-orders": ("orders.tasks.submit_due", ORDER_SWEEP_SECONDS),
    "sync-orders": ("orders.tasks.sync_due", ORDER_SWEEP_SECONDS),
    "send-cancels": ("orders.tasks.send_cancels", ORDER_SWEEP_SECONDS),
    "send-refills": ("orders.tasks.send_refills", ORDER_SWEEP_SECONDS),
    "poll-refills": ("orders.tasks.poll_refills", ORDER_SWEEP_SECONDS),
    "resolve-unknown": ("orders.tasks.resolve_unknown", ORDER_SWEEP_SECONDS * 3),
    "send-emails": ("panel.notifications.tasks.send_due", 10.0),
    "send-withdrawals": ("billing.tasks.send_due_withdrawals", MONEY_SWEEP_SECONDS),
    "check-deposits": ("billing.tasks.check_due_deposits", MONEY_SWEEP_SECONDS * 2),
    "check-disputes": ("billing.tasks.check_due_disputes", MONEY_SWEEP_SECONDS * 2),
    "look-for-disputes": ("billing.tasks.look_for_disputes", 900.0),
    "handle-webhooks": ("panel.webhooks.handle_due", MONEY_SWEEP_SECONDS),
    "audit-ledger": ("refunds.tasks.audit_books", 3600.0),
    "backtest-policies": ("refunds.tasks.carry_out_backtests", 5.0),
    "find-fraud-warnings": ("refunds.tasks.find_fraud_warnings", 900.0),
    "announce-policies": ("refunds.tasks.announce_policies", 60.0),
    "prepare-evidence": ("refunds.tasks.prepare_evidence", 60.0),
    "warn-of-deadlines": ("refunds.tasks.warn_of_deadlines", 300.0),
}
# A sweep that waited until the next one is worth nothing: without workers, they must not pile up.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, (task, seconds) in _sweeps.items()
}
# At an hour and not every day after the start: beat may be started anew more often than that.
CELERY_BEAT_SCHEDULE["reconcile"] = {
    "task": "billing.tasks.reconcile_gateways",
    "schedule": crontab(hour="4", minute="0"),
    "options": {"expires": 43_200.0},
}
CELERY_BEAT_SCHEDULE["staff-digest"] = {
    "task": "panel.support.tasks.send_digest",
    "schedule": crontab(hour=str(_setting("STAFF_DIGEST_HOUR", _hour, 7)), minute="0"),
    "options": {"expires": 14_400.0},  # what was not written in the morning is no news at noon
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = _setting("PANEL_TIME_ZONE", _zone, "UTC")  # whose days people count in; the database stays in UTC
CELERY_TIMEZONE = TIME_ZONE  # whose hours the schedule above is in
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["panel.formats"]

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG or TESTING or SANDBOX
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING or SANDBOX
if WHITENOISE_USE_FINDERS:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # nothing is collected there, and whitenoise warns when it is absent

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
if SITE_URL.startswith("https"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

METRICS_TOKEN = _setting("METRICS_TOKEN", str, "").strip()  # what a scraper of /metrics shows; without one, see there
METRIC_SOURCES = ["panel.notifications.metrics.samples", "billing.metrics.samples", "refunds.metrics.samples"]

LOG_LEVEL = _setting("LOG_LEVEL", str, "INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    message = f"LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR and CRITICAL, not {LOG_LEVEL}"
    raise ImproperlyConfigured(message)
LOGGING_CONFIG = None  # Django would first apply its own, which prints request lines with query strings
logging.config.dictConfig(logging_config(LOG_LEVEL))

UNFOLD = staff.theme(PANEL_NAME)

"""System checks of the configuration. Those about production run with `check --deploy`, the others always.

`refuse_unsafe_start()` is for the processes that no management command starts: web server, worker and beat.
"""

import ipaddress
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from panel.kernel import business_days, currencies

LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]", "testserver"}
SHORTEST_SECRET = 32
SECONDS = (
    "ORDER_SUBMIT_DELAY",
    "ORDER_SYNC_INTERVAL",
    "ORDER_RECHECK_INTERVAL",
    "ORDER_RECHECK_FOR",
    "PROVIDER_TIMEOUT",
    "WITHDRAWAL_CANCEL_WINDOW",
)
SWEEPS = ("ORDER_SWEEP_SECONDS", "MONEY_SWEEP_SECONDS")


def _error(number: int, message: str, hint: str) -> Error:
    return Error(message, hint=hint, id=f"makegood.E{number:03}")


def _in_production() -> bool:
    return not (settings.DEBUG or settings.TESTING or settings.SANDBOX)


def _site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""


def _is_server(address: str) -> bool:
    """Whether an address is scheme, host and perhaps port, and nothing else."""
    try:
        parts = urlsplit(address)
        bare = parts._replace(scheme="", netloc="").geturl() == "" and parts.port != 0
    except ValueError:
        return False
    return bare and parts.scheme in {"http", "https"} and bool(re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc))


def _is_safe_server(address: str) -> bool:
    """Whether money can be spoken of with this server: another machine, reached by https."""
    if not _is_server(address) or not address.startswith("https://"):
        return False
    host = urlsplit(address).hostname or ""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host not in LOOPBACK and not host.endswith(".localhost")
    return not (number.is_loopback or number.is_unspecified)


@register("makegood")
def check_values(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """Values that make no sense anywhere."""
    found: list[CheckMessage] = []
    shipped = sorted(path.stem for path in (settings.BASE_DIR / "refunds" / "policies").glob("*.toml"))
    if settings.REFUND_POLICY not in shipped:
        hint = f"Shipped are: {', '.join(shipped)}. Others are published with manage.py publish_policy."
        found.append(_error(2, f"REFUND_POLICY names no shipped policy: {settings.REFUND_POLICY!r}", hint))
    for name, load in (("ORDER_SETTLEMENT", import_string), ("ORDER_POLICY", import_module)):
        try:
            load(getattr(settings, name))
        except ImportError as error:
            hint = "Name the function, or for ORDER_POLICY the module, by its dotted path."
            found.append(_error(3, f"{name} can't be imported: {error}", hint))
    address = urlsplit(settings.SITE_URL)
    if address.scheme not in {"http", "https"} or not address.hostname or address.path or address.query:
        hint = "Give scheme and host only, such as https://panel.example.com."
        found.append(_error(4, f"SITE_URL is no site's address: {settings.SITE_URL!r}", hint))
    found += [
        _error(5, f"{name} is negative", "Give seconds, 0 or more.")
        for name in SECONDS
        if getattr(settings, name).total_seconds() < 0
    ]
    found += [
        _error(5, f"{name} is less than 1", "Give seconds, 1 or more.")
        for name in SWEEPS
        if getattr(settings, name) < 1
    ]
    if settings.SANDBOX and not {_site_host(), *settings.ALLOWED_HOSTS} <= LOOPBACK:
        hint = "Unset SANDBOX, or keep SITE_URL and ALLOWED_HOSTS to 127.0.0.1 and localhost."
        found.append(_error(6, "SANDBOX is on, and the site answers to more than this machine", hint))
    return found


@register("makegood")
def check_calendar(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """Holidays that run out: dates promised beyond them would count holidays as business days."""
    last = business_days.calendar(settings.BUSINESS_CALENDAR).last_known_year
    if last > timezone.localdate().year:
        return []
    hint = "Upgrade the holidays package, or choose another calendar; until then later years have weekends only."
    message = f"BUSINESS_CALENDAR {settings.BUSINESS_CALENDAR} knows no holidays after {last}"
    return [Caution(message, hint=hint, id="makegood.W007")]


@register("makegood")
def check_payments(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """Keys, addresses and limits for deposits that make no sense anywhere."""
    found: list[CheckMessage] = []
    if not currencies.known(settings.PANEL_CURRENCY):
        hint = "Use the three capital letters of ISO 4217, such as USD."
        found.append(_error(1, f"PANEL_CURRENCY is no currency: {settings.PANEL_CURRENCY!r}", hint))
    else:
        unit = currencies.smallest_unit(settings.PANEL_CURRENCY)
        found += [
            _error(8, f"{name} is not a whole number of {unit.normalize():f} {settings.PANEL_CURRENCY}", "Round it.")
            for name in ("DEPOSIT_MINIMUM", "DEPOSIT_MAXIMUM")
            if getattr(settings, name) % unit
        ]
    if settings.DEPOSIT_MINIMUM > settings.DEPOSIT_MAXIMUM:
        hint = "The least must not be more than the most."
        found.append(_error(8, "DEPOSIT_MINIMUM is more than DEPOSIT_MAXIMUM", hint))
    if settings.STRIPE_API_BASE and not _is_server(settings.STRIPE_API_BASE):
        hint = "Give scheme and host only, such as https://stripe.example.com, or leave it unset for Stripe itself."
        found.append(_error(9, f"STRIPE_API_BASE is no server's address: {settings.STRIPE_API_BASE!r}", hint))
    # The values are secrets, so they are not quoted.
    if settings.STRIPE_SECRET_KEY and not re.fullmatch(r"(sk|rk)_[!-~]+", settings.STRIPE_SECRET_KEY):
        hint = "Use the secret key (sk_...) or a restricted one (rk_...), not the publishable one (pk_...)."
        found.append(_error(10, "STRIPE_SECRET_KEY is not a secret key", hint))
    if settings.STRIPE_WEBHOOK_SECRET and not re.fullmatch(r"whsec_[!-~]+", settings.STRIPE_WEBHOOK_SECRET):
        hint = "Use the signing secret (whsec_...) that Stripe shows for the webhook endpoint."
        found.append(_error(10, "STRIPE_WEBHOOK_SECRET is not a signing secret", hint))
    return found


@register("makegood", deploy=True)
def check_payments_in_production(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """Keys with which customers would be credited for money that nobody paid, or never credited at all."""
    if not _in_production() or not settings.STRIPE_SECRET_KEY:
        return []
    found: list[CheckMessage] = []
    if not settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_")):
        hint = "Use the live key (sk_live_... or rk_live_...): with a test key, anybody pays with made-up cards."
        found.append(_error(17, "STRIPE_SECRET_KEY is not a live key", hint))
    if settings.STRIPE_API_BASE and not _is_safe_server(settings.STRIPE_API_BASE):
        hint = "Unset STRIPE_API_BASE to use Stripe itself; another host must be reached by https."
        found.append(_error(18, "STRIPE_API_BASE is on this machine or not https", hint))
    if not settings.STRIPE_WEBHOOK_SECRET:
        hint = "Set STRIPE_WEBHOOK_SECRET (or STRIPE_WEBHOOK_SECRET_FILE) to the endpoint's signing secret."
        found.append(_error(19, "STRIPE_SECRET_KEY is set, and STRIPE_WEBHOOK_SECRET is not", hint))
    return found


@register("makegood", deploy=True)
def check_production(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """Values that are good enough for a demo and dangerous in production."""
    if not _in_production():
        return []
    found: list[CheckMessage] = []
    if settings.SECRET_KEY == settings.SANDBOX_SECRET_KEY or len(settings.SECRET_KEY) < SHORTEST_SECRET:
        hint = f"Set SECRET_KEY (or SECRET_KEY_FILE) to {SHORTEST_SECRET} random characters or more."
        found.append(_error(11, "SECRET_KEY is the sandbox's or too short", hint))
    if settings.EMBEDDED_DATABASE and not settings.ALLOW_EMBEDDED:
        hint = "Set DATABASE_URL, or ALLOW_EMBEDDED=1 if one machine without a spare is what you want."
        found.append(_error(12, "DATABASE_URL is unset, so the database would be the embedded one", hint))
    if not settings.REDIS_URL and not settings.ALLOW_EMBEDDED:
        hint = "Set REDIS_URL, or ALLOW_EMBEDDED=1 if one machine without a spare is what you want."
        found.append(_error(13, "REDIS_URL is unset, so the broker would be a folder", hint))
    if not settings.SITE_URL.startswith("https://") and _site_host() not in LOOPBACK:
        hint = "Set SITE_URL to the https:// address that customers type."
        found.append(_error(14, "SITE_URL is not https, so sign-in cookies would travel in the open", hint))
    allowed = {host.removeprefix(".") for host in settings.ALLOWED_HOSTS}
    if "*" in allowed or not any(_site_host() == host or _site_host().endswith(f".{host}") for host in allowed):
        hint = f"Set ALLOWED_HOSTS to the site's names, {_site_host() or 'panel.example.com'} among them, without *."
        found.append(_error(15, "ALLOWED_HOSTS does not name the host of SITE_URL, or names every host", hint))
    if settings.EMAIL_BACKEND == "panel.sandbox.mail.EmlBackend":
        hint = "Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com:587."
        found.append(_error(16, "EMAIL_URL is unset, so e-mails would be files that nobody gets", hint))
    return found


@register("makegood", deploy=True)
def check_addresses(app_configs: Iterable[AppConfig] | None, **_options: Any) -> list[CheckMessage]:  # noqa: ARG001, ANN401
    """A proxy that nobody told the panel of: its address would be kept as that of every customer."""
    if not _in_production() or _site_host() in LOOPBACK or settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return []
    hint = "Set TRUSTED_PROXIES to how many proxies of yours write X-Forwarded-For, mostly 1."
    message = "TRUSTED_PROXIES is 0, so all customers would seem to come from the proxy"
    return [Caution(message, hint=hint, id="makegood.W020")]


def refuse_unsafe_start() -> None:
    """Stop a production process whose configuration has errors; quiet in demo, development and tests.

    Raises:
        ImproperlyConfigured: naming each variable and what to do.
    """
    if not _in_production():
        return
    errors = [
        message for message in run_checks(tags=["makegood"], include_deployment_checks=True) if message.is_serious()
    ]
    if errors:
        raise ImproperlyConfigured("\n".join(f"{error.id}: {error.msg}. {error.hint}" for error in errors))

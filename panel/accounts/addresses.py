"""Where a request came from. `X-Forwarded-For` counts only as far as `TRUSTED_PROXIES` of our own wrote it.

Anybody may send that header, and each proxy adds the peer that it saw at the end. So with two proxies the customer is
the last but one entry, and whatever stands before it is hearsay.
"""

from ipaddress import IPv6Address, ip_address

import structlog
from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest

log = structlog.get_logger()


def of(request: HttpRequest) -> str | None:
    """Return the address of the client, IPv4 or IPv6; None when it is not known. It is the one that attempts count by.

    The shapes: `203.0.113.7`, `2001:db8::7`; an IPv4 address in IPv6 clothes comes without them, a zone is left out.
    """
    try:
        found = ip_address(get_adapter(request).get_client_ip(request))
    except ImproperlyConfigured:  # fewer proxies wrote the header than the settings say
        log.warning("trusted_proxies_do_not_match")
        return None
    except PermissionDenied:  # no address at all: a socket, or a proxy that wrote nonsense
        return None
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found)))
    return str(found)

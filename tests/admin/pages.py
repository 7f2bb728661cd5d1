"""Speaking with the staff pages as a browser does: open a form page, send it with the hidden fields that it carries."""

import html
import re
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from panel.accounts.models import User

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def signed_in(user: User) -> Client:
    """Return a browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def clerk(*permissions: str) -> User:
    """Return staff who may do no more than this; permissions are like `orders.view_order`."""
    user = User.objects.create_user(f"clerk-{User.objects.count()}@staff.example.com", is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)


def listing(model: str, **query: object) -> str:
    return reverse(f"admin:{model}_changelist", query=query or None)


def detail(model: str, pk: int) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


def action(model: str, name: str, pk: int) -> str:
    return reverse(f"admin:{model}_{name}", args=[pk])


def text_of(response: Any) -> str:
    return str(response.content.decode())


def hidden_of(response: Any) -> dict[str, str]:
    """Return the hidden fields of a form page, without the token that the test browser does not need."""
    found = {name: html.unescape(value) for name, value in HIDDEN.findall(text_of(response))}
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def submit(client: Client, address: str, given: Mapping[str, object] | None = None) -> Any:
    """Open a form page, fill it in and send it; return the answer."""
    page = client.get(address)
    assert page.status_code == 200, text_of(page)
    return client.post(address, {**hidden_of(page), **(given or {})})


def confirm(client: Client, address: str, given: Mapping[str, object] | None = None) -> Any:
    """Send a form page and confirm the preview that it answers with; return the answer to the confirmation."""
    preview = submit(client, address, given)
    assert preview.status_code == 200
    assert "_seen" in hidden_of(preview), text_of(preview)
    return client.post(address, hidden_of(preview))


def said(client: Client, response: Any) -> str:
    """Follow a redirect and return the page with its messages."""
    assert response.status_code == 302, text_of(response)
    return text_of(client.get(response["Location"]))

"""An address of the staff pages that holds no number of a row is answered as what it is: nothing that there is."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.urls.exceptions import NoReverseMatch

from panel.accounts.admin.pages import StaffAdmin
from tests.admin.pages import signed_in
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

PAGES = [model for model, page in admin.site._registry.items() if isinstance(page, StaffAdmin)]
ODD = ("abc", "%00", "_33x", "1%201", "9" * 30, "9" * 5000, "-1", "1.5", "%D9%A1x")
ACTIONS = ("publish", "prove", "withdraw", "call_off", "clause", "write")


@pytest.fixture
def client() -> Client:
    return signed_in(make_staff("grace"))


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_of_a_page(client: Client, model: type[Model]) -> None:
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    answers = {odd: client.get(f"{page}{odd}/change/").status_code for odd in ODD}

    assert set(answers.values()) <= {302, 404}, answers  # Django leads to the list of all for a row that is not there


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_of_a_button(client: Client, model: type[Model]) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    for action in ACTIONS:
        try:
            address = reverse(f"{name}_{action}", args=["ODD"])
        except NoReverseMatch:
            continue
        answers = {odd: client.get(address.replace("ODD", odd)).status_code for odd in ODD}
        assert set(answers.values()) == {404}, (action, answers)

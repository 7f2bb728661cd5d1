"""The groups that ship: who may do what, and that installing them again takes nothing from anybody."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from panel import staff_groups
from panel.staff_groups import AGENT, APPROVER, MANAGER, PERMISSIONS
from tests.admin.pages import detail, signed_in
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
install_migration = import_module("panel.support.migrations.0002_staff_groups")


def granted(group: str) -> set[str]:
    found = Permission.objects.filter(group__name=group).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def test_the_migration_made_the_groups_with_their_permissions() -> None:
    staff_groups.install()  # a flush after another test may have taken them away

    assert {name: granted(name) for name in PERMISSIONS} == {name: set(given) for name, given in PERMISSIONS.items()}
    assert set(PERMISSIONS[AGENT]) < set(PERMISSIONS[APPROVER]) < set(PERMISSIONS[MANAGER])


def test_every_permission_is_one_that_django_knows() -> None:
    known = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename in (
            *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
            *dict(model._meta.permissions),
        )
    }

    assert {permission for given in PERMISSIONS.values() for permission in given} <= known


@pytest.fixture
def remembered_types() -> Iterator[None]:
    """Let Django forget the content types that a test made: it remembers their numbers beyond the rollback."""
    yield
    ContentType.objects.clear_cache()


@pytest.mark.usefixtures("remembered_types")
def test_permissions_made_before_django_makes_them_are_the_ones_that_it_finds() -> None:
    Group.objects.all().delete()
    Permission.objects.all().delete()
    ContentType.objects.filter(app_label__in=["refunds", "support"]).delete()
    ContentType.objects.clear_cache()

    install_migration.install(apps, None)
    made = {one.pk: (one.codename, one.name) for one in Permission.objects.all()}
    for app in ("accounts", "notifications", "billing", "orders", "refunds", "support"):
        create_permissions(apps.get_app_config(app), verbosity=0)

    after = {one.pk: (one.codename, one.name) for one in Permission.objects.filter(pk__in=made)}
    assert after == made
    names = dict(made.values())
    assert names["confirm_refundrequest"] == "Can confirm, as a second person, what another one recommends"
    assert names["view_refundrequest"] == "Can view refund request"
    assert Permission.objects.filter(codename="confirm_refundrequest").count() == 1
    assert Permission.objects.filter(codename="delete_refundrequest").count() == 1


def test_installing_again_adds_what_is_missing_and_takes_nothing() -> None:
    staff_groups.install()
    agents = Group.objects.get(name=AGENT)
    added = Permission.objects.get(codename="view_policyversion")
    agents.permissions.add(added)
    agents.permissions.remove(Permission.objects.get(codename="view_refundrequest"))
    member = make_staff("hiro", AGENT)

    staff_groups.install()

    assert granted(AGENT) == {*PERMISSIONS[AGENT], "refunds.view_policyversion"}
    assert Group.objects.filter(name__in=PERMISSIONS).count() == 3
    assert list(member.groups.all()) == [agents]


@pytest.mark.parametrize("group", PERMISSIONS)
def test_no_member_of_a_group_grants_rights(group: str) -> None:
    staff = make_staff("ida", group)
    client = signed_in(staff)
    agents = Group.objects.get(name=AGENT)

    assert client.get(detail("auth_group", agents.pk)).status_code == 403
    assert client.post(reverse("admin:auth_group_add"), {"name": "Kings"}).status_code == 403
    given = {"email": staff.email, "is_staff": "on", "is_superuser": "on", "is_active": "on"}
    assert client.post(detail("accounts_user", staff.pk), given).status_code == 403

    staff.refresh_from_db()
    assert not staff.is_superuser
    assert list(staff.groups.values_list("name", flat=True)) == [group]

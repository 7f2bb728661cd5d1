"""Which members of staff hold a permission: by themselves, by a group, or because they may do everything."""

from django.db.models import Q, QuerySet

from panel.accounts.models import User


def of(permission: str) -> QuerySet[User]:
    """Return the active staff who hold a permission like `support.change_ticket`, each once."""
    app, codename = permission.split(".")
    own = Q(user_permissions__content_type__app_label=app, user_permissions__codename=codename)
    by_group = Q(groups__permissions__content_type__app_label=app, groups__permissions__codename=codename)
    staff = User.objects.filter(is_staff=True, is_active=True)
    return staff.filter(pk__in=staff.filter(Q(is_superuser=True) | own | by_group).values("pk"))

"""What allauth asks and tells us about people who sign up or in: the adapter named by `ACCOUNT_ADAPTER`."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from panel.accounts import addresses, blocklist, sign_ins
from panel.accounts.blocklist import EmailBlocked
from panel.accounts.models import SignInWay, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth carries no types that mypy may read
    """allauth's own behavior, except where it would keep something else than was typed, or nothing at all."""

    def clean_email(self, email: str) -> str:
        """Return the address; refuse one that is blocked, or that the column can't hold (allauth would cut it off).

        An address that an account has is never refused: its owner may ask for a new password, and read why he is
        suspended. Nobody else can take it.
        """
        longest = User._meta.get_field("email").max_length  # noqa: SLF001 - Django's documented way to a field
        if longest is not None and len(email) > longest:
            message = f"An e-mail address has at most {longest} characters."
            raise ValidationError(message)
        if not User.objects.filter(email=email.lower()).exists():
            try:
                blocklist.require_email(email)
            except EmailBlocked as error:
                raise ValidationError(error.message) from error
        return email

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: ANN401, FBT001, FBT002 - as upstream
        """Save who signed up, and keep when and where from."""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                _record(request, saved, SignInWay.SIGN_UP)
        return saved

    def post_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse:  # noqa: ANN401 - as upstream
        """Keep a sign-in that has succeeded, second factor included."""
        _record(request, user, _way(request, user))
        answer: HttpResponse = super().post_login(request, user, **told)
        return answer


def _record(request: HttpRequest, user: User, way: SignInWay | None) -> None:
    user_agent = request.headers.get("User-Agent", "")
    address = addresses.of(request)
    sign_ins.record(user=user, way=way, address=address, user_agent=user_agent, at=timezone.now())


def _way(request: HttpRequest, user: User) -> SignInWay | None:
    """Return what the person showed last in this session, if it is something that we know."""
    shown = get_authentication_records(request, user)
    word = (shown[-1].get("type") or shown[-1].get("method")) if shown else None
    return SignInWay(word) if word in SignInWay.values else None

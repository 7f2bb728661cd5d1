"""Keeping who signed in when, where from and how: with orders and deposits, what answers “that was not me”."""

from datetime import datetime

from panel.accounts.models import SignIn, SignInWay, User
from panel.accounts.models.sign_in import LONGEST_USER_AGENT


def record(*, user: User, way: SignInWay | None, address: str | None, user_agent: str, at: datetime) -> SignIn:
    """Keep a sign-in that succeeded. `address` comes from `addresses.of`; a longer `user_agent` is cut off.

    What can't be printed in `user_agent` is left out: anybody may send anything.
    """
    printable = "".join(character for character in user_agent if character.isprintable())
    kept: SignIn = SignIn.objects.create(
        user=user,
        at=at,
        address=address,
        user_agent=printable[:LONGEST_USER_AGENT],
        way=way.value if way else "",
    )
    return kept

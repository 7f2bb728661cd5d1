"""What the billing room asks of the refunds room, by a name in the settings: have a dispute taken in.

`DISPUTE_INTAKE` names the function: what a dispute does to an account is the policy's, and policies live above
(docs/adr/0020).
"""

from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string


def learn_of_dispute(reference: str, *, gateway: str, at: datetime) -> None:
    """Read a dispute anew at its gateway and take it in. Raises disputes.NotKnown, Busy, GatewayError."""
    import_string(settings.DISPUTE_INTAKE)(reference, gateway=gateway, at=at)

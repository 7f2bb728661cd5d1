"""A number for the monitoring, as the rooms supply it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """One gauge at this moment.

    Attributes:
        name: in Prometheus' form, with its unit: `makegood_emails_oldest_pending_seconds`. Samples of one name share
            their help and differ in their labels.
        help: what it counts or measures, in a sentence.
        value: the number; not for money that is booked.
        labels: what the number is about, such as `{"state": "failed"}`; few and closed values only.
    """

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

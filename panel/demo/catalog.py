"""The demo's catalog: genuine marketing services, bought from ad networks, creators, publishers and communities.

Nothing here fakes engagement: what is sold is labeled placement, paid reach and people's time. Services with an
`offer` are carried out by the sandbox provider (panel.sandbox.provider_catalog), the others by staff.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from orders.models import Category, Provider, Service, ServiceType
from panel.sandbox import provider_catalog

PROVIDER_NAME: Final = "Sandbox media network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One service: `rate` is the price of 1,000 units or of the package; `offer` the provider's service number."""

    name: str
    description: str
    rate: str
    minimum: int = 1
    maximum: int = 1
    package: bool = False
    refill: bool = False
    refund_after_start: bool = True
    one_order_per_link: bool = False
    offer: int | None = None

    @property
    def allows_cancel(self) -> bool:
        """Whether the provider takes cancel requests for it."""
        return self.offer is not None and provider_catalog.BY_NUMBER[self.offer].cancelable


REACH: Final = "Promoted reach"
SHELVES: Final[dict[str, tuple[Item, ...]]] = {
    REACH: (
        Item(
            name="Feed ads: impressions of a promoted post",
            description="Your post, labeled as sponsored, in the feeds of people who fit your targeting."
            " Starts within a few hours of approval by the ad network.",
            rate="1.90",
            minimum=1000,
            maximum=1_000_000,
            refill=True,
            offer=101,
        ),
        Item(
            name="Display ads: impressions on news and hobby sites",
            description="Banner placements through an ad exchange, brand-safe list, viewable impressions only.",
            rate="1.05",
            minimum=1000,
            maximum=2_000_000,
            refill=True,
            offer=103,
        ),
        Item(
            name="Local ads: impressions within 25 km of an address",
            description="For shops, events and practices: shown to people nearby, capped at three views a person.",
            rate="3.80",
            minimum=500,
            maximum=100_000,
            offer=104,
        ),
        Item(
            name="Launch week: managed display campaign",
            description="Seven days across the display network, set up and watched by our team, with a report.",
            rate="6.40",
            minimum=5000,
            maximum=500_000,
        ),
    ),
    "Video ads": (
        Item(
            name="In-stream video ads: paid views",
            description="Your video as a skippable ad; a view counts after 30 seconds or a click.",
            rate="6.90",
            minimum=500,
            maximum=250_000,
            refill=True,
            offer=102,
        ),
        Item(
            name="In-stream video ads: one campaign per video",
            description="As above, with frequency capping for one video at a time: one running campaign per link.",
            rate="7.40",
            minimum=500,
            maximum=250_000,
            one_order_per_link=True,
            offer=102,
        ),
        Item(
            name="Connected-TV spots: completed plays",
            description="A 15-second spot on streaming apps, booked by our team with the broadcasters.",
            rate="24.00",
            minimum=1000,
            maximum=100_000,
        ),
    ),
    "Creator placements": (
        Item(
            name="Creator network: reach of labeled sponsored mentions",
            description="Small creators of your field mention you in a labeled post; billed by the reach they report.",
            rate="13.50",
            minimum=500,
            maximum=100_000,
            offer=201,
        ),
        Item(
            name="Creator story: one labeled placement",
            description="One creator, one story of 24 hours with your link and the paid-partnership label.",
            rate="59.00",
            package=True,
            offer=202,
        ),
        Item(
            name="Creator review: honest video with disclosure",
            description="A creator tests what you send and says what they think. The verdict is theirs.",
            rate="240.00",
            package=True,
            refund_after_start=False,
        ),
    ),
    "Newsletter spots": (
        Item(
            name="Newsletter classified: opens by opted-in readers",
            description="A short text ad in newsletters of your field, billed by opens.",
            rate="18.50",
            minimum=250,
            maximum=40_000,
            refund_after_start=False,
            offer=301,
        ),
        Item(
            name="Sponsor spot: technology weekly, one issue",
            description="The first ad of the issue: 60 words, one image, one link. Goes out on Thursdays.",
            rate="99.00",
            package=True,
            refund_after_start=False,
            offer=302,
        ),
        Item(
            name="Dedicated send: founders' digest",
            description="One e-mail about you alone to 9,000 opted-in subscribers, written with the editor.",
            rate="310.00",
            package=True,
            refund_after_start=False,
        ),
    ),
    "Podcast reads": (
        Item(
            name="Host-read ad: pre-roll, 30 seconds",
            description="The host reads your text at the start of one episode; about 4,000 downloads.",
            rate="85.00",
            package=True,
            refund_after_start=False,
        ),
        Item(
            name="Host-read ad: mid-roll, 60 seconds",
            description="A longer read in the middle of one episode, with a listener code of your own.",
            rate="140.00",
            package=True,
            refund_after_start=False,
        ),
        Item(
            name="Inserted podcast ads: plays",
            description="Your recorded spot, inserted across shows of one genre; billed by plays.",
            rate="21.00",
            minimum=500,
            maximum=50_000,
        ),
    ),
    "Community work": (
        Item(
            name="Event invitations to opted-in community members",
            description="Your event in the calendars and digests of communities whose members asked for such.",
            rate="9.60",
            minimum=100,
            maximum=20_000,
            offer=401,
        ),
        Item(
            name="Hosted question-and-answer evening",
            description="A moderator gathers questions, hosts you for two hours and writes the summary.",
            rate="145.00",
            package=True,
            offer=402,
        ),
        Item(
            name="Moderation: ten hours for your community",
            description="Trained moderators for your own forum or chat, under your rules. Hours not worked come back.",
            rate="280.00",
            minimum=10,
            maximum=10,
            package=True,
        ),
    ),
    "Search and traffic": (
        Item(
            name="Native ads: visits to a page",
            description="Clicks from recommendation boxes on publishers' sites; invalid clicks are filtered and free.",
            rate="27.00",
            minimum=100,
            maximum=50_000,
            refill=True,
            offer=501,
        ),
        Item(
            name="Search ads: visits to a page",
            description="Clicks from text ads on the keywords that you name, managed within your limits.",
            rate="64.00",
            minimum=50,
            maximum=20_000,
            offer=502,
        ),
        Item(
            name="Search campaign set-up",
            description="Keywords, texts and tracking for your own ad account, handed over with a walk-through.",
            rate="180.00",
            package=True,
        ),
    ),
}


def load(*, provider_url: str | None, provider_key: str | None) -> Provider:
    """Put up the provider and the shelves; what is there stays, except for an address or key that is given anew."""
    provider, _ = Provider.objects.get_or_create(
        name=PROVIDER_NAME,
        defaults={
            "api_url": _api(provider_url or "http://127.0.0.1:8900"),
            "api_key": provider_key or "sandbox-provider-key",
            "supports_request_id": True,
        },
    )
    given = {"api_url": _api(provider_url) if provider_url else None, "api_key": provider_key}
    fresh = {name: value for name, value in given.items() if value and value != getattr(provider, name)}
    if fresh:
        Provider.objects.filter(pk=provider.pk).update(**fresh)
        provider.refresh_from_db()
    for shelf, (title, items) in enumerate(SHELVES.items()):
        category, _ = Category.objects.get_or_create(name=title, defaults={"position": shelf})
        known = set(category.services.values_list("name", flat=True))
        Service.objects.bulk_create(
            _service(item, category, position, provider)
            for position, item in enumerate(items)
            if item.name not in known
        )
    return provider


def _api(url: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith("/api/v2") else f"{url}/api/v2"


def _service(item: Item, category: Category, position: int, provider: Provider) -> Service:
    return Service(
        category=category,
        position=position,
        name=item.name,
        description=item.description,
        type=ServiceType.PACKAGE if item.package else ServiceType.DEFAULT,
        rate=Decimal(item.rate),
        min_quantity=item.minimum,
        max_quantity=item.maximum,
        allows_cancel=item.allows_cancel,
        allows_refill=item.refill,
        refund_after_start=item.refund_after_start,
        one_order_per_link=item.one_order_per_link,
        provider=provider if item.offer else None,
        provider_service_id=str(item.offer or ""),
    )

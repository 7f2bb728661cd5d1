"""The life of a policy before it is published: write, edit, check, publish by a second person, or discard.

A draft's text never changes. Editing writes a new draft that replaces the old one, so what was checked is what is
published, and who wrote what stays known.
"""

import functools
import hashlib
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from panel.accounts.models import User
from panel.kernel import texts
from panel.kernel.errors import Conflict, Forbidden, NotFound, Refused
from refunds import announcing, publishing
from refunds.models import DraftState, PolicyDraft, PolicyVersion
from refunds.models.draft import DRAFT_MOVES
from refunds.policy import analysis, differences, loader
from refunds.policy.analysis import Proof
from refunds.policy.differences import Difference
from refunds.policy.document import Policy
from refunds.policy.loader import PolicyInvalid
from refunds.publishing import MAY_PUBLISH, Publication

MAY_WRITE = "refunds.add_policydraft"
MAY_CHECK = "refunds.change_policydraft"
LONGEST_DOCUMENT = 200_000
LONGEST_NOTE = 300
_LONGEST_TITLE = 200
_LONGEST_SLUG = 80


class DraftNotFound(NotFound):
    """There is no such draft."""

    code = "policy_draft_not_found"


class DraftMoved(Conflict):
    """The draft was replaced, published or discarded meanwhile."""

    code = "policy_draft_moved"


class NotChecked(Refused):
    """The document does not pass its proof, or nobody has checked it."""

    code = "policy_draft_not_checked"


class PublicationChanged(Conflict):
    """What publishing would do is not what was shown."""

    code = "policy_publication_changed"


def write(
    *,
    staff: User,
    text: str,
    at: datetime,
    note: str = "",
    replaces: int | None = None,
    based_on: PolicyVersion | None = None,
) -> PolicyDraft:
    """Store a text as a draft; with `replaces`, as what that open draft has become. It may still have problems.

    Whoever changes only the note of a draft is not the author of its text, who stays.

    Raises Forbidden, DraftNotFound, DraftMoved, texts.BadText, Refused (nothing changed).
    """
    _require(staff, MAY_WRITE)
    said = texts.line(note, field="note", longest=LONGEST_NOTE) if note.strip() else ""
    document = loader.canonical(text)
    if not document.strip():
        raise Refused("Write the document, or start from a policy that there is.", field="text")
    if len(document) > LONGEST_DOCUMENT:
        message = f"The document has {len(document):,} characters; at most {LONGEST_DOCUMENT:,} are allowed."
        raise Refused(message, field="text")
    if not _is_storable(document):
        raise Refused("The document holds a character that can't be kept: a NUL, or half of one.", field="text")
    slug, title = _named(document)
    with transaction.atomic(durable=True):
        before = None if replaces is None else _locked(replaces)
        if before is not None:
            if before.text == document and before.note == (said or before.note):
                raise Refused("Nothing was changed.", field="text")
            _move(before, DraftState.REPLACED)
        return PolicyDraft.objects.create(
            slug=slug,
            title=title,
            text=document,
            hash=hashlib.sha256(document.encode()).hexdigest(),
            note=said or (before.note if before else ""),
            author=before.author if before and before.text == document else staff,
            created_at=at,
            replaces=before,
            based_on=before.based_on if before else based_on,
        )


def check(*, draft_id: int, staff: User, at: datetime) -> PolicyDraft:
    """Prove a draft and note that it passed. Raises Forbidden, DraftNotFound, DraftMoved, NotChecked, PolicyInvalid."""
    _require(staff, MAY_CHECK)
    found = _open(_drafts(draft_id).first())
    if not proof_of(found).passed:
        raise NotChecked("The document does not pass its proof; the page shows why.")
    if unknown := publishing.unknown_names(policy_of(found)):
        raise NotChecked(f"The document could not be published: {' '.join(unknown)}")
    with transaction.atomic(durable=True):
        draft = _locked(draft_id)
        if draft.state != DraftState.CHECKED:
            draft.checked_at, draft.checked_by = at, staff
            _move(draft, DraftState.CHECKED, "checked_at", "checked_by")
        return draft


def discard(*, draft_id: int, staff: User) -> PolicyDraft:
    """Give up an open draft. Raises Forbidden, DraftNotFound, DraftMoved."""
    _require(staff, MAY_CHECK)
    with transaction.atomic(durable=True):
        draft = _locked(draft_id)
        _move(draft, DraftState.DISCARDED)
        return draft


def publish(
    *, draft_id: int, staff: User, effective_from: datetime, announce: bool, seen: str | None, at: datetime
) -> PolicyVersion:
    """Put a checked draft in force from `effective_from`, as a second person, and announce it if that is wished.

    `seen` is the token of the publication that was shown (`token`); None for callers that show none. The proof comes
    first, because it is slow and the text can't change; what may change is looked at once no other can publish.

    Raises Forbidden (also for whoever wrote any of it), DraftNotFound, DraftMoved, NotChecked, PublicationChanged,
    publishing.NotPublishable, publishing.AlreadyPublished.
    """
    _require(staff, MAY_PUBLISH)
    shown = _open(_drafts(draft_id).first())
    require_publishable(shown, staff)
    policy = publishing.proved(shown.text, f"Draft {shown.pk}")
    with transaction.atomic(durable=True):
        publishing.take_turns()
        draft = _locked(draft_id)
        require_publishable(draft, staff)
        if seen is not None and seen != token(draft, at):
            raise PublicationChanged("Another policy was published since you looked. Please read it again.")
        version = publishing.put_in_force(
            policy, effective_from=effective_from, publication=Publication(draft.author, staff), at=at
        )
        draft.version = version
        _move(draft, DraftState.PUBLISHED, "version")
        if announce:
            announcing.ask(version, staff=staff, at=at)
        return version


def authors(draft: PolicyDraft) -> frozenset[int]:
    """Return the numbers of all who wrote the draft, or a text that became it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE line AS (
                SELECT author_id, replaces_id FROM refunds_policydraft WHERE id = %s
                UNION ALL
                SELECT d.author_id, d.replaces_id FROM refunds_policydraft d JOIN line ON d.id = line.replaces_id)
            SELECT DISTINCT author_id FROM line
            """,
            [draft.pk],
        )
        return frozenset(author_id for (author_id,) in cursor.fetchall())


def token(draft: PolicyDraft, at: datetime) -> str:
    """Return what changes when publishing the draft would do something else: its text, or what it follows."""
    version = predecessor(draft, at)
    return f"{draft.hash}:{version.pk if version else ''}"


def predecessor(draft: PolicyDraft, at: datetime) -> PolicyVersion | None:
    """Return the version that the draft would follow: the newest for its group, or else the general one in force."""
    slug = policy_of(draft).customer_group
    own = PolicyVersion.objects.filter(withdrawn_at__isnull=True, customer_group__slug=slug).first() if slug else None
    if own is not None:
        return own
    general = PolicyVersion.objects.filter(withdrawn_at__isnull=True, customer_group__isnull=True)
    return general.first() if not slug else general.filter(PolicyVersion.started(at)).first()


def policy_of(draft: PolicyDraft) -> Policy:
    """Return the draft's policy. Raises loader.PolicyInvalid."""
    return _parsed(draft.text)


def proof_of(draft: PolicyDraft) -> Proof:
    """Return the proof of the draft's policy, kept in memory: its text never changes. Raises loader.PolicyInvalid."""
    return _proved(draft.text)


def difference(old: Policy, new: Policy) -> Difference:
    """Return what differs between two policies, kept in memory."""
    return _compared(old.text, new.text)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> Policy:
    return loader.loads(text, source="The draft")


@functools.lru_cache(maxsize=64)
def _proved(text: str) -> Proof:
    return analysis.prove(_parsed(text))


@functools.lru_cache(maxsize=64)
def _compared(old: str, new: str) -> Difference:
    return differences.compare(_parsed(old), _parsed(new))


def _require(staff: User, permission: str) -> None:
    if not (staff.is_staff and staff.is_active and staff.has_perm(permission)):
        raise Forbidden("Your account may not do this with refund policies.")


def require_publishable(draft: PolicyDraft, staff: User) -> None:
    """Refuse who wrote any of the draft, and a draft that is not checked. Raises Forbidden, NotChecked."""
    if staff.pk in authors(draft):
        raise Forbidden("Nobody publishes what they wrote, in whole or in part: another person has to read it.")
    if draft.state != DraftState.CHECKED:
        raise NotChecked("The draft has to be checked before it is published.")


def _drafts(draft_id: int) -> QuerySet[PolicyDraft]:
    return PolicyDraft.objects.select_related("author", "based_on").filter(pk=draft_id)


def _locked(draft_id: int) -> PolicyDraft:
    return _open(_drafts(draft_id).select_for_update(of=("self",), no_key=True).first())


def _open(draft: PolicyDraft | None) -> PolicyDraft:
    if draft is None:
        raise DraftNotFound("There is no such draft.")
    if not draft.is_open:
        raise DraftMoved(f"This draft is {draft.get_state_display().lower()}.")
    return draft


def _move(draft: PolicyDraft, to: DraftState, *columns: str) -> None:
    if to not in DRAFT_MOVES[DraftState(draft.state)]:
        raise DraftMoved(f"This draft is {draft.get_state_display().lower()}.")
    draft.state = to
    draft.save(update_fields=["state", *columns])


def _named(document: str) -> tuple[str, str]:
    """Return slug and title as far as the text can be read; a draft may still have any problem."""
    try:
        data = loader.parsed(document, "The draft")
    except PolicyInvalid:
        return "", ""
    return _line(data.get("slug"), _LONGEST_SLUG), _line(data.get("title"), _LONGEST_TITLE)


def _line(value: object, longest: int) -> str:
    """Return a text without what the database or a page can't hold, such as a NUL that TOML can write."""
    if not isinstance(value, str):
        return ""
    return "".join(one if one.isprintable() else " " for one in value[:longest]).strip()


def _is_storable(document: str) -> bool:
    return "\0" not in document and not any("\ud800" <= one <= "\udfff" for one in document)

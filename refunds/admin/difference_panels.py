"""What differs between two policies, as tables for staff: outcomes, figures, words."""

from collections.abc import Sequence

from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from panel.accounts.admin.pages import Panel, counted
from refunds.policy.differences import Difference, TextChange, Word
from refunds.policy.outcomes import DIRECTIONS, Direction

_MOST_ROWS = 100
_GREEN, _RED = "text-green-700 dark:text-green-400", "text-red-700 dark:text-red-400"
_COLORS = {Direction.MORE: _GREEN, Direction.LESS: _RED}


def of(found: Difference, *, before: str) -> list[Panel]:
    """Return the tables; `before` names what is compared with. One sentence when nothing differs."""
    title = f"What changes against {before}"
    if found.is_empty and not found.moved:
        return [Panel(title, (), (), "Nothing that anybody could notice.")]
    panels = [outcomes(found, title)]
    if found.figures:
        rows = [(one.key, one.before or "-", one.after or "-") for one in found.figures]
        panels.append(Panel("Figures and choices that change", ("Key", "Before", "After"), rows, folded=True))
    if found.texts:
        panels.append(texts(found.texts))
    return panels


def outcomes(found: Difference, title: str) -> Panel:
    """Return the combinations that come out otherwise, merged into rules."""
    note = (
        f"{counted(found.changed, 'combination')} of {found.combinations:,} come out otherwise;"
        f" {found.moved:,} come out alike by another clause."
    )
    if len(found.changes) > _MOST_ROWS:
        note += f" Shown are the {_MOST_ROWS} rules that stand for most; `manage.py diff_policy` prints all."
    currency = settings.PANEL_CURRENCY
    rows = [
        (
            facts(change.row.facts),
            cell(change.before.words(currency), change.clauses_before),
            cell(change.after.words(currency), change.clauses_after),
            format_html('<span class="{}">{}</span>', _COLORS.get(change.direction, ""), DIRECTIONS[change.direction]),
            f"{change.row.combinations:,}",
        )
        for change in found.changes[:_MOST_ROWS]
    ]
    return Panel(title, ("For", "Before", "After", "That is", "Combinations"), rows, note, folded=True)


def texts(changes: Sequence[TextChange]) -> Panel:
    """Return the passages that change, with what is taken out and put in marked."""
    rows = [(change.where, marked(change)) for change in changes]
    return Panel("Words that change", ("Where", "Change"), rows, folded=True)


def marked(change: TextChange) -> SafeString:
    """Return the passage with words that go struck through and new ones underlined."""
    tags = {
        Word.SAME: "{}",
        Word.GONE: f'<del class="{_RED}">{{}}</del>',
        Word.NEW: f'<ins class="{_GREEN}">{{}}</ins>',
    }
    return format_html_join(" ", "{}", ((format_html(tags[span.kind], span.words),) for span in change.spans))


def facts(named: Sequence[tuple[str, str]]) -> SafeString:
    """Write the facts of a rule, one a line."""
    if not named:
        return format_html("{}", "everything")
    return format_html_join("", "{}: {}<br>", named)


def cell(outcome: str, clauses: Sequence[str]) -> SafeString:
    """Write what follows, and by which clauses."""
    return format_html('{}<br><span class="text-subtle">{}</span>', outcome, ", ".join(clauses))

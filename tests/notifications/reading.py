"""Reading an e-mail as its receiver does."""

from html.parser import HTMLParser

from panel.notifications import rendering
from panel.notifications.outbox import NewEmail
from panel.notifications.rendering import Letter
from tests.notifications.letters import put


def said(email: NewEmail) -> Letter:
    return rendering.letter(put(email)[0])


def words(html: str) -> str:
    """Return the text of a page as a person reads it."""

    class Reader(HTMLParser):
        found = ""

        def handle_data(self, data: str) -> None:
            self.found += f" {data}"

    reader = Reader()
    reader.feed(html)
    return " ".join(reader.found.split())

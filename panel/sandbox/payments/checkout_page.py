"""The page on which a session is paid: a form with test cards, without scripts."""

from html import escape
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from panel.sandbox.http_server import Answer, Request
from panel.sandbox.payments import account, charging, sessions
from panel.sandbox.payments.cards import CARDS
from panel.sandbox.payments.errors import StripeError
from panel.sandbox.payments.steering import PaymentsSandbox
from panel.sandbox.payments.store import Document

PREFIX: Final = "/checkout/"

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --ground: #f3f4f6; --line: #6b7280; --deed: #1d4ed8;
  --on-deed: #fff; --warn: #92400e; --warn-paper: #fef3c7; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --paper: #1f2937; --ground: #111827; --line: #9ca3af;
  --deed: #93c5fd; --on-deed: #111827; --warn: #fde68a; --warn-paper: #422006; --bad: #fca5a5 } }
* { box-sizing: border-box }
body { margin: 0; padding: 1.5rem 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 27rem; margin: 0 auto; padding: 1.5rem; background: var(--paper); border-radius: .75rem }
h1 { margin: 0; font-size: 2rem; font-variant-numeric: tabular-nums }
ul { margin: .25rem 0 1rem; padding: 0; list-style: none }
.note { margin: 0 0 1.25rem; padding: .5rem .75rem; border-radius: .5rem; background: var(--warn-paper);
  color: var(--warn); font-weight: 600 }
.problem { color: var(--bad); font-weight: 600 }
fieldset { margin: 0 0 1rem; padding: 0; border: 0 }
legend { padding: 0; font-weight: 600 }
label { display: flex; gap: .625rem; align-items: center; min-height: 2.75rem; padding: .375rem .75rem;
  margin-top: .375rem; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer }
label:has(:checked) { border-color: var(--deed); box-shadow: inset 0 0 0 1px var(--deed) }
input { margin: 0; accent-color: var(--deed) }
button { width: 100%; min-height: 2.75rem; border: 0; border-radius: .5rem; background: var(--deed);
  color: var(--on-deed); font: inherit; font-weight: 600; cursor: pointer }
a { color: var(--deed) }
:focus-visible { outline: 3px solid var(--deed); outline-offset: 2px }
.away { display: block; margin-top: 1rem; padding: .5rem; text-align: center }
"""


def respond(sandbox: PaymentsSandbox, request: Request) -> Answer:
    """Answer a request to `/checkout/<session>`."""
    number = request.path.removeprefix(PREFIX)
    problem = ""
    if request.method == "POST":
        try:
            if sandbox.pay(number, card=parse_qs(request.body.decode("utf-8", "replace")).get("card", [""])[0]):
                return _sent_on(_session(sandbox, number))
            problem = charging.DECLINED
        except (StripeError, ValueError) as error:
            problem = str(error)
    session = _session(sandbox, number)
    if session is None:
        return _page("No such payment", "<p>There is no payment under this address.</p>", HTTPStatus.NOT_FOUND)
    if session["status"] != "open":
        return _closed(session)
    with sandbox.changing() as locked:
        items = locked.store.own(number)["items"]
    return _form(session, items, problem)


def _session(sandbox: PaymentsSandbox, number: str) -> Document | None:
    with sandbox.changing() as locked:
        return locked.store.find(sessions.KIND, number)


def _sent_on(session: Document | None) -> Answer:
    address = sessions.success_address(session or {})
    return Answer(b"", HTTPStatus.SEE_OTHER, "text/plain", {"Location": address})


def _form(session: Document, items: list[Document], problem: str) -> Answer:
    amount = account.shown(session["amount_total"], session["currency"])
    lines = "".join(f"<li>{item['quantity']} × {escape(item['name'])}</li>" for item in items)  # noqa: RUF001 - times
    choices = "".join(
        f'<label><input type="radio" name="card" value="{card.name}"{" checked" if first == 0 else ""}>'
        f" {escape(card.label)}</label>"
        for first, card in enumerate(CARDS.values())
    )
    cancel = session["cancel_url"]
    back = f'<a class="away" href="{escape(cancel)}">Cancel and go back</a>' if cancel else ""
    alert = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        f"<h1>{amount}</h1><ul>{lines}</ul>{alert}"
        f'<form method="post"><fieldset><legend>Pay with</legend>{choices}</fieldset>'
        f"<button>Pay {amount}</button></form>{back}"
    )
    return _page(f"Pay {amount}", body, HTTPStatus.OK)


def _closed(session: Document) -> Answer:
    if session["status"] == "complete":
        link = f'<a class="away" href="{escape(sessions.success_address(session))}">Go on</a>'
        return _page("Already paid", f"<p>This payment is complete.</p>{link}", HTTPStatus.OK)
    link = f'<a class="away" href="{escape(session["cancel_url"])}">Go back</a>' if session["cancel_url"] else ""
    return _page("Too late", f"<p>This payment has expired. Please start again.</p>{link}", HTTPStatus.GONE)


def _page(title: str, body: str, status: HTTPStatus) -> Answer:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Sandbox checkout</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><p class="note">Sandbox: no real money.</p>{body}</main></body></html>'
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }
    return Answer(html.encode(), status, "text/html; charset=utf-8", headers)

"""What the demo tells people and programs: where it is and who may sign in."""

import json
from pathlib import Path
from typing import Any

PEOPLE = {
    "customer": "Customer",
    "second_customer": "Second customer",
    "staff": "Staff",
    "second_staff": "Second staff",
    "agent": "Agent",
    "approver": "Approver",
}


def write(var: Path, *, base: str, provider: str, payments: str, mail: Path, people: dict[str, Any]) -> dict[str, Any]:
    """Write var/demo.json, readable by its owner only, and return it; make the folder of e-mails that it names.

    What the loader can't tell again, such as an API key that is shown once, is kept from the run before.
    """
    mail.mkdir(parents=True, exist_ok=True)  # otherwise it would be there from the first e-mail on only
    target = var / "demo.json"
    before: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    document: dict[str, Any] = {
        "base_url": base,
        "api_v2_url": f"{base}/api/v2",
        "admin_url": f"{base}/admin/",
        "provider_url": provider,
        "payments_url": payments,
        "mail_dir": str(mail),
    }
    for name, person in people.items():
        known = before.get(name)
        document[name] = {**known, **person} if isinstance(known, dict) and isinstance(person, dict) else person
    half = target.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    half.rename(target)
    return document


def block(document: dict[str, Any], var: Path) -> str:
    """Return the lines for the person at the terminal."""
    lines = [
        "",
        f"  The panel is open:   {document['base_url']}/",
        f"  API v2:              {document['api_v2_url']}",
        f"  For staff:           {document['admin_url']}",
        f"  Sandbox provider:    {document['provider_url']}",
        f"  Sandbox payments:    {document['payments_url']}",
        f"  E-mails land in:     {document['mail_dir']}",
        f"  Logs:                {var / 'log'}",
        "",
    ]
    for name, title in PEOPLE.items():
        person = document.get(name)
        if isinstance(person, dict):
            lines.append(f"  {title + ':':<20} {person.get('email', '')}   {person.get('password', '')}")
            if key := person.get("api_key"):
                lines.append(f"  {'API key:':>20} {key}")
    return "\n".join(
        [*lines, "", f"  All of this is in {var / 'demo.json'}. Ctrl-C stops everything; the data stays.", ""]
    )

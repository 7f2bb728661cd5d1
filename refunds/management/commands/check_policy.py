"""Check a policy document and print its proof report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from panel.kernel.errors import PanelError
from refunds import publishing
from refunds.management import mistakes
from refunds.policy import analysis, loader
from refunds.policy.analysis import Proof
from refunds.policy.document import Policy
from refunds.policy.examples import Tried


class Command(BaseCommand):
    help = (
        "Check a refund policy document: every problem of its text, whether every combination of facts is decided, "
        "and whether each clause can ever decide. Exit code 1 when it can't be published."
    )
    # The document is checked as it stands. Where a database answers, names that it does not have are told too.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a policy document (TOML)")
        parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ANN401, ARG002 - Django's signature
        path: Path = options["file"]
        try:
            policy = loader.load_file(path)
        except PanelError as error:
            raise mistakes.told(error, self.stdout, as_json=options["json"]) from error

        proof, unknown = analysis.prove(policy), _unknown(policy)
        if options["json"]:
            report = {
                "passed": proof.passed and not unknown,
                "unknown": unknown,
                "problems": [],
                "complete": proof.complete,
                **asdict(replace(proof, tried=())),
                "tried": [_tried(one) for one in proof.tried],
            }
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self.stdout.write("\n".join(_report(policy, proof, unknown)))
        if unknown or not proof.passed:
            message = f"{path.name} can't be published."
            raise CommandError(message)


def _unknown(policy: Policy) -> list[str]:
    """Return what the document names and this panel does not have; nothing where there is no database to ask."""
    try:
        return publishing.unknown_names(policy)
    except (DatabaseError, ImproperlyConfigured):
        return []


def _verdict(proof: Proof, unknown: Sequence[str]) -> str:
    found = []
    if unknown:
        found.append(f"{len(unknown)} {'name' if len(unknown) == 1 else 'names'} that this panel does not have")
    if not proof.complete:
        found.append(f"{proof.combinations - proof.decided:,} combinations are not decided")
    if proof.unreachable:
        found.append(f"these clauses can never decide: {', '.join(proof.unreachable)}")
    broken = [finding for finding in proof.findings if not finding.holds]
    if broken:
        found.append(f"{len(broken)} of {len(proof.findings)} properties do not hold")
    failed = [one for one in proof.tried if not one.passed]
    if failed:
        found.append(f"{len(failed)} of {len(proof.tried)} examples fail")
    return "; ".join(found) + "." if found else "every combination is decided and every clause can decide."


def _report(policy: Policy, proof: Proof, unknown: Sequence[str]) -> list[str]:
    width = max(len(clause.id) for clause in policy.rules)
    lines = [
        f"{policy.title} ({policy.slug}), updated {policy.updated.isoformat()}",
        f"SHA-256 {policy.hash}",
        "",
        (
            f"{proof.combinations:,} combinations of facts, {proof.decided:,} decided, "
            f"{proof.defaulted:,} of them by the default."
        ),
        "",
        f"{'clause':{width}}  {'refund':11}  {'approval':9}  {'covers':>7}  {'decides':>7}",
    ]
    for clause, reach in zip(policy.rules, proof.reach, strict=True):
        mark = "  never decides" if clause.id in proof.unreachable else ""
        lines.append(
            f"{clause.id:{width}}  {clause.refund:11}  {clause.approval:9}  {reach.covers:7,}  {reach.decides:7,}{mark}"
        )
    lines += ["", "Overlaps, the earlier clause winning:" if proof.overlaps else "No clauses overlap."]
    lines += [
        f"  {overlap.winner} before {overlap.loser}: both cover {overlap.combinations:,}, "
        f"of which {overlap.winner} decides {overlap.decided_by_winner:,}"
        for overlap in proof.overlaps
    ]
    if proof.default_rows:
        lines += ["", "What falls to the default:"]
        lines += [f"  {row.words} ({row.combinations:,})" for row in proof.default_rows]
    lines += ["", "What must hold for every order:", *_findings(proof), "", *_examples(proof)]
    if unknown:
        lines += ["", "What this panel does not have:", *(f"  {sentence}" for sentence in unknown)]
    outcome = "Not passed" if unknown or not proof.passed else "Passed"
    return [*lines, "", f"{outcome}: {_verdict(proof, unknown)}"]


def _findings(proof: Proof) -> list[str]:
    lines = []
    for finding in proof.findings:
        lines.append(f"  {'holds' if finding.holds else 'BROKEN'}: {finding.sentence}")
        for example in finding.counterexamples:
            lines += [f"    {example.facts}:", f"      {example.outcome}"]
    return lines


def _examples(proof: Proof) -> list[str]:
    if not proof.tried:
        return ["The document carries no examples."]
    lines = [f"Examples: {sum(one.passed for one in proof.tried)} of {len(proof.tried)} pass."]
    for one in proof.tried:
        if not one.passed:
            lines += [f"  FAILS: {one.example.name}", f"    expected {one.expected}", f"    came     {one.said}"]
    if proof.without_example:
        lines.append(f"  Without an example: {', '.join(proof.without_example)}.")
    return lines


def _tried(one: Tried) -> dict[str, str | bool]:
    return {"name": one.example.name, "passed": one.passed, "expected": one.expected, "said": one.said}

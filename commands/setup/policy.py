"""The command `policy`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from commands.options import echo_json, json_option, judges, night_options, progress
from ingest.rollout import STRATEGIES
from ingest.settings import Settings
from operations.local.repository import ROOT, read_first_night, read_settings
from operations.policy.evaluate import Finding, Report, Stack, Verdict, evaluate, read_stacks
from operations.policy.rules import EXEMPTIONS, RULES, rules_table


@click.command()
@night_options
@click.option("--rules", is_flag=True, help="Print the rules as a Markdown table, and judge nothing.")
@json_option
@judges
def policy(night: int | None, strategy: str | None, *, rules: bool, as_json: bool) -> int:
    """Check the Terraform of the nights against the policy.

    It is about identities, roles, secrets and retries. Judges every night of both strategies, unless --night or
    --strategy names some. Needs no cloud.
    Exit code 0: passed, 1: a rule is broken or an exemption is wrong, 2: could not be evaluated.

    \b
    Example, before a commit:
      ingest-rollout policy
    """
    if rules:
        click.echo(rules_table())
        return 0
    progress("synthesizing each night")
    stacks = synthesized(ROOT, wanted(night, strategy), os.environ)
    report = evaluate(stacks, RULES, EXEMPTIONS, complete=night is None and strategy is None)
    if as_json:
        echo_json(policy_json(report))
    else:
        click.echo(policy_text(report))
    return 0 if report.passed else 1


def wanted(night: int | None, strategy: str | None) -> dict[str, Settings]:
    """The settings of the nights that the options name, by a label such as "phased 3". Raises OperationError."""
    if night is not None:
        settings = read_settings(night=night, strategy=strategy)
        return {f"{settings.strategy} {settings.night}": settings}
    names = [strategy] if strategy else list(STRATEGIES)
    return {f"{name} {settings.night}": settings for name in names for settings in read_first_night(name).nights()}


def synthesized(root: Path, nights: Mapping[str, Settings], environ: Mapping[str, str]) -> dict[str, list[Stack]]:
    """Each night's stacks, as main.py synthesizes them. Raises OperationError.

    Works in a temporary folder: cdktf.out/ and another command's lock are left alone.
    """
    from operations.terraform.synth import synthesize_all

    with TemporaryDirectory(prefix="ingest-policy-") as folder:
        folders = {label: Path(folder) / label.replace(" ", "-") for label in nights}
        # jsii unpacks itself into TMPDIR.
        synthesize_all(root, {folders[label]: nights[label] for label in nights}, {**environ, "TMPDIR": folder})
        return {label: read_stacks(place) for label, place in folders.items()}


def policy_json(report: Report) -> dict[str, object]:
    return {
        "verdict": "passed" if report.passed else "failed",
        "nights": list(report.nights),
        "rules": [
            {
                "rule": rule.id,
                "title": rule.title,
                "reason": rule.reason,
                "verdicts": {str(verdict): report.counts(rule)[verdict] for verdict in Verdict},
            }
            for rule in RULES
        ],
        "violations": [_finding_json(finding) for finding in report.violations],
        "exempted": [_finding_json(finding) for finding in report.exempted],
        "problems": list(report.problems),
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.id,
        "night": finding.night,
        "stack": finding.stack,
        "address": finding.address,
        "details": list(finding.judgement.details),
        "exemption": finding.exemption.reason if finding.exemption else None,
    }


def policy_text(report: Report) -> str:
    """A row for each rule, then what is broken, once for all nights that share it."""
    from commands.render import table

    rows = []
    for rule in RULES:
        counts = report.counts(rule)
        rows.append((rule.id, rule.title, *(str(counts[verdict] or "") for verdict in Verdict)))
    lines = [table(("rule", "requires", *Verdict), rows), ""]
    for (rule_id, where), alike in _grouped(report.violations).items():
        lines.append(click.style(f"{rule_id} {where}: {_details(alike)}", fg="red"))
        lines.append(f"  on {_nights(alike)}. {alike[0].rule.reason}")
    for (rule_id, where), alike in _grouped(report.exempted).items():
        lines.append(f"{rule_id} {where}: {_details(alike)}")
        lines.append(f"  on {_nights(alike)}. Exempted: {alike[0].exemption.reason if alike[0].exemption else ''}")
    lines += [click.style(problem, fg="red") for problem in report.problems]
    broken = len(report.violations) + len(report.problems)
    lines.append(f"{len(report.nights)} nights, {len(RULES)} rules: {f'{broken} violations' if broken else 'passed'}")
    return "\n".join(lines)


def _grouped(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule.id, f"{finding.stack} {finding.address}".strip()), []).append(finding)
    return groups


def _details(findings: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(detail for finding in findings for detail in finding.judgement.details))


def _nights(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.night for finding in findings))

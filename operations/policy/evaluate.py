"""The policy over what is synthesized: rules with an id and a reason, three verdicts, exemptions that give theirs.

A rule looks at one subject, a resource or the stack as a whole, of the Terraform JSON that a deploy would apply, and
says whether it is compliant, non-compliant or not applicable. The rules and the
exemptions from them are in operations/policy/rules.py; docs/policy.md lists the rules, generated from them.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from operations.errors import OperationError

Body = Mapping[str, Any]

STACK = "stack"
"""The kind of the subject that is a stack as a whole; its address is empty."""

EVERYWHERE = "*"
"""As an exemption's address: every subject of the stack."""


class Verdict(StrEnum):
    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Judgement:
    """What a rule says of one subject; `details` are what is wrong."""

    verdict: Verdict
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stack:
    """One stack: its name and the content of its cdk.tf.json."""

    name: str
    content: Body

    def subjects(self) -> Iterator[Subject]:
        """The stack as a whole, then its resources and data sources."""
        yield Subject(self, STACK, "", self.content)
        for section, prefix in (("resource", ""), ("data", "data.")):
            for kind, named in self.content.get(section, {}).items():
                for name, body in named.items():
                    yield Subject(self, kind, f"{prefix}{kind}.{name}", body)


@dataclass(frozen=True)
class Subject:
    """What a rule looks at. `kind` is Terraform's, such as "google_storage_bucket", or STACK."""

    stack: Stack
    kind: str
    address: str
    body: Body


@dataclass(frozen=True)
class Rule:
    """Asks `check` what is wrong with each subject that it `applies` to.

    `id` never changes meaning: exemptions name it. The docstring of `check` is the rule's own: what it requires in its
    first line, and below it the reason.
    """

    id: str
    check: Callable[[Subject], Iterable[str]]
    applies: Callable[[Subject], bool]

    @property
    def title(self) -> str:
        return self._doc[0].removesuffix(".")

    @property
    def reason(self) -> str:
        return " ".join(self._doc[2].split())

    @property
    def _doc(self) -> tuple[str, str, str]:
        return (inspect.getdoc(self.check) or "").partition("\n\n")

    def judge(self, subject: Subject) -> Judgement:
        """Raises OperationError (exit code 2) for JSON in which the rule cannot find its way."""
        try:
            if not self.applies(subject):
                return Judgement(Verdict.NOT_APPLICABLE)
            problems = tuple(dict.fromkeys(self.check(subject)))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            where = f"{subject.stack.name} {subject.address}".strip()
            raise OperationError(
                f"{self.id} could not be evaluated for {where}: {type(error).__name__}: {error}", code=2
            ) from error
        return Judgement(Verdict.NON_COMPLIANT, problems) if problems else Judgement(Verdict.COMPLIANT)


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Lets one rule be broken, by one address of one stack (EVERYWHERE: by all of it), and says why."""

    rule: str
    stack: str
    address: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return (self.rule, self.stack) == (finding.rule.id, finding.stack) and (
            self.address in (EVERYWHERE, finding.address)
        )


@dataclass(frozen=True)
class Finding:
    """One rule's judgement of one subject. `night` says where it was found, such as "phased 3"."""

    rule: Rule
    night: str
    stack: str
    address: str
    judgement: Judgement
    exemption: Exemption | None = None

    @property
    def violates(self) -> bool:
        return self.judgement.verdict is Verdict.NON_COMPLIANT and self.exemption is None


@dataclass(frozen=True)
class Report:
    """Every judgement, and what is wrong with the exemptions themselves."""

    findings: Sequence[Finding]
    problems: Sequence[str] = ()
    nights: Sequence[str] = field(default_factory=tuple)

    @property
    def violations(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.violates]

    @property
    def exempted(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.exemption]

    @property
    def passed(self) -> bool:
        return not self.violations and not self.problems

    def counts(self, rule: Rule) -> Counter[Verdict]:
        return Counter(finding.judgement.verdict for finding in self.findings if finding.rule is rule)


def evaluate(
    nights: Mapping[str, Sequence[Stack]],
    rules: Sequence[Rule],
    exemptions: Sequence[Exemption] = (),
    *,
    complete: bool = True,
) -> Report:
    """Every rule on every subject of every night (by its label).

    `complete` says that these are all nights, so that an exemption which matches nothing is one too many.
    Raises OperationError (exit code 2) when there is nothing to judge, or a rule cannot find its way.
    """
    if not nights or not all(nights.values()):
        raise OperationError("no stack was synthesized, so nothing could be judged", code=2)
    findings = [
        Finding(rule, night, stack.name, subject.address, rule.judge(subject))
        for night, stacks in nights.items()
        for stack in stacks
        for subject in stack.subjects()
        for rule in rules
    ]
    judged = [_exempted(finding, exemptions) for finding in findings]
    known = {rule.id for rule in rules}
    problems = [f"{_label(e)}: gives no reason; write one" for e in exemptions if not e.reason.strip()]
    problems += [f"{_label(e)}: there is no rule {e.rule}" for e in exemptions if e.rule not in known]
    if complete:
        used = {finding.exemption for finding in judged}
        # A stack that the settings do not turn on says nothing of its exemptions.
        there = {finding.stack for finding in judged}
        problems += [
            f"{_label(e)}: matches nothing; remove it"
            for e in exemptions
            if e.stack in there and e not in used and e.reason.strip()
        ]
    return Report(judged, problems, tuple(nights))


def read_stacks(folder: Path) -> list[Stack]:
    """The stacks in a folder that cdktf wrote, such as cdktf.out/. Raises OperationError (exit code 2)."""
    stacks = []
    for file in sorted(folder.glob("stacks/*/cdk.tf.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OperationError(f"{file} cannot be read: {error}", code=2) from None
        stacks.append(Stack(file.parent.name, content))
    return stacks


def _exempted(finding: Finding, exemptions: Sequence[Exemption]) -> Finding:
    if finding.judgement.verdict is not Verdict.NON_COMPLIANT:
        return finding
    # One without a reason excuses nothing.
    return replace(finding, exemption=next((e for e in exemptions if e.reason.strip() and e.covers(finding)), None))


def _label(exemption: Exemption) -> str:
    return f"exemption {exemption.rule} for {exemption.stack} {exemption.address}"

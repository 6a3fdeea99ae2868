"""What a deploy would apply keeps the policy, on every night, also with the settings that are off by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.setup.policy import synthesized
from ingest.access import DEPLOYER
from ingest.baseline import as_text, load_baseline
from ingest.rollout import STRATEGIES
from ingest.settings import Settings, load
from operations.policy.evaluate import Report, Stack, Verdict, evaluate, read_stacks
from operations.policy.rules import EXEMPTIONS, RULES
from stacks.night import night_app
from tests.checkout import ENVIRON, ROOT
from tests.given.found import GCLOUD_JOB

INVOKER = "ingest-invoker@kpi-auto-471020.iam.gserviceaccount.com"
EVERYTHING: dict[str, Any] = {
    "backend": "gcs",
    "backend_bucket": "a-team-state",
    "invoker_service_account": INVOKER,
    "create_invoker": True,
    "notification_channels": ("projects/kpi-auto-471020/notificationChannels/1",),
    "freshness_service_account": "freshness@kpi-auto-471020.iam.gserviceaccount.com",
    "deployers": ("group:data@example.com",),
    "operators": ("user:somebody@example.com",),
    "github_repository": "a-team/ingest",
    "github_repository_id": "987654321",
    "github_repository_owner_id": "12345",
}
RECORDED = replace(
    GCLOUD_JOB,
    min_backoff_duration="0s",
    oidc_service_account_email=INVOKER,
    oidc_audience="https://example.com/?mode=full",
    headers={"User-Agent": "x"},
)
VARIANTS: dict[str, dict[str, Any]] = {
    "as committed": {},
    "with an invoker account": {"invoker_service_account": INVOKER},
    "with state in a bucket": {"backend": "gcs", "backend_bucket": "a-team-state"},
    "without adoption": {"adopt_existing": False},
    "with everything": EVERYTHING,
}


@pytest.fixture(scope="module")
def nights() -> Mapping[str, Mapping[str, list[Stack]]]:
    """Each variant's nights by their label; all are synthesized by one process."""
    committed = load(ROOT, {})
    labels: dict[str, Settings] = {}
    for number, changed in enumerate(VARIANTS.values()):
        for strategy in STRATEGIES:
            settings = replace(committed, strategy=strategy, **changed)
            labels |= {f"{number} {strategy} {n}": replace(settings, night=n) for n in settings.rollout.numbers}
    found = synthesized(ROOT, labels, ENVIRON)
    return {
        variant: {label: stacks for label, stacks in found.items() if label.startswith(f"{number} ")}
        for number, variant in enumerate(VARIANTS)
    }


def told(report: Report) -> list[str]:
    found = [f"{one.rule.id} {one.stack} {one.address}: {one.judgement.details}" for one in report.violations]
    return found + list(report.problems)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_night_keeps_every_rule(variant: str, nights: Mapping[str, Mapping[str, list[Stack]]]) -> None:
    assert len(nights[variant]) >= sum(len(strategy.nights) for strategy in STRATEGIES.values())
    assert told(evaluate(nights[variant], RULES, EXEMPTIONS, complete=False)) == []


def test_every_exemption_is_of_use_somewhere(nights: Mapping[str, Mapping[str, list[Stack]]]) -> None:
    every = {label: stacks for found in nights.values() for label, stacks in found.items()}

    assert evaluate(every, RULES, EXEMPTIONS).problems == []
    assert {one.stack for one in EXEMPTIONS} <= {stack.name for stacks in every.values() for stack in stacks}


def test_with_an_invoker_account_the_audience_is_judged(nights: Mapping[str, Mapping[str, list[Stack]]]) -> None:
    (audience,) = [rule for rule in RULES if rule.id == "ING102"]
    report = evaluate(nights["with an invoker account"], [audience])

    assert report.counts(audience)[Verdict.COMPLIANT] == 16 * len(STRATEGIES)


def test_the_retries_of_an_adopted_job_are_judged_once_they_are_declared(
    nights: Mapping[str, Mapping[str, list[Stack]]],
) -> None:
    (retries,) = [rule for rule in RULES if rule.id == "ING104"]
    found = evaluate(nights["as committed"], [retries]).findings
    judged = Counter(one.night for one in found if one.judgement.verdict is Verdict.COMPLIANT)

    assert judged == {"0 phased 1": 4, "0 phased 2": 12, "0 phased 3": 16, "0 immediate 1": 12, "0 immediate 2": 16}


def test_what_people_edit_can_break_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting, a row of the catalogue, a role and a recorded job, each of which passes its own checks."""
    settings = load(ROOT, {"INGEST_BASE_URL": f"https://example.com/AIza{'A' * 35}"})
    monkeypatch.setattr("stacks.foundation.DEPLOYER", replace(DEPLOYER, permissions={"iam.roles.update": ""}))
    (tmp_path / "baseline.json").write_text(as_text({"jobs": RECORDED}))
    app = night_app(replace(settings, **EVERYTHING, found=load_baseline(tmp_path)), outdir=tmp_path)
    app.synth()

    assert {one.rule.id for one in evaluate({"0": read_stacks(tmp_path)}, RULES).violations} == {r.id for r in RULES}


def test_synthesizing_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    synthesized(ROOT, {"phased 3": replace(load(ROOT, {}), strategy="phased", night=3)}, ENVIRON)

    assert list(tmp_path.iterdir()) == []

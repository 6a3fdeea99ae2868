"""The rollout played on the twin, with the built-in applier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.rollout import STRATEGIES
from operations.terraform.engine import OUTPUT
from rehearsal.report import as_json
from tests.checkout import Checkout
from tests.given.stage import Open

LIVE = ["appointments", "customers", "estimates", "invoices", "jobs", "payments", "payroll"]


def verdicts(told: dict[str, object]) -> list[tuple[str, str]]:
    steps = told["steps"]
    assert isinstance(steps, list)
    return [(step["title"], step["gate"]) for step in steps]


def test_the_phased_rollout_opens_every_gate_and_can_be_undone(stage: Open) -> None:
    with stage() as it:
        it.rehearsal.play()

        told = as_json(it.rehearsal, "built-in")
        assert told["passed"] is True
        assert verdicts(told) == [
            ("night 0, adopt", "open"),
            ("night 1, critical", "open"),
            ("night 2, shift", "open"),
            ("night 3, reference", "open"),
            ("night 3, second deploy", "no change"),
            ("back to night 1", "open"),
        ]
        runs = [len(step.attempts) for step in it.rehearsal.steps]
        # 7 live; 11; 12; then 12 a day from Friday to Sunday with the 4 weekly ones; none; 11.
        assert runs == [7, 11, 12, 40, 0, 11]
        schedules = {name.rpartition("/")[2]: job["schedule"] for name, job in it.twin.scheduler.jobs.items()}
        assert len(schedules) == 11
        assert schedules["v2-sync-jobs-daily"] == "0 2 * * *"


def test_the_immediate_rollout_takes_three_nights(stage: Open) -> None:
    with stage(strategy="immediate") as it:
        it.rehearsal.play()

        assert [step.title for step in it.rehearsal.steps if not step.blocked] == [
            "night 0, adopt",
            "night 1, shift",
            "night 2, reference",
            "night 2, second deploy",
            "back to night 0",
        ]


def test_a_project_without_live_jobs_is_rehearsed_too(stage: Open) -> None:
    with stage(adopt_existing="false") as it:
        it.rehearsal.play()

        assert it.rehearsal.passed
        assert it.rehearsal.steps[0].writes[:7] == [("create", f"v2-sync-{entity}-daily") for entity in LIVE]


NIGHTS = ("night 0, adopt", "night 1, critical", "night 2, shift", "night 3, reference")
STRIKES: list[list[tuple[str, int, str, str]]] = [
    [
        ("fails:invoices", 0, "succeeded", "INTERNAL (13): Request failed with status code 500"),
        ("fails:returns", 1, "succeeded", "INTERNAL (13): Request failed with status code 500"),
        ("throttled:payroll@2", 2, "succeeded", "INTERNAL (13): Request failed with status code 429"),
        ("missing-upstream:activity_codes", 3, "succeeded", "Request failed with status code 404"),
    ],
    [
        ("slow:jobs", 0, "succeeded, no-overlap", "measured DEADLINE_EXCEEDED (4)"),
        ("slow:returns", 1, "no-overlap", "expected ends before payroll_adjustments"),
        ("times-out:jobs@2", 2, "succeeded, no-overlap", "invoices: in-order is fail"),
        ("token-dropped@3", 3, "succeeded", "measured PERMISSION_DENIED (7)"),
    ],
    [
        ("quiet:jobs", 0, "loaded", "measured no records, but jobs always has some"),
        ("empty:estimates@1", 1, "loaded", "records, newest row Wed 2026-10-21 02:31"),
        ("empty:returns@2", 2, "loaded", "records, newest row Fri 2026-10-23 04:56"),
        # Deployed twice and thrice in a rehearsal: a kill strikes once.
        ("killed@3", 3, "deploy", "the deploy was killed between plan and apply"),
    ],
    [
        ("future-row:invoices", 0, "loaded", "which is in the future"),
        ("killed@1", 1, "deploy", "the deploy was killed between plan and apply"),
        ("paused:locations", 2, "ran", "measured never ran, the job is paused"),
    ],
    [
        ("paused:customers", 0, "ran", "customers: ran is fail: expected a run at Tue 2026-10-20 03:15"),
        ("taken:returns", 1, "deploy", "v2-sync-returns-daily: live and not recorded"),
        ("shrinks:returns", 2, "kept", "returns: kept is fail"),
    ],
    [
        ("shrinks:jobs", 0, "kept", "jobs: kept is fail: expected 6960 rows or more, measured 3600"),
        ("killed", 2, "deploy", "the deploy was killed between plan and apply"),
    ],
    [
        ("doubled:jobs", 0, "no-duplicates", "expected 0 doubled rows at most, measured 3"),
        ("doubled:returns", 2, "no-duplicates", "returns: no-duplicates is fail"),
    ],
    [
        ("edited:jobs", 0, "plan", "jobs: schedule is 0 1 * * *, and this deploy sets it to 0 2 * * *"),
        ("edited:returns", 2, "plan", "returns: schedule is 0 1 * * *, and this deploy sets it to 55 4 * * *"),
    ],
    [("post:payments", 0, "plan", "payments: http_method is POST, and this deploy sets it to GET")],
    [("token-dropped", 0, "succeeded", "jobs: succeeded is fail: expected OK, measured PERMISSION")],
]
"""Faults, the night and the check that catch each, and what is said; those of a row strike one rehearsal."""


@pytest.mark.parametrize("faults", STRIKES, ids=lambda faults: " ".join(name for name, *_ in faults))
def test_the_rollout_is_blocked_where_a_fault_strikes_is_fixed_and_loses_nothing(
    faults: list[tuple[str, int, str, str]], stage: Open
) -> None:
    with stage(*(name for name, *_ in faults)) as it:
        it.rehearsal.play()

        blocked = [step for step in it.rehearsal.steps if step.blocked]
        assert [step.title for step in blocked] == [NIGHTS[night] for _, night, *_ in faults]
        for step, (_, _, _, problem) in zip(blocked, faults, strict=True):
            assert any(problem in text for text in step.problems), step.problems
        assert it.rehearsal.passed
        assert it.rehearsal.steps[-1].title.startswith("back to night")
        assert list(map(str, it.rehearsal.faults)) == [
            f"{name.partition('@')[0]}: caught on night {night} by {check}" for name, night, check, _ in faults
        ]


@pytest.mark.parametrize(
    "faults",
    [
        [("log-lost:invoices", 0), ("quiet:returns", 1), ("quiet:invoices@2", 2), ("quiet:business_units", 3)],
        [("neighbour", 0), ("quiet:inventory_bills", 1)],
    ],
    ids=lambda faults: " ".join(name for name, _ in faults),
)
def test_the_gate_opens_at_what_is_no_failure_and_the_result_says_so(
    faults: list[tuple[str, int]], stage: Open
) -> None:
    with stage(*(name for name, _ in faults)) as it:
        it.rehearsal.play()

        assert it.rehearsal.passed
        assert not [step.title for step in it.rehearsal.steps if step.blocked]
        names = [(name.partition("@")[0], night) for name, night in faults]
        assert as_json(it.rehearsal, "built-in")["faults"] == [
            {
                "fault": name,
                "night": night,
                "caught_by": (),
                "text": f"{name}: not caught, the gate of night {night} opened, as it should",
            }
            for name, night in names
        ]


def test_a_fault_whose_night_never_comes_is_named_as_such(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage("fails:returns", "fails:campaigns") as it:
        monkeypatch.setattr(it.rehearsal.trouble, "fix", lambda night, world: None)
        it.rehearsal.play()

        assert list(map(str, it.rehearsal.faults)) == [
            "fails:returns: caught on night 1 by succeeded",
            "fails:campaigns: not tried, night 3 was not reached or its deploy was refused before",
        ]


def test_a_fault_that_another_one_kept_from_happening_is_not_called_caught(stage: Open) -> None:
    with stage("edited:jobs", "neighbour", "killed@1") as it:
        it.rehearsal.play()

        assert list(map(str, it.rehearsal.faults)) == [
            "edited:jobs: caught on night 0 by plan",
            "neighbour: not tried, night 0 was not reached or its deploy was refused before",
            "killed: caught on night 1 by deploy",
        ]


def test_the_services_public_routes_stop_night_3_and_name_the_setting(stage: Open) -> None:
    with stage("route:business_units") as it:
        it.rehearsal.play()

        assert not it.rehearsal.passed
        last = it.rehearsal.steps[-1]
        assert last.title == "night 3, reference"
        assert last.problems == [
            "business_units: succeeded is fail: expected OK, measured NOT_FOUND (5)",
            "technicians: succeeded is fail: expected OK, measured NOT_FOUND (5)",
            "activity_codes: succeeded is fail: expected OK, measured NOT_FOUND (5)",
            "business_units, technicians, activity_codes: the service answers 404 at /ingest/ref and has them at "
            '/ingest-ref; set "reference_path": "/ingest-ref" in cdktf.json',
        ]
        assert list(map(str, it.rehearsal.faults)) == ["route:business_units: caught on night 3 by succeeded"]


def test_with_that_setting_the_public_routes_pass(stage: Open) -> None:
    with stage("route:business_units", reference_path="/ingest-ref") as it:
        it.rehearsal.play()

        assert it.rehearsal.passed
        assert it.twin.warehouse.has("business_units")


def test_an_ingest_of_20_minutes_is_within_the_declared_deadline(stage: Open) -> None:
    with stage("slow:payroll_adjustments") as it:
        it.rehearsal.play()

        assert not [step.title for step in it.rehearsal.steps if step.blocked]
        attempts = [a for step in it.rehearsal.steps for a in step.attempts if "adjustments" in a.job]
        assert (attempts[0].ended - attempts[0].started).total_seconds() == 20 * 60


def test_a_declared_job_that_was_paused_is_resumed_by_the_next_deploy(stage: Open) -> None:
    with stage("paused:locations") as it:
        it.rehearsal.play()

        (again,) = [step for step in it.rehearsal.steps if step.title == "night 2 again"]
        assert ("resume", "v2-sync-locations-daily") in again.writes


def test_a_fault_that_nobody_fixes_stops_the_rollout(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage("fails:returns") as it:
        monkeypatch.setattr(it.rehearsal.trouble, "fix", lambda night, world: None)
        it.rehearsal.play()

        assert not it.rehearsal.passed
        assert [step.title for step in it.rehearsal.steps] == [
            "night 0, adopt",
            "night 1, critical",
            "night 1 again",
        ]


def test_a_second_deploy_that_writes_is_a_problem(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage() as it:
        play_night = it.rehearsal._step

        def meddling(title: str, night: int, *, gated: bool = True, **how: bool) -> None:
            if not gated:
                it.twin.scheduler.pause(next(iter(it.twin.scheduler.jobs)))
            play_night(title, night, gated=gated, **how)

        monkeypatch.setattr(it.rehearsal, "_step", meddling)
        it.rehearsal.play()

        assert it.rehearsal.steps[-1].title == "night 3, second deploy"
        assert it.rehearsal.steps[-1].blocked
        assert not it.rehearsal.passed


def test_records_that_the_warehouse_lacks_are_told(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage() as it:
        monkeypatch.setattr(it.twin.warehouse, "lacks", lambda entity, read: 3 if entity == "jobs" else 0)
        it.rehearsal.play()

        assert not it.rehearsal.passed
        read = len(it.twin.ingestor.read["jobs"])
        assert it.rehearsal.lost == [f"raw_jobs lacks 3 of the {read} records that ServiceTitan had for its runs"]


def test_rows_that_doubled_are_told(stage: Open) -> None:
    with stage() as it:
        it.twin.warehouse.stream("payments", it.twin.ingestor.read["payments"][:5], it.twin.clock.now)
        it.rehearsal.play()

        assert it.rehearsal.lost == ["raw_payments has 5 rows more than records"]
        assert not it.rehearsal.passed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_deployed_is_what_main_writes(strategy: str, stage: Open) -> None:
    with stage(strategy=strategy) as it:
        for night in STRATEGIES[strategy].numbers:
            it.workspace.use(night)
            folder = it.workspace.deploys_from / OUTPUT / "stacks"
            deployed = {file.parent.name: file.read_bytes() for file in folder.glob("*/cdk.tf.json")}
            root = folder.parent.parent / f"checkout-{night}"
            root.mkdir()
            checkout = Checkout(root)
            assert checkout.main(INGEST_STRATEGY=strategy, INGEST_NIGHT=str(night)).returncode == 0
            written = {f.parent.name: f.read_bytes() for f in root.glob("cdktf.out/stacks/*/cdk.tf.json")}
            assert deployed == written


def test_the_ledger_has_the_story_of_a_night_that_was_blocked(stage: Open) -> None:
    with stage("fails:returns") as it:
        it.rehearsal.play()

        told = [(r.kind, r.night, r.data.get("outcome") or r.data.get("verdict")) for r in it.rehearsal.records]
        deploys = [("deploy", number, "done") for number in (0, 1, 1, 2, 3, 3, 1)]
        assert [one for one in told if one[0] != "deploy" or one[2] == "done"] == [
            deploys[0],
            ("gate", 0, "pass"),
            deploys[1],
            ("gate", 1, "fail"),
            deploys[2],
            ("gate", 1, "pass"),
            deploys[3],
            ("gate", 2, "pass"),
            deploys[4],
            ("gate", 3, "pass"),
            deploys[5],
            deploys[6],
            ("gate", 1, "pass"),
            ("rollback", 1, None),
        ]
        begun = [n for n, one in enumerate(told) if one[0] == "deploy" and one[2] == "started"]
        assert [told[n + 1] for n in begun] == deploys, "each is recorded before and after"
        assert it.rehearsal.site.ledger.check().problems == []


def test_a_night_whose_gate_did_not_pass_is_not_followed_by_the_next(stage: Open) -> None:
    with stage() as it:
        it.rehearsal._step("night 0", 0)
        gate = it.rehearsal.site.ledger.records()[-1]
        data = {**gate.data, "verdict": "inconclusive"}
        data["checks"] = [{**check, "verdict": "inconclusive"} for check in gate.data["checks"]]
        it.rehearsal.site.record("gate", replace(it.rehearsal.settings, night=0), data)
        it.rehearsal._step("night 1", 1)

        assert it.rehearsal.steps[-1].writes == []
        assert it.rehearsal.steps[-1].problems[0].startswith("refused: the gate of night 0 does not open")

"""The rollout played on the twin, with the built-in applier."""

from __future__ import annotations

import pytest

from ingest.rollout import STRATEGIES
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

        assert [step.title for step in it.rehearsal.steps if not step.held] == [
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


@pytest.mark.parametrize(
    ("fault", "title", "problem"),
    [
        ("fails:invoices", "night 0, adopt", "invoices: succeeded is fail: expected OK, measured INTERNAL (13)"),
        ("fails:returns", "night 1, critical", "returns: succeeded is fail: expected OK, measured INTERNAL (13)"),
        (
            "throttled:payroll@2",
            "night 2, shift",
            "payroll: succeeded is fail: expected OK, measured RESOURCE_EXHAUSTED",
        ),
        ("slow:jobs", "night 0, adopt", "jobs: succeeded is fail: expected OK, measured DEADLINE_EXCEEDED (4)"),
        ("slow:returns", "night 1, critical", "returns: no-overlap is fail: expected ends before payroll_adjustments"),
        ("times-out:jobs@2", "night 2, shift", "invoices: in-order is fail: expected begins after core has ended"),
        ("empty:estimates@1", "night 1, critical", "estimates: loaded is fail: expected rows loaded after Wed 02:30"),
        (
            "paused:customers",
            "night 0, adopt",
            "customers: ran is fail: expected a run at Tue 03:15, measured last began",
        ),
        ("paused:locations", "night 2, shift", "measured never ran, the job is paused"),
        ("edited:jobs", "night 0, adopt", "jobs: the preview shows import, the plan import and update (schedule)"),
        ("edited:returns", "night 2, shift", "returns: the preview shows no change, the plan update (schedule)"),
        (
            "post:payments",
            "night 0, adopt",
            "payments: the preview shows import, the plan import and update (http_target",
        ),
        ("taken:returns", "night 1, critical", "v2-sync-returns-daily: live and not recorded"),
        ("killed", "night 2, shift", "the deploy was killed between plan and apply"),
        # Deployed twice and thrice in a rehearsal: a kill strikes once.
        ("killed@1", "night 1, critical", "the deploy was killed between plan and apply"),
        ("killed@3", "night 3, reference", "the deploy was killed between plan and apply"),
    ],
)
def test_the_rollout_holds_where_a_fault_strikes_is_mended_and_loses_nothing(
    fault: str, title: str, problem: str, stage: Open
) -> None:
    with stage(fault) as it:
        it.rehearsal.play()

        held = [step for step in it.rehearsal.steps if step.held]
        assert [step.title for step in held] == [title]
        assert any(problem in text for text in held[0].problems), held[0].problems
        assert it.rehearsal.passed
        assert it.rehearsal.steps[-1].title.startswith("back to night")


def test_an_ingest_of_20_minutes_is_within_the_declared_deadline(stage: Open) -> None:
    with stage("slow:payroll_adjustments") as it:
        it.rehearsal.play()

        assert not [step.title for step in it.rehearsal.steps if step.held]
        attempts = [a for step in it.rehearsal.steps for a in step.attempts if "adjustments" in a.job]
        assert (attempts[0].ended - attempts[0].started).total_seconds() == 20 * 60


def test_a_declared_job_that_was_paused_is_resumed_by_the_next_deploy(stage: Open) -> None:
    with stage("paused:locations") as it:
        it.rehearsal.play()

        (again,) = [step for step in it.rehearsal.steps if step.title == "night 2 again"]
        assert ("resume", "v2-sync-locations-daily") in again.writes


def test_a_fault_that_nobody_mends_stops_the_rollout(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage("fails:returns") as it:
        monkeypatch.setattr(it.rehearsal.trouble, "mend", lambda night, world: None)
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

        def meddling(title: str, night: int, *, mending: bool = False, gated: bool = True) -> None:
            if not gated:
                it.twin.scheduler.pause(next(iter(it.twin.scheduler.jobs)))
            play_night(title, night, mending=mending, gated=gated)

        monkeypatch.setattr(it.rehearsal, "_step", meddling)
        it.rehearsal.play()

        assert it.rehearsal.steps[-1].title == "night 3, second deploy"
        assert it.rehearsal.steps[-1].held
        assert not it.rehearsal.passed


def test_records_that_the_warehouse_lacks_are_told(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with stage() as it:
        monkeypatch.setattr(it.twin.warehouse, "count", lambda entity: 0)
        it.rehearsal.play()

        assert not it.rehearsal.passed
        assert any(text.startswith("raw_jobs holds 0 records of the") for text in it.rehearsal.lost)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_deployed_is_what_main_writes(strategy: str, stage: Open) -> None:
    with stage(strategy=strategy) as it:
        for night in STRATEGIES[strategy].numbers:
            it.workspace.use(night)
            folder = it.workspace.deploys_from / "cdktf.out" / "stacks"
            deployed = {file.parent.name: file.read_bytes() for file in folder.glob("*/cdk.tf.json")}
            root = folder.parent.parent / f"checkout-{night}"
            root.mkdir()
            checkout = Checkout(root)
            assert checkout.main(INGEST_STRATEGY=strategy, INGEST_NIGHT=str(night)).returncode == 0
            written = {f.parent.name: f.read_bytes() for f in root.glob("cdktf.out/stacks/*/cdk.tf.json")}
            assert deployed == written


def test_the_ledger_tells_the_story_of_a_night_that_held(stage: Open) -> None:
    with stage("fails:returns") as it:
        it.rehearsal.play()

        told = [(r.kind, r.night, r.data.get("outcome") or r.data.get("verdict")) for r in it.rehearsal.records]
        assert told == [
            ("deploy", 0, "done"),
            ("gate", 0, "pass"),
            ("deploy", 1, "done"),
            ("gate", 1, "fail"),
            ("deploy", 1, "done"),
            ("gate", 1, "pass"),
            ("deploy", 2, "done"),
            ("gate", 2, "pass"),
            ("deploy", 3, "done"),
            ("gate", 3, "pass"),
            ("deploy", 3, "done"),
            ("deploy", 1, "done"),
            ("gate", 1, "pass"),
            ("rollback", 1, None),
        ]
        assert it.rehearsal.site.ledger.verify() == []


def test_a_night_whose_gate_did_not_pass_is_not_followed_by_the_next(stage: Open) -> None:
    with stage() as it:
        it.rehearsal._step("night 0", 0)
        gate = it.rehearsal.site.ledger.last("gate", "phased", 0)
        assert gate is not None
        data = {**gate.data, "verdict": "inconclusive"}
        data["checks"] = [{**check, "verdict": "inconclusive"} for check in gate.data["checks"]]
        it.rehearsal.site.ledger.append("gate", strategy="phased", night=0, data=data)
        it.rehearsal._step("night 1", 1)

        assert it.rehearsal.steps[-1].writes == []
        assert it.rehearsal.steps[-1].problems[0].startswith("refused: the gate of night 0 does not open")

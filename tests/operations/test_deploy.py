"""The procedure of a deploy, with an engine that notes what it is asked for: no Terraform, no cloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.deploy import Request, Site, Target, deploy, plan_hash
from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from operations.ledger.record import Record
from operations.local.lock import lock
from operations.terraform.declared import read
from operations.terraform.engine import OUTPUT, Planned
from operations.terraform.process import InterruptedOperationError
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.engine import Recorder, declare, recorded_site
from tests.given.ledger import DEPLOY, Repository, add
from tests.given.planned import attributes, resource
from tests.given.states import write_night
from tests.given.status import DENIED, scripted
from tests.given.twin import PARENT, a_job
from twin.twin import Twin

EVENING = in_phoenix("2026-10-20T21:00")
CREATES = [resource(name, "create") for name in ("purchase_orders", "inventory_bills", "returns")] + [
    resource("payroll_adjustments", "create", "phase-labor")
]
NOT_GATED = {"overrides": ["gate"], "reason": "no time passes in this test"}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(CREATES)


@pytest.fixture
def site(tmp_path: Path, repository: Repository, ledger: Ledger, recorder: Recorder) -> Site:
    add(ledger, "deploy", DEPLOY)
    return recorded_site(tmp_path, ledger, recorder, EVENING)


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.deploy._counts", lambda site, settings: ({"jobs": 900}, {"jobs": 2}))


def asked(recorder: Recorder) -> Callable[[Target], None]:
    return lambda target: recorder.calls.append("confirm")


def steps(recorder: Recorder) -> list[str]:
    """Without the note that nobody can be asked for neighbours, which is the first."""
    return recorder.calls[recorder.calls[0] == "NOTE" :]


def no(target: Target) -> None:
    raise OperationError("stopped")


def kinds(site: Site) -> list[tuple[str, Any]]:
    return [(r.kind, r.data.get("outcome") or r.data.get("check")) for r in site.ledger.records()[1:]]


def request(number: int = 1, **more: Any) -> Request:
    return Request(night(number), **{**NOT_GATED, **more})


def back_to(number: int, name: str, stack: str) -> Planned:
    """The update of an adopted job that undoes night 2."""
    after, before = (attributes(night(n).world()[name], night(n)) for n in (number, 2))
    return resource(name, "update", stack, before=before, after=after, recorded=before)


def test_the_stages_come_in_order_with_a_record_before_and_after(site: Site, recorder: Recorder) -> None:
    target = deploy(site, request(), asked(recorder))

    assert steps(recorder) == ["synthesize", "plan", "confirm", "apply"]
    assert target.plan.stacks == ["phase-financial", "phase-labor"]
    assert kinds(site) == [("override", "gate"), ("deploy", "started"), ("deploy", "done")]
    data = site.ledger.records()[-1].data
    begun = site.ledger.records()[-2].data
    assert begun == {**data, "outcome": "started", "ended_at": None}
    assert data["changes"] == len(CREATES)
    assert data["stacks"] == target.plan.stacks
    assert (data["rows"], data["doubled"]) == ({"jobs": 900}, {"jobs": 2})
    assert data["started_at"] == EVENING.isoformat()


def test_a_no_changes_nothing_and_records_no_override(site: Site, recorder: Recorder) -> None:
    with pytest.raises(OperationError, match="stopped"):
        deploy(site, request(), no)

    assert "apply" not in recorder.calls
    assert kinds(site) == []
    with pytest.raises(OperationError, match="night 0 has not been gated"):
        deploy(site, request(overrides=[], reason=None), asked(recorder))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OperationError("phase-labor: 403"), "failed"),
        (InterruptedOperationError("interrupted"), "interrupted"),
        (RuntimeError("a bug"), "failed"),
    ],
)
def test_a_deploy_that_does_not_end_is_recorded_so(
    error: Exception, outcome: str, site: Site, recorder: Recorder
) -> None:
    recorder.error = error
    with pytest.raises(type(error)):
        deploy(site, request(), asked(recorder))

    assert kinds(site)[-2:] == [("deploy", "started"), ("deploy", outcome)]
    assert site.ledger.records()[-1].data["error"] == str(error)


def test_without_a_record_nothing_is_applied(site: Site, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Ledger.append

    def full(self: Ledger, kind: str, **given: Any) -> Record:
        if kind == "deploy":
            raise OperationError("the ledger cannot be written")
        return append(self, kind, **given)

    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(OperationError, match="the ledger cannot be written") as error:
        deploy(site, request(), asked(recorder))

    assert error.value.code == 1
    assert steps(recorder) == ["synthesize", "plan", "confirm"]


@pytest.mark.parametrize("fails", [False, True])
def test_an_end_that_cannot_be_recorded_is_told_and_leaves_the_start(
    fails: bool, site: Site, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.error = OperationError("phase-labor: 403") if fails else None
    append = Ledger.append

    def full(self: Ledger, kind: str, *, data: Any, **given: Any) -> Record:
        if data.get("ended_at"):
            raise OperationError("the ledger cannot be written")
        return append(self, kind, data=data, **given)

    monkeypatch.setattr(Ledger, "append", full)
    told = "phase-labor: 403" if fails else "applied, but its end is not on record: .*run the same command again"
    with pytest.raises(OperationError, match=told):
        deploy(site, request(), asked(recorder))

    assert ("NOTE" in steps(recorder)[-1]) is fails
    assert kinds(site)[-1] == ("deploy", "started")


def test_the_first_line_of_an_error_is_recorded_whatever_it_is(site: Site, recorder: Recorder) -> None:
    recorder.error = OperationError("phase-core: caf\udce9\nphase-labor: 403")
    with pytest.raises(OperationError):
        deploy(site, request(), asked(recorder))

    assert site.ledger.records()[-1].data["error"] == "phase-core: caf?"


def test_a_killed_deploy_is_repeated_without_its_override(site: Site, recorder: Recorder) -> None:
    recorder.error = InterruptedOperationError("interrupted")
    with pytest.raises(InterruptedOperationError):
        deploy(site, request(), asked(recorder))
    recorder.error = None

    deploy(site, request(overrides=[], reason=None), asked(recorder))
    deploy(site, request(), asked(recorder))

    assert kinds(site)[-1] == ("deploy", "done")
    assert [one for one in kinds(site) if one[0] == "override"] == [("override", "gate")]


def test_a_record_says_where_it_was_deployed(site: Site, recorder: Recorder) -> None:
    deploy(site, request(), asked(recorder))

    wanted = {"project": SETTINGS.project, "region": SETTINGS.region, "dataset": SETTINGS.dataset}
    assert [record.target for record in site.ledger.records()[1:]] == [wanted] * 3


def test_force_needs_a_reason() -> None:
    with pytest.raises(OperationError, match="--force needs --reason TEXT"):
        request(force=True, overrides=[], reason=" ")


def test_force_is_recorded_with_the_runs_that_it_loses(site: Site, recorder: Recorder) -> None:
    recorder.planned = [
        back_to(1, name, stack) for name, stack in (("jobs", "phase-core"), ("invoices", "phase-financial"))
    ]
    add(site.ledger, "deploy", DEPLOY, night=2)
    at_night = replace(site, clock=lambda: in_phoenix("2026-10-21T02:40"))
    forced = request(1, overrides=[], reason="ran by hand", way_back=True, force=True)
    target = deploy(at_night, forced, asked(recorder))

    lost = [one.entity for one in target.plan.preview.warnings if one.kind == "lost run"]
    records = [record for record in site.ledger.records() if record.kind == "override"]
    assert lost == ["jobs", "invoices"]
    assert [(r.night, r.data["check"], r.data["entity"], r.data["reason"]) for r in records] == [
        (1, "lost-run", name, "ran by hand") for name in lost
    ]


def test_a_plan_with_other_values_has_another_hash() -> None:
    one = resource("jobs", "update", "phase-core", before={"uri": "b"}, after={"uri": "a"})

    assert plan_hash([one]) == plan_hash([replace(one)])
    assert plan_hash([one]) != plan_hash([replace(one, after={"uri": "b"})])


def test_what_somebody_did_by_hand_is_named_before_the_question(site: Site, recorder: Recorder) -> None:
    live = attributes(night(1).world()["invoices"], night(1), uri="https://other.example/x")
    after = attributes(night(1).world()["invoices"], night(1))
    recorder.planned = [*CREATES, resource("invoices", "update", before=live, after=after, recorded=after)]
    with pytest.raises(OperationError, match=r"invoices: uri is https://other.*\n.*--override plan --reason TEXT"):
        deploy(site, request(), asked(recorder))
    assert steps(recorder) == ["synthesize", "plan"]

    deploy(site, request(overrides=["gate", "plan"], reason="agreed"), asked(recorder))
    assert kinds(site) == [("override", "gate"), ("override", "plan"), ("deploy", "started"), ("deploy", "done")]


def test_a_job_that_no_night_has_leaves_the_state_and_stays_live(site: Site, recorder: Recorder) -> None:
    held = attributes(night(1).world()["returns"], night(1)) | {"name": "v2-sync-memberships-daily"}
    recorder.planned = [*CREATES, resource("memberships", "delete", before=held, recorded=held)]
    target = deploy(site, request(), asked(recorder))

    released = recorder.calls.index("release memberships")
    assert recorder.calls.index("confirm") < released < recorder.calls.index("apply")
    assert any("memberships: no night has it any more" in one.text for one in target.plan.preview.warnings)


def test_a_job_that_moves_to_another_group_is_moved_in_the_state(site: Site, recorder: Recorder) -> None:
    held = attributes(night(1).world()["returns"], night(1))
    recorder.planned = [
        resource("returns", "delete", "phase-labor", before=held, recorded=held),
        resource("returns", "create", after=held),
    ]
    deploy(site, request(), asked(recorder))

    assert [call for call in recorder.calls if "returns" in call] == [
        f"take {held['id']}",
        "release returns",
        "returns",
    ]


def test_a_job_that_is_edited_while_the_question_is_open_is_not_overwritten(site: Site, recorder: Recorder) -> None:
    live = {"v2-sync-invoices-daily": {"schedule": "15 2 * * *"}}
    before, after = (attributes(night(n).world()["invoices"], night(n)) for n in (1, 2))
    recorder.planned = [resource("invoices", "update", before=before, after=after, recorded=before)]
    add(site.ledger, "deploy", DEPLOY, night=1)

    def edited(target: Target) -> None:
        live["v2-sync-invoices-daily"] = {"schedule": "0 1 * * *"}

    site = replace(site, live=lambda settings: dict(live))
    with pytest.raises(OperationError, match="invoices changed while this deploy was planned and confirmed"):
        deploy(site, request(2), edited)
    assert "apply" not in recorder.calls


def test_done_is_what_the_live_jobs_show_whatever_the_engine_says(
    site: Site, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.deploy.PAUSE_SECONDS", 0)
    declare(site.root, night(1))
    live = {one.name: dict(one.fields) for one in read(site.root / OUTPUT)}
    assert "v2-sync-returns-daily" in live
    late = {name: fields for name, fields in live.items() if name != "v2-sync-returns-daily"}
    order = iter([late, late, late, live])
    deploy(replace(site, live=lambda settings: next(order)), request(), asked(recorder))
    assert kinds(site)[-1] == ("deploy", "done")

    edited = live | {"v2-sync-returns-daily": live["v2-sync-returns-daily"] | {"schedule": "0 1 * * *"}}
    with pytest.raises(OperationError, match="night 1 is not deployed: returns has another schedule"):
        deploy(replace(site, live=lambda settings: edited), request(overrides=[], reason=None), asked(recorder))
    assert kinds(site)[-1] == ("deploy", "failed")


def test_where_nothing_is_to_be_changed_nobody_is_asked_and_nothing_applied(site: Site, recorder: Recorder) -> None:
    recorder.planned = []
    deploy(site, request(), asked(recorder))

    assert steps(recorder) == ["synthesize", "plan"]
    assert kinds(site)[-1] == ("deploy", "done")


def test_lost_runs_are_refused_also_after_a_long_question(site: Site, recorder: Recorder) -> None:
    now = [EVENING]
    moving = replace(site, clock=lambda: now[0])

    def slept_over(target: Target) -> None:
        now[0] = in_phoenix("2026-10-21T02:40")

    recorder.planned = [back_to(1, "jobs", "phase-core")]
    add(site.ledger, "deploy", DEPLOY, night=2)
    back = request(1, overrides=[], reason=None, way_back=True)
    with pytest.raises(OperationError, match="a deploy now loses the runs"):
        deploy(moving, back, slept_over)

    assert "apply" not in recorder.calls


def test_nothing_else_deploys_meanwhile(site: Site, recorder: Recorder) -> None:
    with lock(site.root), pytest.raises(OperationError, match="another ingest-rollout is running"):
        deploy(site, request(), asked(recorder))

    assert recorder.calls == []


def test_a_place_knows_its_neighbours(site: Site, twin: Twin, client: CloudSchedulerClient) -> None:
    client.create_job(parent=PARENT, job=a_job("v2-sync-tags-daily", schedule="0 4 * * *", time_zone="America/Phoenix"))
    site = replace(site, environ={ENDPOINT_VARIABLE: f"{twin.address}/v1/", TOKEN_VARIABLE: "of-the-twin"})
    found = site.preview(night(2), site.neighbours(night(2)))

    assert [one.text for one in found.warnings if one.kind == "neighbour"] == [
        "v2-sync-tags-daily at 04:00 now runs while jobs loads; it used to run 45 min after the last one"
    ]
    assert [one for one in site.preview(night(2)).warnings if one.kind == "neighbour"] == []


def test_without_cloud_scheduler_a_note_says_that_neighbours_are_not_known(site: Site, recorder: Recorder) -> None:
    with scripted(DENIED) as (_, address):
        site = replace(site, environ={ENDPOINT_VARIABLE: f"{address}/v1/", TOKEN_VARIABLE: "of-the-twin"})
        assert site.neighbours(night(2)) == []

    assert any(call.startswith("NOTE") for call in recorder.calls)


def test_a_night_that_the_state_has_and_the_ledger_has_not_is_repeated_without_a_gate(
    site: Site, recorder: Recorder
) -> None:
    recorder.planned = []
    write_night(site.root, night(1).world(), lambda job: attributes(job, night(1)))
    plain: dict[str, Any] = {"overrides": [], "reason": None}

    deploy(site, request(1, **plain), asked(recorder))
    assert kinds(site)[-1] == ("deploy", "done")
    site.ledger.path.unlink()
    with pytest.raises(OperationError, match="night 1 has not been gated"):
        deploy(site, request(2, **plain), asked(recorder))

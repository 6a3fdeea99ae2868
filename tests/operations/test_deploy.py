"""The procedure of a deploy, with an engine that notes what it is asked for: no Terraform, no cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient

from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.deploy import Request, Site, Target, deploy, plan_hash
from operations.errors import OperationError
from operations.ledger.ledger import Ledger, Record
from operations.lock import lock
from operations.terraform.engine import Planned, Show, unseen
from operations.terraform.process import InterruptedOperationError
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.ledger import DEPLOY, Repository, add
from tests.given.status import DENIED, scripted
from tests.given.twin import PARENT, a_job
from twin.twin import Twin

EVENING = in_phoenix("2026-10-20T21:00")
CREATES = [
    Planned("phase-financial", f"google_cloud_scheduler_job.{name}", "create", [])
    for name in ("purchase_orders", "inventory_bills", "returns")
] + [Planned("phase-labor", "google_cloud_scheduler_job.payroll_adjustments", "create", [])]
NOT_GATED = {"overrides": ["gate"], "reason": "no time passes in this test"}


@dataclass
class Recorder:
    """An engine whose plan is given, and which fails with `error`."""

    planned: list[Planned]
    calls: list[str] = field(default_factory=list)
    error: Exception | None = None
    name: str = "a recorder"

    def plan(self, stacks: object) -> list[Planned]:
        self.calls.append("plan")
        return self.planned

    def apply(self, stacks: object, show: Show = unseen) -> None:
        self.calls.append("apply")
        if self.error:
            raise self.error


@dataclass(frozen=True)
class Changed(Planned):
    """A planned change with its values."""

    after: Mapping[str, object]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(CREATES)


@pytest.fixture
def site(tmp_path: Path, repository: Repository, ledger: Ledger, recorder: Recorder) -> Site:
    add(ledger, "deploy", DEPLOY)
    return Site(
        root=tmp_path,
        environ={"GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": "http://127.0.0.1:9/bigquery/v2/"},
        ledger=ledger,
        clock=lambda: EVENING,
        synthesize=lambda settings: recorder.calls.append("synthesize"),
        engine=lambda settings: recorder,
        show=lambda text: recorder.calls.append(text.partition(":")[0]),
        progress=lambda text: None,
        who="ana@example.com",
    )


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.deploy._row_counts", lambda site, settings: {"jobs": 900})


def asked(recorder: Recorder) -> Callable[[Target], None]:
    return lambda target: recorder.calls.append("confirm")


def no(target: Target) -> None:
    raise OperationError("stopped")


def kinds(site: Site) -> list[tuple[str, Any]]:
    return [(r.kind, r.data.get("outcome") or r.data.get("check")) for r in site.ledger.records()[1:]]


def request(number: int = 1, **more: Any) -> Request:
    # Counted from night 0: the state of an empty folder would be that of before the rollout.
    return Request(night(number), **{"from_": "0", **NOT_GATED, **more})


def test_the_stages_come_in_order_with_a_record_before_and_after(site: Site, recorder: Recorder) -> None:
    target = deploy(site, request(), asked(recorder))

    assert recorder.calls == ["synthesize", "plan", "confirm", "apply"]
    assert target.stacks == ["phase-financial", "phase-labor"]
    assert kinds(site) == [("override", "gate"), ("deploy", "started"), ("deploy", "done")]
    data = site.ledger.records()[-1].data
    begun = site.ledger.records()[-2].data
    assert begun == {**data, "outcome": "started", "ended_at": None}
    assert data["changes"] == len(CREATES)
    assert data["stacks"] == target.stacks
    assert data["rows"] == {"jobs": 900}
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
    assert recorder.calls == ["synthesize", "plan", "confirm"]


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

    assert ("NOTE" in "".join(recorder.calls)) is fails
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
    recorder.planned = []
    add(site.ledger, "deploy", DEPLOY, night=2)
    at_night = replace(site, clock=lambda: in_phoenix("2026-10-21T02:40"))
    forced = request(1, from_="2", overrides=[], reason="ran by hand", expects_preview=False, way_back=True, force=True)
    target = deploy(at_night, forced, asked(recorder))

    lost = [one.entity for one in target.preview.warnings if one.kind == "lost run"]
    records = [record for record in site.ledger.records() if record.kind == "override"]
    assert lost == ["jobs", "appointments", "invoices", "estimates", "payments"]
    assert [(r.night, r.data["check"], r.data["entity"], r.data["reason"]) for r in records] == [
        (1, "lost-run", name, "ran by hand") for name in lost
    ]


def test_a_plan_with_other_values_has_another_hash() -> None:
    one = Changed("phase-core", "google_cloud_scheduler_job.jobs", "update", ["http_target"], {"uri": "a"})

    assert plan_hash([one]) == plan_hash([replace(one)])
    assert plan_hash([one]) != plan_hash([replace(one, after={"uri": "b"})])


def test_a_plan_that_is_not_the_preview_is_refused_before_the_question(site: Site, recorder: Recorder) -> None:
    recorder.planned = [*CREATES, Planned("phase-financial", "google_cloud_scheduler_job.invoices", "delete", [])]
    with pytest.raises(OperationError, match=r"invoices: the preview shows no change, the plan delete.*\n.*--override"):
        deploy(site, request(), asked(recorder))
    assert recorder.calls == ["synthesize", "plan"]

    deploy(site, request(overrides=["gate", "plan"], reason="agreed"), asked(recorder))
    assert kinds(site) == [("override", "gate"), ("override", "plan"), ("deploy", "started"), ("deploy", "done")]


def test_the_way_back_is_not_stopped_by_what_somebody_changed(site: Site, recorder: Recorder) -> None:
    recorder.planned = [*CREATES, Planned("phase-financial", "google_cloud_scheduler_job.invoices", "update", ["uri"])]
    deploy(site, request(expects_preview=False), asked(recorder))

    assert recorder.calls[-1] == "apply"


@pytest.mark.parametrize("action", ["delete", "replace"])
@pytest.mark.parametrize("path", ["first", "repeat", "back"])
def test_nothing_is_deleted_that_the_preview_does_not_remove(
    action: str, path: str, site: Site, recorder: Recorder
) -> None:
    gone = Planned("phase-financial", "google_cloud_scheduler_job.estimates", action, [])
    recorder.planned = [*CREATES, gone] if path == "first" else [gone]
    asked_for = {
        "first": request(),
        "repeat": request(1, from_="1"),
        "back": request(1, from_="1", expects_preview=False),
    }[path]
    with pytest.raises(OperationError, match=f"estimates: .*{action}"):
        deploy(site, asked_for, asked(recorder))

    assert "apply" not in recorder.calls


def test_going_back_removes_what_the_preview_removes(site: Site, recorder: Recorder) -> None:
    add(site.ledger, "deploy", DEPLOY, night=1)
    recorder.planned = [replace(one, action="delete") for one in CREATES]
    back = request(0, from_="1", overrides=[], reason=None, expects_preview=False, way_back=True)
    deploy(site, back, asked(recorder))

    assert recorder.calls[-1] == "apply"


def test_lost_runs_are_refused_also_after_a_long_question(site: Site, recorder: Recorder) -> None:
    now = [EVENING]
    moving = replace(site, clock=lambda: now[0])

    def slept_over(target: Target) -> None:
        now[0] = in_phoenix("2026-10-21T02:40")

    recorder.planned = []
    add(site.ledger, "deploy", DEPLOY, night=2)
    back = request(1, from_="2", overrides=[], reason=None, expects_preview=False, way_back=True)
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
    found = site.preview(night(2), "1", site.neighbours(night(2)))

    assert [one.text for one in found.warnings if one.kind == "neighbour"] == [
        "v2-sync-tags-daily at 04:00 now runs while jobs loads; it used to run 45 min after the last one"
    ]
    assert [one for one in site.preview(night(2), "1").warnings if one.kind == "neighbour"] == []


def test_without_cloud_scheduler_a_note_says_that_neighbours_are_not_known(site: Site, recorder: Recorder) -> None:
    with scripted(DENIED) as (_, address):
        site = replace(site, environ={ENDPOINT_VARIABLE: f"{address}/v1/", TOKEN_VARIABLE: "of-the-twin"})
        assert site.neighbours(night(2)) == []

    assert any(call.startswith("NOTE") for call in recorder.calls)

"""The tutorial shows what the commands print, on the twin and at the times that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from ingest.schedule import time_zone
from ingest.settings import load
from operations.cloud.permissions import ACCOUNTS_VARIABLE, PROJECTS_VARIABLE
from operations.preflight import PERMISSIONS
from tests.checkout import ROOT, Checkout
from tests.docs.transcript import missing, transcript, typed
from tests.given.deployed import for_deploys
from twin.iam import Iam
from twin.server import serve
from twin.twin import running

Type = Callable[[str, datetime], str]

SETTINGS = load(ROOT, {"INGEST_NIGHT": "0"})
PAGE = ROOT / "docs" / "tutorial.md"
NIGHT_0 = datetime(2026, 10, 19, 21, tzinfo=time_zone(SETTINGS.time_zone))
GATE_0 = datetime(2026, 10, 20, 8, tzinfo=time_zone(SETTINGS.time_zone))
SHOWN = transcript(PAGE, SETTINGS.time_zone)


@contextmanager
def after_night_0(folder: Path, factory: pytest.TempPathFactory) -> Iterator[Type]:
    """Types commands in a checkout whose cloud is the twin; night 0 is deployed and has passed its gate."""
    iam = Iam(SETTINGS.project, set(PERMISSIONS))
    with running(SETTINGS, NIGHT_0) as twin, serve(twin.ingestor) as service, serve(iam) as permissions:
        checkout = for_deploys(folder, {}, factory)
        environ = {
            **twin.endpoints,
            "GOOGLE_OAUTH_ACCESS_TOKEN": "for the local endpoint",
            PROJECTS_VARIABLE: f"{permissions}/v1/",
            ACCOUNTS_VARIABLE: f"{permissions}/v1/",
            "SERVICE": service,
        }

        def type_(command: str, at: datetime) -> str:
            if at > twin.clock.now:
                twin.advance(at)
            return typed(checkout, command, at, environ)

        assert "Night 0 is deployed" in type_("ingest-rollout deploy --night 0", NIGHT_0)
        assert "The gate of night 0 (phased): pass" in type_("ingest-rollout gate --night 0", GATE_0)
        yield type_


def test_what_needs_no_cloud_prints_what_the_tutorial_shows(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    found = [shown for shown in SHOWN if shown.command.startswith("ingest-rollout plan")]

    assert found
    for shown in found:
        assert not missing(shown, typed(checkout, shown.command, shown.at, {}))


@pytest.mark.terraform
def test_an_evening_prints_what_the_tutorial_shows(
    provider: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert [shown.command.split()[1] for shown in SHOWN] == ["preflight", "plan", "diff", "deploy", "status", "gate"]
    with after_night_0(tmp_path, tmp_path_factory) as type_:
        for shown in SHOWN:
            printed = type_(shown.command, shown.at)
            lacking = missing(shown, printed)
            assert not lacking, f"`{shown.command}` does not print\n{lacking}\nbut\n{printed}"


def test_a_page_that_shows_something_else_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- at 2026-10-20T21:00 -->\n```console\n$ one\na\n...\nc\n$ two\n...\nb\n...\n```\n")
    one, two = transcript(page, "America/Phoenix")

    assert (one.at.isoformat(), one.chunks, two.chunks) == ("2026-10-20T21:00:00-07:00", ["a", "c"], ["b"])
    assert [missing(one, "a\nb\nc\n"), missing(two, "a\nb\nc\n")] == ["", ""]
    assert missing(one, "a\nb\n")
    assert missing(one, "a\nc\nd\n"), "something follows that the page does not show"
    assert missing(one, "c\na\n"), "the order is another"

"""The picture shows each job of each night; docs/timeline.svg is the committed strategy's."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import STRATEGIES, state_at
from ingest.settings import Settings, load
from operations.timeline.overview import timeline_svg
from tests.checkout import ROOT
from tests.given.domain import SETTINGS, night

SVG = "{http://www.w3.org/2000/svg}"


def parse(settings: Settings) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_svg(settings))  # noqa: S314


def row(picture: ElementTree.Element, entity: str) -> list[str]:
    """The texts in the row of an entity: its title, then a time for each night on which the job exists."""
    found = picture.find(f"{SVG}g[@data-entity='{entity}']")
    assert found is not None, f"{entity} has no row"
    return [(text.text or "").removeprefix("→ ") for text in found.iter(f"{SVG}text")]


@pytest.mark.parametrize("adopt_existing", [True, False])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_job_stands_in_its_row_with_its_time_on_each_night(strategy: str, adopt_existing: bool) -> None:
    settings = night(0, strategy, adopt_existing=adopt_existing)
    picture = parse(settings)
    worlds = [state_at(settings.rollout, number) for number in settings.rollout.numbers]
    for entity in CATALOGUE:
        times = [world[entity.name].cadence.clock for world in worlds if entity.name in world]
        assert row(picture, entity.name) == [entity.title, *times]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_night_identity_shows_which_jobs_send_a_token(strategy: str) -> None:
    settings = replace(night(0, strategy), invoker_service_account="a@kpi-auto-471020.iam.gserviceaccount.com")
    picture = parse(settings)
    for entity in CATALOGUE:
        assert row(picture, entity.name)[-1] == f"{entity.target.clock} +token"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_names_the_nights_the_groups_and_the_time_zone(strategy: str) -> None:
    settings = night(0, strategy)
    shown = " ".join(text.strip() for text in parse(settings).itertext())
    for one in settings.rollout.nights:
        assert f"Night {one.number} {one.title}" in " ".join(shown.split())
    for group in GROUPS:
        assert group.name in shown
    assert settings.time_zone in shown


def test_an_adopted_job_is_hollow_a_moved_one_has_an_arrow_and_a_new_one_is_filled() -> None:
    picture = parse(SETTINGS)
    jobs, locations = (picture.find(f"{SVG}g[@data-entity='{name}']") for name in ("jobs", "locations"))
    assert jobs is not None
    assert locations is not None
    assert [rect.get("class") for rect in jobs.findall(f"{SVG}rect")] == ["hollow-0", "tint-0"]
    assert jobs.find(f"{SVG}polyline") is not None
    assert [rect.get("class") for rect in locations.findall(f"{SVG}rect")] == ["solid-0"]
    assert locations.find(f"{SVG}polyline") is None


def test_it_is_described_for_readers_who_do_not_see_it() -> None:
    picture = parse(SETTINGS)
    assert picture.findtext(f"{SVG}title") == "The phased rollout: when each job runs after each night"
    description = picture.findtext(f"{SVG}desc") or ""
    assert "Night 2, shift: jobs moved to 04:00" in description
    assert "business units new at Sun 06:00" in description


def test_text_is_escaped() -> None:
    zone = 'A<B & "C"'
    assert any(zone in text for text in parse(replace(SETTINGS, time_zone=zone)).itertext())


def test_the_picture_in_docs_is_the_committed_strategys() -> None:
    stored = (ROOT / "docs" / "timeline.svg").read_text(encoding="utf-8")
    assert stored == timeline_svg(load(ROOT, {})), "run `make inventories`"

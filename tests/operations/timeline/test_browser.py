"""The pages in a real headless browser: on a phone, in the dark, on paper, for those who hear them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.catalogue import CATALOGUE
from operations.timeline.measured import read
from operations.timeline.page import timeline_page
from operations.timeline.schedule import schedule
from tests.checkout import Checkout
from tests.given.browser import Visit, Visited
from tests.given.domain import AT, WITH_INVOKER, in_phoenix
from tests.given.synth import once
from tests.given.timeline import MEASURED, phoenix

PHONE, NARROWEST, TABLET, DESKTOP = 390, 320, 768, 1280
SMALLEST = 11
"""CSS px that text has at least on a phone."""
CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, level AA."""

# Every element with text of its own that is seen: the text, its height in CSS px as rendered, its colour, and the
# grounds beneath its middle from the top down, each with its share.
LOOK = """
() => {
  const seen = [];
  const colour = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility()) continue;
    const own = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
    if (!own.length || ["STYLE", "title", "desc"].includes(element.tagName) || element.closest(".hidden, .spoken")
        && getComputedStyle(element.closest(".hidden, .spoken")).clipPath !== "none") continue;
    const range = document.createRange();
    range.selectNodeContents(own[0]);
    const box = range.getBoundingClientRect();
    const x = box.x + box.width / 2;
    // Beyond the edge lies what a region of its own scrolls into sight.
    if (!box.width || !box.height || (x > innerWidth && element.closest(".scroll"))) continue;
    const style = getComputedStyle(element);
    const svg = element.ownerSVGElement;
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const grounds = [];
    for (const under of document.elementsFromPoint(x, box.y + box.height / 2)) {
      const look = getComputedStyle(under);
      if (under instanceof SVGGeometryElement) {
        // A line's fill is never drawn.
        const drawn = look.fill !== "none" && !(under instanceof SVGLineElement);
        if (drawn) grounds.push([colour(look.fill), Number(look.fillOpacity)]);
      } else if (under instanceof HTMLElement) {
        const [r, g, b, a = 1] = colour(look.backgroundColor).map(
          (v, i) => look.backgroundColor.startsWith("color(") && i < 3 ? v * 255 : v);
        if (a) grounds.push([[r, g, b], a]);
      }
    }
    seen.push({text: own[0].data.trim(), size: parseFloat(style.fontSize) * scale,
               ink: colour(svg ? style.fill : style.color), grounds,
               left: box.left, right: box.right});
  }
  return seen;
}
"""


def luminance(colour: list[float]) -> float:
    """WCAG's relative luminance of red, green and blue from 0 to 255."""
    linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: list[float], grounds: list[tuple[list[float], float]]) -> float:
    """Of ink to the grounds laid over each other, the last of which is opaque."""
    assert grounds[-1][1] == 1
    ground = [0.0, 0.0, 0.0]
    for colour, share in reversed(grounds):
        ground = [old * (1 - share) + new * share for old, new in zip(ground, colour, strict=True)]
    darker, lighter = sorted((luminance(ink), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(scope="session")
def timeline_html() -> str:
    return timeline_page(phoenix(measured=MEASURED))


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a rehearsal wrote report.html, and told.json is what it printed."""

    def play(folder: Path) -> None:
        options = ("--engine", "built-in", "--fault", "fails:returns", "--report", "report.html", "--json")
        done = Checkout(folder).rollout("rehearse", *options)
        assert done.returncode == 0, done.stderr
        (folder / "told.json").write_text(done.stdout, encoding="utf-8")

    return once(tmp_path_factory, "rehearsed with a fault", play)


@pytest.fixture(scope="session")
def report_html(rehearsed: Path) -> str:
    return (rehearsed / "report.html").read_text(encoding="utf-8")


@pytest.fixture(params=["timeline", "report"])
def html(request: pytest.FixtureRequest) -> str:
    text: str = request.getfixturevalue(f"{request.param}_html")
    return text


def assert_fits(visited: Visited, width: int) -> None:
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_asks_for_nothing_says_nothing_and_fits_each_screen(html: str, visit: Visit) -> None:
    visited = visit(html)
    for width in (NARROWEST, PHONE, TABLET, 959, 960, DESKTOP):
        visited.page.set_viewport_size({"width": width, "height": 12_000})
        assert_fits(visited, width)
    assert [url for url in visited.requests if not url.endswith("/page.html")] == []
    assert visited.complaints == []


@pytest.mark.parametrize("width", [NARROWEST, PHONE])
def test_more_nights_than_a_phone_is_wide_scroll_in_their_own_place(width: int, visit: Visit) -> None:
    assert_fits(visit(timeline_page(schedule(WITH_INVOKER, in_phoenix("2026-10-20T21:00"))), width=width), width)


def test_text_on_a_phone_is_large_enough(html: str, visit: Visit) -> None:
    seen = visit(html, width=PHONE).page.evaluate(LOOK)
    small = {(one["text"], one["size"]) for one in seen if one["size"] < SMALLEST}
    assert len(seen) > 150
    assert not small


def test_the_timeline_on_a_phone_is_seen_whole(timeline_html: str, visit: Visit) -> None:
    seen = visit(timeline_html, width=PHONE).page.evaluate(LOOK)
    assert not [one for one in seen if one["left"] < 0 or one["right"] > PHONE]
    texts = [one["text"] for one in seen]
    for entity in CATALOGUE:
        assert texts.count(entity.title) == 3, "in both pictures and in the table"


def test_the_gates_of_a_rehearsal_are_seen_on_a_phone(report_html: str, visit: Visit) -> None:
    cells = visit(report_html, width=PHONE).page.locator("td.open, td.blocked", has_text=re.compile("^(open|blocked)$"))
    boxes = [cells.nth(number).bounding_box() for number in range(cells.count())]

    assert len(boxes) == 6
    assert all(box and box["x"] + box["width"] <= PHONE for box in boxes)


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(html: str, dark: bool, width: int, visit: Visit) -> None:
    seen = visit(html, width=width, dark=dark).page.evaluate(LOOK)
    faint = {
        (one["text"], round(found, 2)) for one in seen if (found := contrast(one["ink"][:3], one["grounds"])) < CONTRAST
    }
    assert len(seen) > 100
    assert not faint


def test_dark_is_dark(timeline_html: str, visit: Visit) -> None:
    grounds = [
        visit(timeline_html, dark=dark).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for dark in (False, True)
    ]
    assert grounds == ["rgb(255, 255, 255)", "rgb(15, 20, 26)"]


@pytest.mark.parametrize(("width", "pictures"), [(PHONE, 1), (DESKTOP, 2)])
def test_pictures_and_tables_have_names_for_those_who_hear_them(
    timeline_html: str, width: int, pictures: int, visit: Visit
) -> None:
    visited = visit(timeline_html, width=width)
    heard = visited.page.locator("body").aria_snapshot()
    named = re.findall(r"\bimg \"([^\"]+)\"", heard)
    assert len(named) == visited.page.get_by_role("img").count() == pictures
    assert visited.page.locator("svg:not([role=img])").count() == 0
    assert named[-1].startswith("The schedule before the rollout and after night 3, reference Times in")
    assert f"returns new at {AT['returns']}, measured 5 s (failed) and 20 min" in named[-1]
    assert re.findall(r"- table \"([^\"]+)\"", heard) == [
        "Each job's time in America/Phoenix, night by night",
        "Each job's time in America/Phoenix and in UTC (UTC−07:00 all year)",
    ]
    assert '- heading "The phased rollout of the ingest schedules" [level=1]' in heard
    for entity in CATALOGUE:
        assert heard.count(f'- rowheader "{entity.title}"') == 2
    assert f"{AT['locations']} new job" in heard


def test_ids_are_used_once(html: str, visit: Visit) -> None:
    ids = visit(html).page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_paper_it_is_white_with_everything_on_it(timeline_html: str, dark: bool, visit: Visit) -> None:
    # An A4 page's width without its margins.
    visited = visit(timeline_html, width=718, dark=dark)
    visited.page.emulate_media(media="print")
    seen = visited.page.evaluate(LOOK)
    assert visited.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not [one for one in seen if one["left"] < 0 or one["right"] > 718]
    assert min(contrast(one["ink"][:3], one["grounds"]) for one in seen) >= CONTRAST
    texts = [one["text"] for one in seen]
    for entity in CATALOGUE:
        assert texts.count(entity.title) == 3, "in both pictures and in the table"


def test_it_prints_to_three_pages_each_picture_whole(timeline_html: str, visit: Visit) -> None:
    page = visit(timeline_html).page
    page.emulate_media(media="print")
    breaks = "sections => sections.map((one) => getComputedStyle(one)).map((s) => [s.breakBefore, s.breakInside])"
    assert page.locator("section").evaluate_all(breaks) == [["auto", "avoid"], ["page", "avoid"], ["page", "auto"]]
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 3


def test_the_report_draws_the_attempts_of_its_last_night(report_html: str, visit: Visit) -> None:
    page = visit(report_html).page
    drawn = page.locator("figure.wide svg[aria-labelledby^='schedule'] [data-entity]")
    assert drawn.count() == len(CATALOGUE)
    assert page.locator("figure.wide [data-entity] rect.run.measured").count() == len(CATALOGUE)
    assert "took 1 min 15 s" in page.locator("table.times").inner_text().replace("\u00a0", " ")


def test_what_the_rehearsal_prints_can_be_drawn(rehearsed: Path, visit: Visit) -> None:
    runs = read(rehearsed / "told.json")
    assert {one.entity for one in runs} == {entity.name for entity in CATALOGUE}
    page = visit(timeline_page(phoenix(measured=runs))).page
    assert page.locator("figure.wide [data-entity] rect.run.measured").count() == len(CATALOGUE)

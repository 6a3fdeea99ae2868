"""The pictures and all times as an HTML page: one file, without a script and without anything from elsewhere."""

from __future__ import annotations

from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ingest.catalogue import GROUPS
from operations.timeline import evidence, palette
from operations.timeline.chart import NARROW, WIDE, chart, title
from operations.timeline.overview import after_label, legend, members, overview, state, steps, wave_label
from operations.timeline.schedule import Schedule, lasts


def environment(*loaders: BaseLoader) -> Environment:
    """Templates that may include this package's `style.css.jinja` and `parts.html.jinja`."""
    return Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("operations.timeline")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def timeline_page(schedule: Schedule, outlook: evidence.Evidence | None = None) -> str:
    """The page of a schedule and its rollout, readable on a phone, in the dark and on paper.

    `outlook` is drawn below it: what the night's shift is worth, and the headroom of its jobs.
    """
    drawn = {name: getattr(evidence, name) for name in ("bars", "is_tight", "minutes", "money", "share")}
    timeline = parts(schedule) | drawn | {"evidence": outlook}
    return environment().get_template("page.html.jinja").render(timeline=timeline)


def parts(schedule: Schedule) -> dict[str, Any]:
    """What `style.css.jinja` and `parts.html.jinja` take as `timeline`."""
    nights = steps(schedule.settings)
    return {
        "schedule": schedule,
        "settings": schedule.settings,
        "title": title(schedule),
        "overview": overview(schedule.settings, headed=False).inline(),
        "wide": chart(schedule, WIDE, headed=False).inline(),
        "narrow": chart(schedule, NARROW).inline(),
        "style": palette.SHAPES + palette.COLOURS,
        "light": palette.properties(palette.LIGHT),
        "dark": palette.properties(palette.DARK),
        "steps": nights,
        "groups": [(palette.colour_class(n), group, rows) for n, group, rows in schedule.groups()],
        "members": [(palette.colour_class(n), group, list(members(group))) for n, group in enumerate(GROUPS)],
        "state": state,
        "legend": legend(nights),
        "lasts": lasts,
        "wave_label": wave_label,
        "after_label": after_label,
        "colours": [palette.colour_class(number) for number in range(len(GROUPS))],
    }

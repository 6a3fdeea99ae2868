"""The pictures' colours, light and dark, and the rules that give them to the classes of a drawing."""

from __future__ import annotations

import re
from collections.abc import Mapping

LIGHT = {
    "canvas": "#ffffff",
    "ink": "#1f2328",
    "note": "#59636e",
    "line": "#d1d9e0",
    "faint": "#eff2f5",
    "on": "#ffffff",
    "good": "#0b6b47",
    "bad": "#b3261e",
    "group-0": "#1f5fbf",
    "group-1": "#0b7350",
    "group-2": "#a34a17",
    "group-3": "#7a3fb5",
    "group-neutral": "#424a53",
}
DARK = {
    "canvas": "#0f141a",
    "ink": "#e6edf3",
    "note": "#a3adb8",
    "line": "#3a424c",
    "faint": "#1f262e",
    "on": "#0f141a",
    "good": "#4cc38a",
    "bad": "#ff8a80",
    "group-0": "#82b4ff",
    "group-1": "#55c995",
    "group-2": "#f2a373",
    "group-3": "#c9a2ff",
    "group-neutral": "#b8c1cb",
}
"""Of the same names as LIGHT: `on` is text on a group's colour. Text has a contrast of 4.5 or more in both."""

NEUTRAL = "neutral"
"""Stands for a group where the legend means any of them."""

_GROUPS = [name.removeprefix("group-") for name in LIGHT if name.startswith("group-")]

SHAPES = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
.title { font-size: 21px; font-weight: 600 }
.head { font-size: 14px; font-weight: 600 }
.name { font-size: 14px }
.note { font-size: 12px }
.time { font-size: 13px; font-variant-numeric: tabular-nums }
.strong { font-weight: 600 }
.plain { font-weight: 400 }
.middle { text-anchor: middle }
.end { text-anchor: end }
.rule, .grid { stroke-width: 1 }
.move { fill: none; stroke-opacity: 0.55; stroke-width: 1.5 }
"""
"""Rules without a colour."""

COLOURS = """
text { fill: var(--ink) }
text.note, tspan.note { fill: var(--note) }
text.on { fill: var(--on) }
.card { fill: var(--canvas); stroke: var(--line) }
.rule { stroke: var(--line) }
.grid { stroke: var(--faint) }
.measured { fill: var(--ink) }
.failed { fill: var(--bad) }
text.failed { fill: var(--bad) }
""" + "".join(
    f"""text.ink-{group} {{ fill: var(--group-{group}) }}
.solid-{group} {{ fill: var(--group-{group}) }}
.tint-{group} {{ fill: var(--group-{group}); fill-opacity: 0.13 }}
.halo-{group} {{ fill: var(--group-{group}); fill-opacity: 0.25 }}
.hollow-{group} {{ fill: var(--canvas); stroke: var(--group-{group}); stroke-width: 1.5 }}
.move-{group} {{ stroke: var(--group-{group}) }}
"""
    for group in _GROUPS
)
"""Rules with the names of colours, as custom properties that the page around a drawing sets."""


def colour_class(number: int) -> str:
    """What stands for group `number` (its place among the groups) in a class; over again where there are more."""
    return str(number % (len(_GROUPS) - 1))


def properties(palette: Mapping[str, str]) -> str:
    """The palette as CSS custom properties."""
    return " ".join(f"--{name}: {value};" for name, value in palette.items())


def stand_alone_style() -> str:
    """The rules of a drawing that has no page around it: light, dark where the reader's screen is.

    Without custom properties, which SVG programs other than browsers do not know.
    """
    dark = _resolved(DARK).replace("\n", "\n  ")
    return f"{SHAPES}{_resolved(LIGHT)}@media screen and (prefers-color-scheme: dark) {{{dark.rstrip(' ')}}}\n"


def _resolved(palette: Mapping[str, str]) -> str:
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda match: palette[match[1]], COLOURS)

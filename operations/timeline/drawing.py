"""An SVG in the making: shapes and texts at lengths in px, described for readers who do not see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from operations.timeline.palette import stand_alone_style

NAMESPACE = "http://www.w3.org/2000/svg"


class Drawing:
    """Its colours come from classes (palette.py). `name` keeps its ids apart from those of other drawings on a page."""

    def __init__(self, name: str, width: float, height: float, title: str, description: str) -> None:
        self.width, self.height = width, height
        self._svg = Element(
            "svg",
            {
                "viewBox": f"0 0 {width:g} {height:g}",
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-desc",
            },
        )
        SubElement(self._svg, "title", id=f"{name}-title").text = title
        SubElement(self._svg, "desc", id=f"{name}-desc").text = description
        self._into = self._svg

    def inline(self) -> str:
        """For a page that has the rules of palette.py, as wide as its place there."""
        return tostring(self._svg, encoding="unicode")

    def stand_alone(self) -> str:
        """A file of its own."""
        return stacked([self])

    @contextmanager
    def group(self, **data: str) -> Iterator[None]:
        """What is drawn inside belongs together; `data` are data- attributes."""
        outer = self._into
        self._into = SubElement(outer, "g", {f"data-{name}": value for name, value in data.items()})
        yield
        self._into = outer

    def card(self) -> None:
        """A ground with a border, over the whole drawing."""
        self.rect(0.5, 0.5, self.width - 1, self.height - 1, "card", rx=10)

    def text(self, x: float, y: float, text: str, classes: str, *, after: str = "") -> None:
        """`y` is the baseline; `after` follows as a note on the same line."""
        element = SubElement(self._into, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": classes})
        element.text = text
        if after:
            SubElement(element, "tspan", {"class": "note plain", "dx": "7"}).text = after

    def rect(self, x: float, y: float, width: float, height: float, classes: str, *, rx: float = 0) -> None:
        self._draw("rect", classes, x=x, y=y, width=width, height=height, **({"rx": rx} if rx else {}))

    def circle(self, x: float, y: float, r: float, classes: str) -> None:
        self._draw("circle", classes, cx=x, cy=y, r=r)

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str) -> None:
        self._draw("line", classes, x1=x1, y1=y1, x2=x2, y2=y2)

    def arrow(self, x1: float, x2: float, y: float, colour: str) -> None:
        """A level arrow from x1 to x2."""
        back = -6 if x2 > x1 else 6
        self.line(x1, y, x2, y, f"move move-{colour}")
        points = f"{x2 + back:.1f},{y - 4:.1f} {x2:.1f},{y:.1f} {x2 + back:.1f},{y + 4:.1f}"
        SubElement(self._into, "polyline", {"class": f"move move-{colour}", "points": points})

    def _draw(self, tag: str, classes: str, **lengths: float) -> None:
        SubElement(self._into, tag, {"class": classes} | {name: f"{value:.1f}" for name, value in lengths.items()})


@dataclass(frozen=True)
class Scale:
    """Minutes from `opens` to `closes`, laid out from `left` to `right`."""

    opens: int
    closes: int
    left: float
    right: float

    def x(self, minute: float) -> float:
        return self.left + (self.right - self.left) * (minute - self.opens) / (self.closes - self.opens)


def clock(minute: int) -> str:
    """Minutes from midnight as "04:30"."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


GAP = 16


def stacked(drawings: list[Drawing]) -> str:
    """The drawings below each other as one SVG file; a single one keeps its title as the file's."""
    width = max(drawing.width for drawing in drawings)
    height = sum(drawing.height for drawing in drawings) + GAP * (len(drawings) - 1)
    root = Element("svg", {"viewBox": f"0 0 {width:g} {height:g}"})
    if len(drawings) == 1:
        root.attrib = dict(drawings[0]._svg.attrib)
        root.extend(drawings[0]._svg)
    else:
        top = 0.0
        for drawing in drawings:
            place = {"y": f"{top:g}", "width": f"{drawing.width:g}", "height": f"{drawing.height:g}"}
            part = SubElement(root, "svg", drawing._svg.attrib | place)
            part.extend(drawing._svg)
            top += drawing.height + GAP
    root.attrib = {"xmlns": NAMESPACE, "width": f"{width:g}", "height": f"{height:g}", **root.attrib}
    style = Element("style")
    style.text = stand_alone_style()
    root.insert(2 if len(drawings) == 1 else 0, style)
    indent(root)
    return tostring(root, encoding="unicode") + "\n"

"""The pens of the book's diagrams: boxes, operations, arrows and letters.

A `Sketch` collects shapes, each a matplotlib `Path` with a role and a colour,
so that one list gives two twins: SVG, whose colours follow the page's theme,
and a PNG for paper. Coordinates are CSS pixels, y grows downwards. Letters
are outlines of STIX, the face of the book's formulas: they look and measure
the same on every machine.
"""

import base64
import functools
import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from matplotlib import font_manager, textpath
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from PIL import Image

from utils.figures.style import COLORS

# Checked annotations take no whole number for a float.
Pixels = float | int
Point = tuple[Pixels, Pixels]
Align = Literal["left", "center", "right"]

LETTERS, SMALL, WORDS = 18.0, 15.0, 14.0
CORNER, BOX_CORNER = 9.0, 6.0
RADIUS = 12.0
HEAD_LENGTH, HEAD_WIDTH = 9.0, 7.0
LINE, FRAME, GAP = 1.7, 1.5, 6.0
TINT, SURFACE, FADED = 0.25, 0.05, 0.22

_HUES = ("blue", "vermilion", "green", "purple", "orange")
_PALETTE = {"ink": "#1E262B", "muted": "#55626A"}
_PALETTE |= {hue: COLORS[hue] for hue in _HUES}
_MATH = font_manager.FontProperties(math_fontfamily="stix")

# The ink and the ground of whichever page shows the drawing: the book's
# theme, JupyterLab, Colab, or none of them. On paper, dark ink on white.
_ON_SCREEN = """--ink: var(--unrolled-ink, var(--jp-content-font-color1,
    var(--colab-primary-text-color, currentColor)));
  --paper: var(--unrolled-paper, var(--jp-layout-color0,
    var(--colab-primary-surface-color, transparent)));
  --muted: var(--unrolled-muted,
    color-mix(in srgb, var(--ink) 75%, transparent));
""" + "\n".join(
    f"  --{hue}: var(--unrolled-{hue},\n"
    f"    color-mix(in srgb, {COLORS[hue]} 75%, var(--ink)));"
    for hue in _HUES
)
_ON_PAPER = " ".join(f"--{name}: {hue};" for name, hue in _PALETTE.items())
_COLOR_CLASSES = "\n".join(
    f".unrolled-drawing .{name} {{ --color: var(--{name}); --tint: {hue}; }}"
    for name, hue in _PALETTE.items()
)
STYLE = f"""
.unrolled-drawing {{
  {_ON_SCREEN}
  display: block; height: auto; max-width: 100%; margin: 1rem auto;
}}
@media print {{
  .unrolled-drawing {{ {_ON_PAPER} --paper: #fff; background: #fff; }}
}}
{_COLOR_CLASSES}
.unrolled-drawing .line {{ fill: none; stroke: var(--color);
  stroke-width: {LINE}; stroke-linecap: round; stroke-linejoin: round; }}
.unrolled-drawing .solid {{ fill: var(--color); stroke: none; }}
.unrolled-drawing .box {{ stroke: var(--color); stroke-width: {FRAME};
  fill: color-mix(in srgb, var(--tint) {TINT:.0%}, var(--paper)); }}
.unrolled-drawing .open {{ stroke: var(--color); stroke-width: {FRAME};
  fill: var(--paper); }}
.unrolled-drawing .paper {{ fill: var(--paper); stroke: none; }}
.unrolled-drawing .panel {{ stroke: none;
  fill: color-mix(in srgb, var(--ink) {SURFACE:.0%}, var(--paper)); }}
.unrolled-drawing text {{ fill: var(--color); font-family: inherit;
  font-size: {WORDS}px; }}
.unrolled-drawing .faded {{ opacity: {FADED}; }}
"""


@dataclass(frozen=True)
class Drawing:
    """A diagram that Jupyter shows as SVG, with a picture for paper beside it.

    Raises:
        ValueError: `alt` is blank, so that some readers could not know of it.
    """

    title: str
    alt: str
    svg: str = field(repr=False)
    png: bytes = field(repr=False)
    size: tuple[int, int] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a drawing without words."""
        if not self.alt.strip():
            raise ValueError(
                f"the drawing {self.title!r} has no alt text; say in `alt` "
                "what a reader who cannot see it has to know"
            )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        """Offer pages the SVG and everything else the picture, in its size."""
        width, height = self.size
        data = {
            "text/plain": f"<Drawing: {self.title}>",
            "text/html": f"<style>{STYLE}</style>\n{self.svg}",
            "image/png": base64.b64encode(self.png).decode("ascii"),
        }
        return data, {"image/png": {"width": width, "height": height}}


class Node(NamedTuple):
    """A box or an operation; arrows begin and end mid-side."""

    x: Pixels
    y: Pixels
    width: Pixels
    height: Pixels

    @property
    def left(self) -> Point:
        """The middle of the left side."""
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        """The middle of the right side."""
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        """The middle of the upper side."""
        return self.x, self.y - self.height / 2

    @property
    def bottom(self) -> Point:
        """The middle of the lower side."""
        return self.x, self.y + self.height / 2


class _Shape(NamedTuple):
    """One path; `label` names the formula that it spells or the sign it is."""

    path: Path
    role: str
    color: str
    parts: frozenset[str]
    label: str = ""


class _Words(NamedTuple):
    """Text in the page's own face, at the left, middle or right of a point."""

    x: Pixels
    y: Pixels
    text: str
    align: Align
    color: str
    parts: frozenset[str]


class Sketch:
    """A drawing in the making.

    What is drawn inside `with sketch.part("a"):` belongs to part "a" as well
    as to those around it; `highlight` fades whatever is not of that part.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self._panel = Path(np.zeros((0, 2)))
        self._marks: list[_Shape | _Words] = []
        self._parts: frozenset[str] = frozenset()

    @contextmanager
    def part(self, *names: str) -> Iterator[None]:
        """Count what is drawn inside to the named parts."""
        outer = self._parts
        self._parts = outer | set(names)
        yield
        self._parts = outer

    def panel(
        self, left: Pixels, top: Pixels, right: Pixels, bottom: Pixels
    ) -> None:
        """Lay a quiet ground under what belongs together."""
        self._panel = _rounded(left, top, right, bottom, 2 * BOX_CORNER)
        self._add(self._panel, "panel", "ink")

    def box(
        self,
        x: Pixels,
        y: Pixels,
        label: str = "",
        color: str = "ink",
        width: Pixels = 44,
        height: Pixels = 34,
        role: str = "box",
        corner: Pixels = BOX_CORNER,
    ) -> Node:
        """Draw a box around a centre, a formula in it."""
        node = Node(x, y, width, height)
        (left, _), (right, _) = node.left, node.right
        (_, top), (_, bottom) = node.top, node.bottom
        frame = _rounded(left, top, right, bottom, corner)
        self._add(frame, role, color)
        if label:
            ink = "ink" if role == "box" else color
            self._write(x, y, label, LETTERS, "center", ink, in_middle=True)
        return node

    def tanh(self, x: Pixels, y: Pixels, height: Pixels = 34) -> Node:
        """Draw tanh, which acts element by element."""
        return self.box(x, y, r"\tanh", "orange", 58, height, corner=17)

    def times(self, x: Pixels, y: Pixels) -> Node:
        """Draw the product element by element, ⊙."""
        node = self._circle(x, y, "⊙")
        self.dot((x, y), "ink", 2.6)
        return node

    def plus(self, x: Pixels, y: Pixels, color: str = "ink") -> Node:
        """Draw a sum, +."""
        node = self._circle(x, y, "+", color)
        for dx, dy in ((5.5, 0), (0, 5.5)):
            cross = Path([(x - dx, y - dy), (x + dx, y + dy)])
            self._add(cross, "line", color)
        return node

    def one_minus(self, x: Pixels, y: Pixels) -> Node:
        """Draw the complement, 1 − z."""
        node = self._circle(x, y, "")
        self._write(x, y, "1{-}", 13, "center", "ink", in_middle=True)
        return node

    def dot(self, at: Point, color: str = "ink", radius: Pixels = 3.2) -> None:
        """Mark where a line branches: both branches carry the same."""
        self._add(Path.circle(at, radius), "solid", color)

    def arrow(
        self,
        *points: Point,
        color: str = "ink",
        head: bool = True,
        over: Point | None = None,
    ) -> None:
        """Draw a line with rounded corners through points, an arrow at its end.

        Where it crosses another line, at `over`, that line leaves a gap.
        """
        line = _rounded_line(points, HEAD_LENGTH if head else 0)
        if over:
            ground = "panel" if self._panel.contains_point(over) else "paper"
            self._add(Path.circle(over, GAP), ground, "ink")
        self._add(line, "line", color)
        if head:
            self._add(_arrow_head(points[-2], points[-1]), "solid", color)

    def label(
        self,
        x: Pixels,
        y: Pixels,
        formula: str,
        align: Align = "center",
        color: str = "ink",
        size: Pixels = LETTERS,
    ) -> None:
        """Write a formula; the middle of its small letters stands at y."""
        self._write(x, y, formula, size, align, color)

    def words(
        self,
        x: Pixels,
        y: Pixels,
        text: str,
        align: Align = "center",
        color: str = "muted",
    ) -> None:
        """Write plain words; the middle of their small letters stands at y."""
        self._marks.append(
            _Words(x, y + 0.27 * WORDS, text, align, color, self._parts)
        )

    def finish(
        self, title: str, alt: str, highlight: str | None = None
    ) -> Drawing:
        """Turn the sketch into its two twins.

        Raises:
            ValueError: there is no part to highlight of that name, or no `alt`.
        """
        known = frozenset[str]().union(*(mark.parts for mark in self._marks))
        if highlight is not None and highlight not in known:
            raise ValueError(
                f"highlight is {highlight!r}; {title} has the parts "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        # What belongs to no part, as a panel, stays.
        faded = [
            highlight is not None
            and bool(mark.parts)
            and highlight not in mark.parts
            for mark in self._marks
        ]
        marks = list(zip(self._marks, faded, strict=True))
        return Drawing(
            title,
            alt,
            _to_svg(marks, self.size, alt),
            _to_png(marks, self.size),
            self.size,
        )

    def _add(self, path: Path, role: str, color: str, label: str = "") -> None:
        self._marks.append(_Shape(path, role, color, self._parts, label))

    def _circle(
        self, x: Pixels, y: Pixels, sign: str, color: str = "ink"
    ) -> Node:
        self._add(Path.circle((x, y), RADIUS), "open", color, sign)
        return Node(x, y, 2 * RADIUS, 2 * RADIUS)

    def _write(
        self,
        x: Pixels,
        y: Pixels,
        formula: str,
        size: Pixels,
        align: Align,
        color: str,
        in_middle: bool = False,
    ) -> None:
        """Write a formula: on a common base line, or in the middle of a box."""
        text = _outline(formula, size)
        ink = text.get_extents()
        share = {"left": 0, "center": 0.5, "right": 1}[align]
        base = y + (ink.y0 + ink.y1) / 2 if in_middle else y + 0.23 * size
        vertices = np.array([1, -1]) * text.vertices
        vertices += [x - ink.x0 - share * ink.width, base]
        self._add(Path(vertices, text.codes), "solid", color, formula)


@functools.cache
def _outline(formula: str, size: Pixels) -> Path:
    """Set a formula, its base line on y = 0, which grows upwards."""
    # Braces keep an index of two digits together, and make its minus a
    # letter, set without spaces.
    tight = re.sub(r"_(\d+)", r"_{\1}", formula).replace("-1}", "{-}1}")
    return textpath.TextPath((0, 0), f"${tight}$", size=size, prop=_MATH)


def _rounded(
    left: Pixels, top: Pixels, right: Pixels, bottom: Pixels, corner: Pixels
) -> Path:
    """Return a rectangle with round corners."""
    middle = (left + right) / 2, top
    corners = [(right, top), (right, bottom), (left, bottom), (left, top)]
    line = _rounded_line([middle, *corners, middle], 0, corner)
    vertices = np.vstack([line.vertices, middle])
    side = [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path(vertices, [Path.MOVETO, *4 * side, Path.LINETO, Path.CLOSEPOLY])


def _rounded_line(
    points: Sequence[Point], shorter: Pixels, corner: Pixels = CORNER
) -> Path:
    """Join points, round each corner, and end before the arrow's head."""
    placed = np.array(points, float)
    placed[-1] -= shorter * _direction(placed[-2], placed[-1])
    vertices, codes = [placed[0]], [Path.MOVETO]
    for before, at, after in zip(placed, placed[1:], placed[2:], strict=False):
        reach = min(
            corner,
            np.linalg.norm(at - before) / 2,
            np.linalg.norm(after - at) / 2,
        )
        vertices += [
            at - reach * _direction(before, at),
            at,
            at + reach * _direction(at, after),
        ]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, placed[-1]], [*codes, Path.LINETO])


def _arrow_head(start: Point, end: Point) -> Path:
    """Return the triangle whose tip is an arrow's end."""
    tip = np.array(end, float)
    along = _direction(np.array(start, float), tip)
    across = np.array([-along[1], along[0]]) * HEAD_WIDTH / 2
    base = tip - HEAD_LENGTH * along
    return Path([base + across, tip, base - across, base + across], closed=True)


def _direction(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    way = end - start
    return way / np.linalg.norm(way)


def _to_svg(
    marks: list[tuple[_Shape | _Words, bool]], size: tuple[int, int], alt: str
) -> str:
    """Write the marks as SVG whose colours the style sheet gives."""
    width, height = size
    lines = [
        f'<svg class="unrolled-drawing" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-label="{html.escape(alt)}" xmlns="http://www.w3.org/2000/svg">'
    ]
    for mark, faded in marks:
        fade = " faded" if faded else ""
        if isinstance(mark, _Words):
            anchor = {"left": "start", "center": "middle", "right": "end"}
            lines.append(
                f'<text class="{mark.color}{fade}" x="{mark.x:g}" '
                f'y="{mark.y:g}" text-anchor="{anchor[mark.align]}">'
                f"{html.escape(mark.text)}</text>"
            )
        else:
            name = html.escape(mark.label)
            label = f' data-label="{name}"' if name else ""
            lines.append(
                f'<path class="{mark.role} {mark.color}{fade}"{label} '
                f'd="{_to_path_data(mark.path)}"/>'
            )
    return "\n".join([*lines, "</svg>"])


_COMMANDS = {
    Path.MOVETO: "m",
    Path.LINETO: "l",
    Path.CURVE3: "q",
    Path.CURVE4: "c",
}


def _to_path_data(path: Path) -> str:
    """Write a path in SVG's language, each point by its way from the last.

    Relative tenths of a pixel take a third of the letters of absolute
    hundredths, and rounding the points, not the ways, lets no error add up.
    """
    written = []
    start = at = np.zeros(2, int)
    for vertices, code in path.iter_segments(simplify=False):
        if code == Path.CLOSEPOLY:
            written.append("z")
            at = start
            continue
        points = np.rint(10 * vertices.reshape(-1, 2)).astype(int)
        written.append(_COMMANDS[code])
        ways = (points - at).ravel() / 10
        written.append(" ".join(f"{way:g}" for way in ways))
        at = points[-1]
        if code == Path.MOVETO:
            start = at
    needless = r"(?<=[a-z]) | (?=[-a-z])|(?<![0-9.])0(?=\.)"
    return re.sub(needless, "", " ".join(written))


def _to_png(
    marks: list[tuple[_Shape | _Words, bool]], size: tuple[int, int]
) -> bytes:
    """Paint the marks on white, two pixels to a CSS pixel."""
    width, height = size
    figure = Figure(figsize=(width / 72, height / 72))
    # The axes fill it; a layout from the book's style would only warn of that.
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    for order, (mark, faded) in enumerate(marks):
        alpha = FADED if faded else 1.0
        color = _PALETTE[mark.color]
        if isinstance(mark, _Words):
            ax.text(
                mark.x,
                mark.y,
                mark.text,
                ha=mark.align,
                color=color,
                size=WORDS * 0.92,
                family="DejaVu Sans",
                alpha=alpha,
                zorder=order,
            )
        else:
            look = _ROLES[mark.role](color)
            # `add_patch` would measure each patch for limits that are set.
            ax.add_artist(
                PathPatch(mark.path, alpha=alpha, zorder=order, **look)
            )
    painted, paletted = io.BytesIO(), io.BytesIO()
    figure.savefig(painted, format="png", dpi=144)
    # So few colours need a palette only, a third of the size.
    picture = Image.open(painted).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(
        paletted, format="PNG", optimize=True
    )
    return paletted.getvalue()


def _mixed(color: str, share: float) -> tuple[float, ...]:
    """Mix a colour into white paper."""
    return tuple(1 - share * (1 - channel) for channel in to_rgb(color))


def _stroke(color: str, **more: object) -> dict[str, object]:
    rounded = {"capstyle": "round", "joinstyle": "round"}
    return (
        {"facecolor": "none", "edgecolor": color, "lw": LINE} | rounded | more
    )


_ROLES = {
    "line": _stroke,
    "solid": lambda color: {"facecolor": color, "lw": 0},
    "open": lambda color: _stroke(color, facecolor="white", lw=FRAME),
    "box": lambda color: _stroke(
        color, facecolor=_mixed(color, TINT), lw=FRAME
    ),
    "paper": lambda color: {"facecolor": "white", "lw": 0},
    "panel": lambda color: {"facecolor": _mixed(color, SURFACE), "lw": 0},
}

"""Drawings: every letter in its place, for every reader, the same each time."""

import base64
import hashlib
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from utils.figures import beam, diagrams, padding
from utils.figures.sketch import STYLE, Drawing, Sketch
from utils.figures.style import use_book_style
from utils.forecasting import walk_forward

ROOT = Path(__file__).resolve().parent.parent
THEME = (ROOT / "assets" / "unrolled.css").read_text(encoding="utf-8")

# A letter of each part that can be highlighted.
OWN = {
    ("lstm_cell", "forget"): "f_t",
    ("lstm_cell", "input"): "i_t",
    ("lstm_cell", "candidate"): "g_t",
    ("lstm_cell", "output"): "o_t",
    ("lstm_cell", "cell"): r"i_t \odot g_t",
    ("lstm_cell", "hidden"): r"\tanh c_t",
    ("gru_cell", "reset"): "r_t",
    ("gru_cell", "update"): "z_t",
    ("gru_cell", "candidate"): r"W_{hn},\ b_{hn}",
    ("gru_cell", "state"): "h_t",
}
WHOLE = {"lstm_cell": "lstm_cell()", "gru_cell": 'gru_cell("after")'}

# What each drawing owes its equations, spaces within a formula left out.
LETTERS = {
    "rnn_cell()": r"x_t h_{t-1} h_t W_x W_h b z_t \tanh +",
    "lstm_cell()": (
        r"x_t h_{t-1} h_t c_{t-1} c_t f_t i_t g_t o_t \sigma \tanh + ⊙"
    ),
    'gru_cell("after")': (
        r"x_t h_{t-1} h_t r_t z_t n_t 1-z_t W_{xn} W_{hn} b_{xn} b_{hn} "
        r"\sigma \tanh + ⊙"
    ),
    'gru_cell("before")': (
        r"x_t h_{t-1} h_t r_t z_t n_t 1-z_t W_{xn} W_{hn} b_n \sigma \tanh + ⊙"
    ),
    "lstm_backward()": (
        r"\deltay_t \deltah_t \deltaz_{t+1}W_h^\top \deltac_{t+1}\odotf_{t+1} "
        r"\deltac_t\odotf_t o_t\odot(1-\tanh^2c_t) \deltaz_tW_x^\top + ⊙"
    ),
    "gru_backward()": (
        r"\deltay_t \deltah_t \deltah_t\odotz_t \deltaa^h_tW_h^\top "
        r"\deltaa^x_tW_x^\top z_t + ⊙"
    ),
    "rnn_shapes()": "x_t W_x + h_{t-1} W_h b = z_t h_t V c y_t",
    "unrolled(3)": r"x_t h_t = x_1 x_2 x_3 h_0 h_1 h_2 h_3 W_x W_h \tanh",
    "unrolled(3, backward=True)": (
        r"x_1 h_0 h_3 \dfrac{\partialL}{\partialz_2}\,W_h^\top + "
        r"\dfrac{\partialL}{\partialh_1} \dfrac{\partialL}{\partialo_3}"
    ),
    "bidirectional(3)": (
        r"x_1 x_3 y_1 y_3 \overrightarrow{h}_0 \overrightarrow{h}_3 "
        r"\overleftarrow{h}_1 \overleftarrow{h}_4"
    ),
    "encoder_decoder()": "x_1 x_3 h_1 h_3 c s_0 s_3 y_0 y_3",
    "encoder_decoder(attention=True)": (
        r"x_1 h_1 h_3 e_{i1} e_{i3} \alpha_{i1} \alpha_{i3} c_i s_{i-1} s_i "
        "y_{i-1} y_i + ⊙"
    ),
    "attend_after()": (
        r"h_1 h_3 e_{i1} \alpha_{i3} c_i s_{i-1} s_i \tilde{s}_i y_{i-1} y_i"
    ),
    "position_predictor()": "x_1 x_3 h_0 h_3 RNN v p",
    "packed_batch((2, 4, 3))": "a_2 b_4 c_3 h^a_2 h^b_4 h^c_3 0 3 2 1",
    "language_model()": "e_1 e_4 h_0 h_1 h_4 p_1 p_4 E W GRU",
    "parallel_streams(3, 3)": "a b f g l m r",
    "review_classifier()": "x_1 x_3 e_1 e_3 h_1 h_3 v W z E",
    "scan_tree(8)": "a_1,b_1 a_8,b_8 1{:}2 5{:}8 1{:}8 1{:}7 h_1 h_8",
    'beam_tree([{"a": 0.5, "b": 0.3, "c": 0.2}, {"ac": 0.4, "ba": 0.12}])': (
        r"p(y_1\midx) p(y_2\midy_1,\,x) \mathrm{a}\\0.50 \mathrm{ba}\\0.12 "
        "0.8 0.4"
    ),
    "turned_batch((2, 5, 4))": (
        r"a_1 a_2 b_5 c_4 0 \overleftarrow{h}_1 \overleftarrow{h}_5"
    ),
}
FOLDS = "walk_forward(list(walk_forward(100, 40, 15, gap=4)))"
LIT = [f'{cell}(highlight="{part}")' for cell, part in OWN]
EDGES = [
    "unrolled(1)",
    "unrolled(1, backward=True)",
    "bidirectional(1)",
    "position_predictor(1)",
    "scan_tree(1)",
    "scan_tree(11)",
    "packed_batch([1])",
    "packed_batch([2, 10])",
    'language_model("is")',
    "parallel_streams(1, 1)",
    "parallel_streams(13, 1)",
    'beam_tree([{"a": 1.0}], 1)',
    'beam_tree([{"a": 1.0}, {"aa": 0.6, "ab": 0.4}, {"aba": 0.4}], 3)',
    "turned_batch([1])",
    "turned_batch([3, 3])",
    "turned_batch([9, 1])",
]
MODULES = {**vars(diagrams), **vars(beam), **vars(padding)}
CALLS = [*LETTERS, FOLDS, *LIT, *EDGES]


def draw(call):
    """Make a drawing from what a chapter would write."""
    name, _, arguments = call.partition("(")
    known = {"make": MODULES[name], "walk_forward": walk_forward}
    return eval(f"make({arguments}", known)


@pytest.fixture(scope="module")
def drawings():
    return {call: draw(call) for call in CALLS}


def elements(drawing, name=""):
    root = ElementTree.fromstring(drawing.svg)
    return [each for each in root if each.tag.endswith(name)]


def labels(drawing):
    return [each.get("data-label") for each in elements(drawing, "path")]


@pytest.mark.parametrize("call", CALLS)
def test_drawing_is_valid_xml_that_says_what_it_shows(drawings, call):
    drawing = drawings[call]
    root = ElementTree.fromstring(drawing.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawing.alt
    assert len(drawing.alt.split()) > 20
    assert {each.tag.rpartition("}")[2] for each in root} <= {"path", "text"}


def test_no_two_drawings_have_the_same_alt_text(drawings):
    assert len({each.alt for each in drawings.values()}) == len(CALLS)


@pytest.mark.parametrize("alt", ["", " \n"])
def test_drawing_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="'A cell' has no alt text"):
        Sketch(10, 10).finish("A cell", alt)
    with pytest.raises(ValueError, match="'A cell' has no alt text"):
        Drawing("A cell", alt, "<svg/>", b"", (1, 1))


@pytest.mark.parametrize("call", LETTERS)
def test_every_letter_of_the_equations_is_drawn(drawings, call):
    drawn = "  ".join(filter(None, labels(drawings[call]))).replace(" ", "")
    missing = [each for each in LETTERS[call].split() if each not in drawn]
    assert missing == []


@pytest.mark.parametrize(("cell", "part"), OWN)
def test_highlight_fades_all_but_one_part(drawings, cell, part):
    lit = drawings[f'{cell}(highlight="{part}")']
    faded = [" faded" in each.get("class") for each in elements(lit)]
    assert 0.3 < np.mean(faded) < 0.95
    assert labels(lit) == labels(drawings[WHOLE[cell]])
    letters = dict(zip(labels(lit), faded, strict=True))
    assert not letters[OWN[cell, part]]
    assert f"“{part}”" in lit.alt


def test_unknown_part_or_place_is_named(unannotated):
    parts = "candidate, cell, forget, hidden, input, output"
    with pytest.raises(ValueError, match=f"'peephole'.* parts {parts}"):
        diagrams.lstm_cell("peephole")
    with pytest.raises(ValueError, match=r"'middle'.*'after'"):
        diagrams.gru_cell("middle")
    with pytest.raises(ValueError, match="steps is 0"):
        diagrams.unrolled(0)
    with pytest.raises(ValueError, match="are 4, 3, 0 and 2"):
        diagrams.rnn_shapes(hidden=0)
    with pytest.raises(ValueError, match=r"lengths is \[3, 0\]"):
        padding.packed_batch([3, 0])
    with pytest.raises(ValueError, match="'q' has no letter to predict"):
        diagrams.language_model("q")
    with pytest.raises(ValueError, match="5 streams of 3 steps"):
        diagrams.parallel_streams(5, 3)
    with pytest.raises(ValueError, match="folds is empty"):
        diagrams.walk_forward([])


@pytest.mark.parametrize("steps", range(1, 20))
def test_scan_joins_only_neighbours_and_reaches_every_prefix(steps):
    reached = {t: (t, t) for t in range(1, steps + 1)}
    levels = diagrams._scan_levels(steps)
    for _, joints in levels:
        before = dict(reached)
        for left, right in joints:
            assert before[left][1] + 1 == before[right][0]
            reached[right] = before[left][0], right
    assert reached == {t: (1, t) for t in reached}
    assert len(levels) <= 2 * np.log2(steps)


def test_walk_forward_draws_the_folds_to_scale():
    folds = list(walk_forward(100, 40, 20, train_size=30, gap=5))
    drawing = diagrams.walk_forward(folds)
    assert "fold 2 trains on 25 to 54 and tests on 60 to 79" in drawing.alt
    assert len(elements(drawing, "text")) == len(folds) + 3


def test_bundle_holds_plain_text_page_and_paper(drawings):
    drawing = drawings["lstm_cell()"]
    data, metadata = drawing._repr_mimebundle_()
    assert data["text/plain"] == "<Drawing: LSTM cell>"
    assert drawing.svg in data["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    shown = metadata["image/png"]
    assert picture.size == (2 * shown["width"], 2 * shown["height"])


@pytest.mark.filterwarnings("error")
def test_a_drawing_takes_no_layout_from_the_books_style():
    with plt.rc_context({"figure.constrained_layout.use": True}):
        diagrams.bidirectional()


def test_drawings_are_the_same_in_every_process(drawings):
    call = "encoder_decoder(attention=True)"
    script = (
        "import hashlib; from utils.figures import diagrams as d; "
        f"x = d.{call}; "
        "print(hashlib.sha256(x.svg.encode() + x.png).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    here = drawings[call]
    own = hashlib.sha256(here.svg.encode() + here.png).hexdigest()
    assert other.stdout.strip() == own


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": 700, "height": 800})
    yield page
    page.close()


def show(page, *drawings, theme="light", style=THEME):
    body = "".join(each.svg for each in drawings)
    page.set_content(
        f'<!doctype html><html data-theme="{theme}"><style>{style}</style>'
        f"<style>{STYLE}</style><body style='margin:0'>{body}</body></html>"
    )


# Boxes of all writing, and each line's points that lie inside one of them.
MEASURE = """() => {
  const svg = document.querySelector("svg"), found = [];
  const {width, height} = svg.viewBox.baseVal;
  const all = [...svg.querySelectorAll("text, .solid[data-label]")];
  const boxes = all.map(e => [e.dataset.label || e.textContent, e.getBBox()]);
  const apart = (a, b, gap) => a.x >= b.x + b.width + gap
    || b.x >= a.x + a.width + gap || a.y >= b.y + b.height + gap
    || b.y >= a.y + a.height + gap;
  boxes.forEach(([name, a], i) => {
    if (a.x < 0 || a.y < 0 || a.x + a.width > width || a.y + a.height > height)
      found.push(`${name} leaves the drawing`);
    for (const [other, b] of boxes.slice(i + 1))
      if (!apart(a, b, 1)) found.push(`${name} touches ${other}`);
  });
  for (const line of svg.querySelectorAll(".line")) {
    const inside = line.getTotalLength();
    for (let at = 0; at <= inside; at += 1.5) {
      const p = line.getPointAtLength(at);
      const point = {x: p.x, y: p.y, width: 0, height: 0};
      for (const [name, b] of boxes)
        if (!apart(point, b, 1.5)) found.push(`a line runs through ${name}`);
    }
  }
  return [...new Set(found)];
}"""


@pytest.mark.parametrize("call", CALLS)
def test_no_writing_collides_with_writing_or_lines(page, drawings, call):
    show(page, drawings[call])
    assert page.evaluate(MEASURE) == []


def middle(page, label):
    """Return the centre of the first mark with a label."""
    return page.evaluate(
        "label => { const mark = [...document.querySelectorAll('path')]"
        "  .find(e => e.dataset.label === label), box = mark.getBBox();"
        "  return [box.x + box.width / 2, box.y + box.height / 2]; }",
        label,
    )


def test_the_gru_resets_where_its_equations_say(page, drawings):
    """After: the product stands between h and the ⊙; before: behind the ⊙."""
    show(page, drawings['gru_cell("after")'])
    times, product = middle(page, "⊙"), middle(page, r"W_{hn},\ b_{hn}")
    assert product == pytest.approx([times[0], times[1] - 50], abs=2)
    show(page, drawings['gru_cell("before")'])
    times, product = middle(page, "⊙"), middle(page, "W_{hn}")
    assert product == pytest.approx([times[0] + 60, times[1]], abs=2)


def test_the_measure_sees_a_collision(page):
    sketch = Sketch(120, 60)
    sketch.label(30, 30, "h_t")
    sketch.label(38, 32, "c_t")
    sketch.label(118, 30, "x_t")
    sketch.arrow((10, 30), (80, 30))
    show(page, sketch.finish("Faults", "Three faults."))
    assert set(page.evaluate(MEASURE)) == {
        "h_t touches c_t",
        "x_t leaves the drawing",
        "a line runs through h_t",
        "a line runs through c_t",
    }


COLORS_DRAWN = """() => [...document.querySelectorAll("svg > *")].map(e => {
  const style = getComputedStyle(e);
  return e.classList.contains("line") ? style.stroke : style.fill;
})"""


def luminance(color):
    """Compute the relative luminance of WCAG 2.2 from a computed colour."""
    if color.startswith("color(srgb "):
        channels = [
            float(c) for c in color[11:].split(" /")[0].rstrip(")").split()
        ]
    else:
        channels = [int(c) / 255 for c in color[4:-1].split(",")]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in channels
    ]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize(
    ("theme", "ground"), [("light", "#ffffff"), ("dark", "#14191c")]
)
def test_letters_and_lines_stand_out_in_both_themes(
    page, drawings, theme, ground
):
    """WCAG asks 4.5 of text and 3 of graphical objects."""
    assert f"--unrolled-paper: {ground}" in THEME
    paper = luminance(
        f"rgb({','.join(str(int(ground[i : i + 2], 16)) for i in (1, 3, 5))})"
    )
    for call in LETTERS:
        show(page, drawings[call], theme=theme)
        for element, color in zip(
            elements(drawings[call]), page.evaluate(COLORS_DRAWN), strict=True
        ):
            if element.get("class").split()[0] not in ("line", "solid"):
                continue
            light, dark = sorted([luminance(color), paper], reverse=True)
            least = 4.5 if element.get("data-label") else 3
            assert (light + 0.05) / (dark + 0.05) >= least, element.attrib


def test_on_paper_the_ink_is_dark_whatever_the_theme(page, drawings):
    show(page, drawings["rnn_cell()"], theme="dark")
    on_screen = max(map(luminance, drawn_solids(page)))
    page.emulate_media(media="print")
    on_paper = max(map(luminance, drawn_solids(page)))
    page.emulate_media(media="screen")
    assert on_screen > 0.5 > 0.3 > on_paper


def drawn_solids(page):
    return page.evaluate(
        "() => [...document.querySelectorAll('.solid')]"
        ".map(e => getComputedStyle(e).fill)"
    )


def test_a_page_without_a_theme_lends_its_own_ink(page, drawings):
    """Colab, VS Code and exported pages set a colour of text and no more."""
    show(
        page, drawings["rnn_cell()"], style="body { color: rgb(230, 230, 230) }"
    )
    assert "rgb(230, 230, 230)" in drawn_solids(page)


def test_a_phone_shows_every_drawing_whole(page, drawings):
    page.set_viewport_size({"width": 390, "height": 800})
    show(page, *(drawings[call] for call in [*LETTERS, FOLDS]))
    sizes = page.evaluate(
        "() => [...document.querySelectorAll('svg')].map(e => {"
        "  const box = e.getBoundingClientRect();"
        "  return [box.right, box.width / e.viewBox.baseVal.width];"
        "})"
    )
    page.set_viewport_size({"width": 700, "height": 800})
    assert max(right for right, _ in sizes) <= 390
    assert min(scale for _, scale in sizes) > 0.6


def test_a_drawing_is_silent_in_the_books_style():
    """The style's constrained layout has nothing to lay out here."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        use_book_style()
        assert diagrams.scan_tree(4).png

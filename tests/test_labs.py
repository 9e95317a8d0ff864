"""What a lab shows is what NumPy computes, offline and by keyboard."""

import base64
import functools
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from javascript import map_weights

from utils import labs
from utils.forecasting.direction import strategy_returns
from utils.labs.ball import next_position
from utils.labs.cells import LSTM_PRESETS
from utils.labs.recurrence import NEW, SCAN_LEVELS, newton_example
from utils.labs.training import train
from utils.length.ball_rnn import BallRNN
from utils.notebook import load_results
from utils.recurrences.newton import newton, rnn_tangents
from utils.scratch import GRU, LSTM
from utils.scratch.scan import linear_scan
from utils.sentiment.mistakes import confident_mistakes


def attention_examples():
    """Two sources of unlike length, decoded with the mask and without."""
    rng = np.random.default_rng(5)

    def view(written, source):
        valid = np.array([symbol != "∅" for symbol in source])
        weights = rng.dirichlet(np.ones(len(source)), len(written))
        return weights, weights * valid / (weights * valid).sum(
            axis=1, keepdims=True
        )

    examples = []
    for source, written in (
        ("7. März 2026∅∅∅∅", "2026-03-07"),
        ("二〇二六年三月七日", "2026-03"),
    ):
        unmasked, masked = view(written, source)
        examples.append(
            labs.AttentionExample(
                source,
                labs.AttentionView(written, masked),
                labs.AttentionView(written, unmasked),
            )
        )
    return examples


def attention_lab():
    return labs.attention_lab(attention_examples())


def market():
    """Two years of daily returns; a forecast that often changes its mind."""
    rng = np.random.default_rng(8)
    return rng.normal(0.0004, 0.012, 504), rng.random(504) < 0.55


def trading_cost_lab():
    return labs.trading_cost_lab(*market(), "A coin")


FOLDER = Path(labs.__file__).parent
SCRIPTS = sorted(FOLDER.glob("js/*.js"))
STYLES = sorted(FOLDER.glob("css/*.css"))

NAMES = list(enumerate(("RNN", "LSTM")))
READINGS = [
    labs.Reading(
        text.split(),
        {
            name: np.random.default_rng(i).random(len(text.split()))
            for i, name in NAMES
        },
    )
    for text in (
        "the plot was <b>dull</b> , but the score was fine " + "and long " * 20,
        "never dull",
    )
]


def reading_lab():
    return labs.reading_lab(READINGS)


def mistakes():
    """Forty reviews of three kinds, some wrong, each with its confidence."""
    texts = [
        f"{kind} <i>{n}</i>"
        for n in range(14)
        for kind in ("not bad", "bad , but good", "bad")
    ]
    rng = np.random.default_rng(2)
    return confident_mistakes(
        texts, rng.integers(0, 2, len(texts)), rng.random(len(texts))
    )


def mistakes_lab():
    return labs.mistakes_lab(mistakes(), "A coin's mistakes")


def ball_networks():
    return {
        name: [BallRNN.initialised(10 * kind + seed) for seed in range(3)]
        for kind, name in enumerate(("plain", "fitted on differences"))
    }


def ball_lab():
    return labs.ball_lab(ball_networks())


def sentence_lab():
    tokens = load_results("sentiment_reader")["results"]["vocabulary"]
    return labs.sentence_lab(tokens, labs.load_weights("sentiment_reader"))


def dates_lab():
    read = load_results("date_reader")["results"]
    weights = labs.load_weights("date_reader")
    return labs.dates_lab(read["source"], read["target"], weights)


def pronouncer_lab():
    read = load_results("pronouncer")["results"]
    weights = labs.load_weights("pronouncer")
    symbols = read["source"], read["target"]
    wrong = read["errors"]["int8"]["word errors"]
    return labs.pronouncer_lab(*symbols, weights, read["listed"], wrong)


def writer_lab():
    characters = load_results("writer")["results"]["characters"]
    return labs.writer_lab(characters, labs.load_weights("writer"))


def volatility_lab():
    """Six years of errors at random, then as many twice as large."""
    rng = np.random.default_rng(0)
    errors = np.round(rng.normal(size=3024) * 500).astype(int)
    errors[1512:] *= 2
    years = 2001 + np.arange(3024) // 252
    volatility = np.full(3024, 900)
    return labs.volatility_lab(
        [labs.Track(horizon, volatility, errors, years) for horizon in (1, 22)]
    )


def shannon_lab():
    """A passage of two words; one model guesses well, one badly."""
    ranks = np.array([1, 1, 4, 2, 1, 7])
    good = labs.Guesses(ranks, ranks / 2)
    bad = labs.Guesses(ranks + 3, ranks * 1.5)
    passage = labs.Passage(
        "To be or not ", "to be,", {"the last 6": good, "frequencies": bad}
    )
    return labs.shannon_lab([passage], labs.rank_code(ranks, 20))


MAKERS = {
    "attention": attention_lab,
    "forget bias": labs.forget_bias_lab,
    "cliff": labs.cliff_lab,
    "lstm cell": labs.lstm_cell_lab,
    "gru cell": labs.gru_cell_lab,
    "trading cost": trading_cost_lab,
    "ball": ball_lab,
    "reading": reading_lab,
    "mistakes": mistakes_lab,
    "sentence": sentence_lab,
    "dates": dates_lab,
    "pronouncer": pronouncer_lab,
    "training": labs.training_lab,
    "scan": labs.scan_lab,
    "shannon": shannon_lab,
    "newton": labs.newton_lab,
    "vanishing": labs.vanishing_lab,
    "volatility": volatility_lab,
    "writer": writer_lab,
}
LABS = {name: functools.cache(maker) for name, maker in MAKERS.items()}

# What the pages that show a lab set; the book's own from its stylesheet.
THEMES = {
    "light": "",
    "dark": (
        Path(__file__).parent.parent / "assets" / "unrolled.css"
    ).read_text("utf-8"),
    "JupyterLab": ":root { --jp-content-font-color1: #e0e0e0;"
    "--jp-layout-color1: #212121 }"
    "body { background: #111; color: #e0e0e0 }",
}


@pytest.fixture
def show(browser):
    """Open a lab in a bare page; fail on any message, error or request."""
    complaints = []

    def open_page(lab, theme="light", width=800, copies=1):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.set_content(
            f'<!doctype html><html lang="en" data-theme="{theme}">'
            "<head><title>Lab</title>"
            f"<style>{THEMES[theme]}</style></head><body><main><h1>Lab</h1>"
            f"{lab.html * copies}</main></body></html>"
        )
        page.wait_for_selector("[data-started]")
        return page

    yield open_page
    assert complaints == []


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def shown(page, name):
    return float(part(page, name).text_content().replace("−", "-"))


@pytest.mark.parametrize("name", LABS)
def test_a_lab_is_one_bundle_of_two_twins(name):
    bundle = LABS[name]()._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "data-lab" in bundle["text/html"]
    assert LABS[name]().html == MAKERS[name]().html


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_javascript(script):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: the syntax of the scripts was not checked")
    kind = "module" if "\nexport " in script.read_text("utf-8") else "commonjs"
    check = [node, f"--input-type={kind}", "--check", "-"]
    with script.open() as text:
        done = subprocess.run(check, stdin=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SCRIPTS + STYLES, ids=lambda path: path.name)
def test_a_file_of_the_labs_is_narrow_and_installed(path):
    lines = path.read_text("utf-8").splitlines()
    assert [line for line in lines if len(line) > 80] == []
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["utils.labs"]
    name = path.relative_to(FOLDER).as_posix()
    assert any(fnmatch(name, pattern) for pattern in patterns)


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1350), ("dark", 390), ("JupyterLab", 800)]
)
@pytest.mark.parametrize("name", LABS)
def test_a_lab_is_accessible_and_fits_its_page(name, theme, width, show):
    page = show(LABS[name](), theme, width)
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# A pixel of each colour, for computed ones come in several notations.
BUTTONS = """() => {
  const brush = document.createElement("canvas").getContext(
    "2d", {willReadFrequently: true});
  const pixel = color => {
    brush.fillStyle = color;
    brush.fillRect(0, 0, 1, 1);
    return Array.from(brush.getImageData(0, 0, 1, 1).data).slice(0, 3);
  };
  const luminance = color => {
    const [r, g, b] = pixel(color).map(each => each / 255).map(
      each => each > .04045 ? ((each + .055) / 1.055) ** 2.4 : each / 12.92);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)]
      .sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  };
  const panel = getComputedStyle(
    document.querySelector(".unrolled-lab")).backgroundColor;
  return [...document.querySelectorAll("button")].map(each => {
    const {color, backgroundColor} = getComputedStyle(each);
    return {ground: contrast(backgroundColor, panel),
      text: contrast(color, backgroundColor)};
  });
}"""


@pytest.mark.parametrize("theme", THEMES)
def test_a_disabled_button_is_pale_and_legible(theme, show):
    page = show(LABS["training"](), theme)
    before = page.evaluate(BUTTONS)
    assert max(each["ground"] for each in before) > 4.5
    page.evaluate(
        "document.querySelectorAll('button').forEach(b => b.disabled = true)"
    )
    for hovered in page.locator("button").all():
        hovered.hover(force=True)
        for each in page.evaluate(BUTTONS):
            assert each["ground"] == pytest.approx(1)
            assert each["text"] > 4.5


@pytest.mark.parametrize("name", LABS)
def test_two_copies_work_apart(name, show):
    page = show(LABS[name](), copies=2)
    page.locator("output").last.scroll_into_view_if_needed()
    page.wait_for_function(
        "document.querySelectorAll('[data-started]').length === 2"
    )
    field = page.locator("input[type=range], input[type=text], textarea").first
    before = page.locator("output").all_inner_texts()
    assert before[0] == before[-1] != ""
    field.focus()
    page.keyboard.press("End")  # moves a slider
    page.keyboard.press("x")  # is a guess
    # A lab may draw at the next frame, which a busy machine shows late.
    page.wait_for_function(
        "before => document.querySelector('output').innerText !== before",
        arg=before[0],
    )
    assert page.locator("output").last.inner_text() == before[-1]


def test_a_lab_starts_when_the_reader_comes_near(show):
    page = show(labs.forget_bias_lab(), copies=12)
    labels = page.locator(".unrolled-lab output")
    started = page.locator("[data-started]").count()
    assert 0 < started < 12
    assert page.locator('[data-part="gate"]').last.text_content() == ""
    labels.last.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('[data-part=gate]')].pop().textContent"
    )
    assert labels.last.inner_text() == labels.first.inner_text()


def test_labs_that_nobody_saw_are_drawn_on_paper(show):
    page = show(labs.forget_bias_lab(), copies=12)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("[data-started]").count() == 12
    assert len(set(page.locator("output").all_inner_texts())) == 1


def test_a_lab_runs_in_a_page_opened_from_a_folder(tmp_path, browser):
    path = tmp_path / "page.html"
    path.write_text(labs.gru_cell_lab().html, "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("[data-started]")
    assert part(page, "step-now").text_content() == "12"
    page.close()


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.0, 4.6, 7.0])
def test_the_forget_bias_gives_the_half_life_of_the_cell_path(bias, show):
    page = show(labs.forget_bias_lab())
    part(page, "bias").fill(str(bias))
    gate = 1 / (1 + np.exp(-bias))
    assert shown(page, "gate") == pytest.approx(gate, abs=5.1e-5)
    assert shown(page, "half-life") == pytest.approx(
        np.log(2) / -np.log(gate), abs=5.1e-3
    )
    assert shown(page, "left-10") == pytest.approx(gate**10, rel=5.1e-3)
    assert shown(page, "left-100") == pytest.approx(gate**100, rel=5.1e-3)


def test_the_forget_bias_moves_with_the_arrow_keys(show):
    page = show(labs.forget_bias_lab(bias=1.0))
    part(page, "bias").focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert shown(page, "half-life") == 1.0


def step_by_hand(page, steps):
    """Set the sliders for each step; return what the lab shows after it."""
    part(page, "reset").click()
    states = []
    for values in steps:
        for name, value in values.items():
            part(page, name).fill(f"{value:.1f}")
        part(page, "step").press("Enter")
        states.append(
            [
                shown(page, n)
                for n in ("now-c", "now-h")
                if part(page, n).count()
            ]
        )
    return np.array(states)


@pytest.fixture
def settings():
    """Twelve random settings of four sliders."""
    return np.random.default_rng(3).integers(-60, 61, (12, 4)) / 10


def test_the_lstm_unit_computes_what_the_numpy_layer_does(settings, show):
    layer = LSTM(4, 1)
    layer.params |= {
        "W_x": np.eye(4),
        "W_h": np.zeros((1, 4)),
        "b": np.zeros(4),
    }
    page = show(labs.lstm_cell_lab())
    states = step_by_hand(
        page, [dict(zip("ifgo", row, strict=True)) for row in settings]
    )
    state = None
    for row, (shown_c, shown_h) in zip(settings, states, strict=True):
        _, state = layer.forward(row[None, None], state)
        assert shown_h == pytest.approx(state[0].item(), abs=5.1e-4)
        assert shown_c == pytest.approx(state[1].item(), abs=5.1e-4)


def test_the_gru_unit_computes_what_the_numpy_layer_does(settings, show):
    layer = GRU(3, 1, bias=False)
    layer.params |= {"W_x": np.eye(3), "W_h": np.array([[0.0, 0.0, 1.0]])}
    page = show(labs.gru_cell_lab())
    states = step_by_hand(
        page, [dict(zip("rza", row[:3], strict=True)) for row in settings]
    )
    expected, _ = layer.forward(settings[None, :, :3])
    np.testing.assert_allclose(states[:, 0], expected[0, :, 0], atol=5.1e-4)


def test_a_preset_sets_every_slider(show):
    page = show(labs.lstm_cell_lab())
    page.get_by_role("button", name="Write").click()
    for name, value in LSTM_PRESETS["Write"].items():
        assert float(part(page, name).input_value()) == value


@pytest.mark.parametrize(
    ("lab", "names"),
    [(labs.lstm_cell_lab, ("c", "h")), (labs.gru_cell_lab, ("h",))],
)
def test_the_chart_draws_the_last_24_steps(lab, names, show):
    page = show(lab())
    for _ in range(20):
        part(page, "step").press("Space")
    assert shown(page, "step-now") == 32
    right = part(page, "chart").evaluate("svg => svg.clientWidth") - 18
    for name in names:
        points = part(page, f"trace-{name}").get_attribute("d")[1:].split("L")
        across = [float(point.split()[0]) for point in points]
        assert len(points) == 25
        assert across[0] == 44
        assert across[-1] == pytest.approx(right, abs=0.06)


def test_a_chart_is_drawn_again_at_its_new_width(show):
    page = show(labs.forget_bias_lab())
    wide = part(page, "chart").get_attribute("viewBox")
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(
        """before => document.querySelector("[data-part=chart]")
             .getAttribute("viewBox") !== before""",
        arg=wide,
    )
    width = part(page, "chart").evaluate("svg => svg.clientWidth")
    assert part(page, "chart").get_attribute("viewBox") == f"0 0 {width} 230"


@pytest.mark.parametrize("a", [-1.0, -0.3, 0.0, 0.5, 1.0])
def test_the_scan_shows_the_states_that_numpy_gets(a, show):
    page = show(labs.scan_lab())
    part(page, "a").fill(str(a))
    part(page, "level").fill(str(SCAN_LEVELS))
    b = np.array(NEW)[None, :, None]
    h = linear_scan(np.full_like(b, a), b)[0, :, 0]
    for t, state in enumerate(h):
        said = part(page, f"h-{t}").text_content().replace("−", "-")
        assert float(said.removeprefix("= ")) == pytest.approx(state, abs=6e-4)
    assert shown(page, "known") == len(NEW)


def test_the_scan_joins_what_numpy_joins(show):
    """On the way down a box a:b holds the states of its steps alone."""
    page = show(labs.scan_lab(0.5))
    known = []
    for level in range(SCAN_LEVELS + 1):
        part(page, "level").fill(str(level))
        known.append(shown(page, "known"))
        for t in range(len(NEW)):
            if not part(page, f"box-{level}-{t}").is_visible():
                continue
            span = part(page, f"span-{level}-{t}").text_content()
            first, last = map(int, span.split(":"))
            assert last == t + 1
            b = np.array(NEW[first - 1 : last])[None, :, None]
            alone = linear_scan(np.full_like(b, 0.5), b)[0, -1, 0]
            pair = part(page, f"pair-{level}-{t}").text_content()
            number = float(pair[2:].replace("−", "-"))
            assert number == pytest.approx(alone, abs=6e-4)
            assert pair[0] == ("h" if first == 1 else "b")
    assert known == [1, 2, 3, 4, 5, 8]


@pytest.mark.parametrize("gain", [0.1, 0.5, 0.9, 1.2])
def test_newton_needs_the_iterations_that_numpy_counts(gain, show):
    page = show(labs.newton_lab())
    part(page, "gain").fill(str(gain))
    layer, x = newton_example(gain)
    assert shown(page, "iterations") == newton(layer, x).iterations
    states = layer.forward(x)[0]
    before = np.pad(states, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    _, slopes = rnn_tangents(layer, x, before)
    v, growth = np.full(8, 8**-0.5), 0.0
    for slope in slopes[0]:
        v = v @ slope
        growth += np.log(np.linalg.norm(v)) / len(slopes[0])
        v /= np.linalg.norm(v)
    assert shown(page, "growth") == pytest.approx(np.exp(growth), abs=5.1e-3)


def test_a_chaotic_gain_takes_newton_many_iterations(show):
    page = show(labs.newton_lab())
    part(page, "gain").fill("3")
    assert 30 < shown(page, "iterations") <= 100
    assert shown(page, "growth") > 1


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("mask", [True, False])
def test_the_attention_map_shows_the_weights(number, mask, show):
    example = attention_examples()[number]
    view = example.masked if mask else example.unmasked
    page = show(attention_lab())
    part(page, "example").select_option(str(number))
    part(page, "mask").set_checked(mask)
    assert np.allclose(
        map_weights(page, view.weights.shape), view.weights, atol=5.1e-4
    )
    padding = [symbol == "∅" for symbol in example.source]
    for row in (0, len(view.written) - 1):
        part(page, "position").fill(str(row + 1))
        assert part(page, "symbol").text_content() == view.written[row]
        expected = view.weights[row, padding].sum()
        assert shown(page, "padding") == pytest.approx(expected, abs=7e-3)
        best = int(view.weights[row].argmax())
        said = part(page, "best").text_content()
        assert said.startswith(f"“{example.source[best]}” at {best + 1}: ")
        first = said.split(",")[0].split(": ")[1]
        assert float(first) == pytest.approx(view.weights[row, best], abs=6e-3)


def test_the_attention_map_follows_the_arrow_keys_and_the_pointer(show):
    page = show(attention_lab())
    part(page, "position").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert part(page, "position-text").text_content().startswith("4 of 10")
    page.locator('rect[data-row="7"]').hover()
    assert part(page, "position-text").text_content().startswith("8 of 10")
    assert (
        page.locator('rect[data-row="7"]').get_attribute("stroke-opacity")
        == "1"
    )
    part(page, "mask").focus()
    page.keyboard.press("Space")
    assert shown(page, "padding") > 0


def test_an_attention_lab_names_weights_that_do_not_fit():
    example = attention_examples()[0]
    short = example._replace(
        masked=labs.AttentionView("20", example.masked.weights)
    )
    with pytest.raises(
        ValueError, match=r"examples\[0\].masked.weights has shape \(10, 16\)"
    ):
        labs.attention_lab([short])
    with pytest.raises(ValueError, match="examples is empty"):
        labs.attention_lab([])


@pytest.mark.parametrize("cost", [0.0, 0.5, 2.0, 10.0])
def test_the_trading_costs_take_what_numpy_says(cost, show):
    returns, invested = market()
    page = show(trading_cost_lab())
    part(page, "cost").fill(str(cost))
    grown = np.prod(1 + strategy_returns(returns, invested, cost))
    assert shown(page, "grown") == pytest.approx(grown, abs=5.2e-3)
    assert shown(page, "index-grown") == pytest.approx(
        np.prod(1 + returns), abs=5.2e-3
    )
    assert page.locator("output").inner_text().count("trades") == 1


def test_the_trading_cost_moves_with_the_arrow_keys(show):
    page = show(trading_cost_lab())
    free = shown(page, "grown")
    part(page, "cost").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert part(page, "cost-text").text_content() == "2.0 bp"
    assert shown(page, "grown") < free


@pytest.mark.parametrize("sentence", [0, 1])
def test_the_reading_shows_every_model_s_verdict_after_every_word(
    sentence, show
):
    tokens, verdicts = READINGS[sentence]
    page = show(reading_lab())
    part(page, "sentence").select_option(str(sentence))
    for model, name in NAMES:
        part(page, "model").select_option(str(model))
        for word in (1, len(tokens)):
            part(page, "position").fill(str(word))
            assert (
                part(page, "position-text")
                .text_content()
                .endswith(f"“{tokens[word - 1]}”")
            )
            expected = verdicts[name][word - 1]
            assert shown(page, f"now-{model}") == pytest.approx(
                expected, abs=6e-3
            )
        colours = page.locator(".lab-words span").evaluate_all(
            "all => all.map(s => s.style.background)"
        )
        assert all(colours)
        blue = ["blue" in colour for colour in colours]
        assert blue == (verdicts[name].round(3) > 0.5).tolist()
    assert page.locator(".lab-words span").all_text_contents() == tokens


def test_a_reading_that_does_not_fit_is_named():
    reading = READINGS[0]
    with pytest.raises(
        ValueError,
        match=r"readings\[0\].verdicts\['RNN'\] has 50 values for 2 tokens",
    ):
        labs.reading_lab([reading._replace(tokens=["never", "dull"])])
    other = reading._replace(verdicts={"GRU": reading.verdicts["RNN"]})
    with pytest.raises(ValueError, match=r"readings\[1\] has models \['GRU'\]"):
        labs.reading_lab([reading, other])
    with pytest.raises(ValueError, match="readings is empty"):
        labs.reading_lab([])


def test_the_page_s_steps_are_numpy_s(show):
    page = show(labs.training_lab())
    part(page, "cell").select_option("rnn")
    part(page, "task").select_option("addition")
    part(page, "rate").fill("-1.5")
    losses = train("rnn", "addition", 0, 10**-1.5, 12).losses
    for step in range(1, 13):
        part(page, "step").press("Enter")
        assert shown(page, "step-now") == step
        assert shown(page, "loss-now") == float(f"{losses[step - 1]:.3g}")
    part(page, "again").click()
    assert part(page, "loss-now").text_content() == "not yet known"
    part(page, "step").click()
    assert shown(page, "loss-now") == float(f"{losses[0]:.3g}")
    part(page, "other").click()
    part(page, "step").click()
    other = train("rnn", "addition", 1, 10**-1.5, 1).losses[0]
    assert shown(page, "loss-now") == float(f"{other:.3g}") != losses[0]


def test_the_page_learns_parity_while_one_looks(show):
    page = show(labs.training_lab(learning_rate=0.03))
    train_button = part(page, "train")
    train_button.press("Enter")
    assert train_button.text_content() == "Pause"
    assert page.locator("output").get_attribute("aria-live") == "off"
    page.wait_for_function(
        """document.querySelector("[data-part=verdict]").textContent
           === "the rule is learnt" """
    )
    train_button.press("Enter")
    assert train_button.text_content() == "Train"
    assert page.locator("output").get_attribute("aria-live") == "polite"
    steps = int(shown(page, "step-now"))
    losses = train("gru", "parity", 0, 10**-1.5, steps).losses
    said = part(page, "loss-now").text_content()
    assert float(said) == pytest.approx(losses[-1], rel=6e-3)
    assert part(page, "right").text_content() == "100 %"
    for bit in (0, 1):
        dots = part(page, f"states-{bit}").get_attribute("d")
        assert dots.count("M") > 50


def test_the_page_overshoots_and_says_so(show):
    page = show(labs.training_lab(cell="rnn", learning_rate=3.0))
    for _ in range(12):
        part(page, "step").press("Enter")
    assert "overshoot" in part(page, "verdict").text_content()
    assert "NaN" not in page.locator(".unrolled-lab").inner_html()


def test_training_stops_when_the_reader_leaves(show):
    page = show(labs.training_lab())
    page.evaluate("document.body.style.paddingBottom = '3000px'")
    part(page, "train").click()
    page.mouse.wheel(0, 2500)
    page.wait_for_function(
        "document.querySelector('[data-part=train]').textContent === 'Train'"
    )
    assert shown(page, "step-now") > 0


@pytest.mark.parametrize("name", ["all", "negation", "contrast", "long"])
@pytest.mark.parametrize("truth", ["any", "0", "1"])
def test_the_mistakes_of_a_slice_come_in_order_of_confidence(name, truth, show):
    table = mistakes()
    page = show(mistakes_lab())
    part(page, "slice").select_option(
        label=f"{name} ({int(table[name].sum())})"
    )
    part(page, "truth").select_option(truth)
    expected = table[
        table[name] & ((truth == "any") | (table["label"].astype(str) == truth))
    ]
    assert shown(page, "count") == len(expected)
    seen = page.locator(".lab-mistakes li").count()
    assert seen == min(len(expected), 4)
    part(page, "page").focus()
    page.keyboard.press("End")
    texts = page.locator(
        ".lab-mistakes li span:first-child"
    ).all_text_contents()
    last = (len(expected) - 1) // 4 * 4
    assert texts == expected["text"].tolist()[last:]


def test_without_mistakes_there_is_nothing_to_browse():
    with pytest.raises(ValueError, match="mistakes is empty"):
        labs.mistakes_lab(mistakes().iloc[:0], "None")


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("row", ["1, 2, 3", "0;−3 -6,-9", "200, 203", "4,4,4"])
def test_the_balls_next_position_is_what_numpy_computes(row, seed, show):
    page = show(ball_lab())
    part(page, "row").fill(row)
    part(page, "seed").fill(str(seed))
    text = row.replace("−", "-").replace(";", " ").replace(",", " ")
    positions = [float(each) for each in text.split()]
    expected = [
        next_position(seeds[seed], positions, name.endswith("differences"))
        for name, seeds in ball_networks().items()
    ] + [2 * positions[-1] - positions[-2]]
    for m, value in enumerate(expected):
        assert shown(page, f"next-{m}") == pytest.approx(value, abs=6e-4)


def test_the_ball_lab_says_what_it_cannot_read(show):
    page = show(ball_lab())
    before = part(page, "next-0").text_content()
    for text in ("", "3", "1, x, 3", "1, 2, Infinity", "1, 2, 1e9"):
        part(page, "row").fill(text)
        assert "Write 2 to 50 numbers" in part(page, "complaint").text_content()
        assert part(page, "row").get_attribute("aria-invalid") == "true"
        assert part(page, "next-0").text_content() == before
    page.get_by_role("button", name="far away").press("Enter")
    assert part(page, "complaint").text_content() == ""
    assert part(page, "row").input_value() == "200, 203, 206, 209"
    assert part(page, "next-0").text_content() != before


def test_the_ball_lab_refuses_what_it_cannot_show():
    network = BallRNN.initialised(0)
    for networks in ({}, {"a": []}, {"a": [network], "b": [network] * 2}):
        with pytest.raises(ValueError, match="kinds"):
            labs.ball_lab(networks)

"""Interactive figures that live in a static page, one file per subject.

Each function returns a `Lab`. Shown as a cell's last expression it gives a MIME
bundle of two twins: hand-written HTML, SVG and script for browsers, and a PNG
of the first view for paper. Scripts lie in `js/`, styles in `css/`.

A new lab is a file here that calls `make_lab`, and a script in `js/` that draws
with `chart.js`, computes with `layers.js` and, for a trained model, loads its
weights by a click (`weights.py`). `training.py` is an example of the first two.
"""

from utils.labs.attention import (
    AttentionExample,
    AttentionView,
    attention_lab,
)
from utils.labs.ball import ball_lab
from utils.labs.cells import gru_cell_lab, lstm_cell_lab
from utils.labs.cliff import cliff_lab
from utils.labs.forget_bias import forget_bias_lab
from utils.labs.lab import Lab, button, make_lab, slider
from utils.labs.mistakes import mistakes_lab
from utils.labs.reading import Reading, draw_reading, reading_lab
from utils.labs.recurrence import newton_lab, scan_lab
from utils.labs.sentence import sentence_lab
from utils.labs.shannon import (
    Guesses,
    Passage,
    guesses_cost,
    rank_code,
    shannon_lab,
)
from utils.labs.trading_cost import trading_cost_lab
from utils.labs.training import training_lab
from utils.labs.typed import dates_lab, pronouncer_lab
from utils.labs.vanishing import vanishing_lab
from utils.labs.volatility import Track, track, volatility_lab
from utils.labs.weights import load_weights
from utils.labs.writer import writer_lab

__all__ = [
    "AttentionExample",
    "AttentionView",
    "Guesses",
    "Lab",
    "Passage",
    "Reading",
    "Track",
    "attention_lab",
    "ball_lab",
    "button",
    "cliff_lab",
    "dates_lab",
    "draw_reading",
    "forget_bias_lab",
    "gru_cell_lab",
    "guesses_cost",
    "load_weights",
    "lstm_cell_lab",
    "make_lab",
    "mistakes_lab",
    "newton_lab",
    "pronouncer_lab",
    "rank_code",
    "reading_lab",
    "scan_lab",
    "sentence_lab",
    "shannon_lab",
    "slider",
    "track",
    "trading_cost_lab",
    "training_lab",
    "vanishing_lab",
    "volatility_lab",
    "writer_lab",
]

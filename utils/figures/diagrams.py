"""The book's architecture drawings, one function each, in one style.

Blue runs forward in time and orange backward, green is a cell or a decoder,
vermilion every gradient. What is square has weights of its own, what is round
acts element by element, a dot copies. Each drawing says what it shows in its
alt text.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from jaxtyping import Integer
from numpy import ndarray

from utils.figures.sketch import SMALL, Drawing, Node, Pixels, Point, Sketch

GATE, CANDIDATE, PRODUCT = "purple", "orange", "muted"
ROWS = ("blue", "green", "purple", "orange", "vermilion")


def rnn_cell() -> Drawing:
    """Draw one step of the RNN, h_t = tanh(x_t W_x + h_{t-1} W_h + b).

    The code is `utils.scratch.rnn`; chapter 01.
    """
    s = Sketch(452, 190)
    s.panel(70, 8, 382, 182)
    from_state = s.box(125, 75, "W_h", PRODUCT)
    from_input = s.box(125, 145, "W_x", PRODUCT)
    total = s.plus(210, 75)
    squash = s.tanh(315, 75)
    s.arrow((10, 75), from_state.left, color="blue")
    s.label(36, 58, "h_{t-1}", color="blue")
    s.arrow((10, 145), from_input.left)
    s.label(36, 128, "x_t")
    s.arrow(from_state.right, total.left)
    s.arrow(from_input.right, (210, 145), total.bottom)
    s.arrow((210, 38), total.top)
    s.label(210, 24, "b")
    s.arrow(total.right, squash.left)
    s.label(254, 58, "z_t")
    s.arrow(squash.right, (442, 75), color="blue")
    s.label(414, 58, "h_t", color="blue")
    return s.finish(
        "RNN cell",
        "One step of an RNN. The state h t−1 enters from the left through the "
        "weights W h, the input x t through the weights W x; their sum with "
        "the bias b is z t, and tanh of it is the new state h t, which leaves "
        "to the right.",
    )


def lstm_cell(highlight: str | None = None) -> Drawing:
    """Draw one step of the LSTM, its equations' letters on the arrows.

    The code is `utils.scratch.lstm`; chapter 02.

    Args:
        highlight: the part that stays lit while the rest fades: a gate,
            "forget", "input", "candidate" or "output"; "cell", the way of
            c; or "hidden", the way from c to h.

    Raises:
        ValueError: there is no such part.
    """
    s = Sketch(572, 316)
    s.panel(62, 8, 512, 276)
    cell, gate, bus, read = 58, 190, 244, 450
    columns = {"forget": 130, "input": 212, "candidate": 294, "output": 376}
    names = list(columns)
    with s.part(*columns):
        s.arrow((10, bus), (130, bus), color="blue", head=False)
        s.label(36, bus - 17, "h_{t-1}", color="blue")
        s.arrow((96, 288), (96, bus), (130, bus), head=False)
        s.label(96, 302, "x_t")
    gates = {}
    for name, x in columns.items():
        is_candidate = name == "candidate"
        with s.part(name):
            gates[name] = s.box(
                x,
                gate,
                r"\tanh" if is_candidate else r"\sigma",
                CANDIDATE if is_candidate else GATE,
                width=50,
            )
            if name != "output":
                s.dot((x, bus))
                s.arrow((x, bus), gates[name].bottom)
    for position, (name, after) in enumerate(pairwise(names)):
        with s.part(*names[position + 1 :]):
            corner = (columns[after], bus)
            end = [gates["output"].bottom] if after == "output" else []
            s.arrow((columns[name], bus), corner, *end, head=bool(end))
    with s.part(*names[1:]):
        s.label(253, bus + 17, "x_t,\\ h_{t-1}", size=SMALL)

    with s.part("cell", "forget"):
        forget = s.times(130, cell)
    with s.part("cell", "input", "candidate"):
        write = s.times(294, 122)
    with s.part("cell"):
        add = s.plus(294, cell)
        s.arrow((10, cell), forget.left, color="green")
        s.arrow(forget.right, add.left, color="green")
        s.arrow(add.right, (562, cell), color="green")
        s.arrow(write.top, add.bottom)
        s.label(36, cell - 17, "c_{t-1}", color="green")
        s.label(212, cell - 17, "f_t \\odot c_{t-1}", size=SMALL)
        s.label(305, 91, "i_t \\odot g_t", "left", size=SMALL)
        s.label(537, cell - 17, "c_t", color="green")
    with s.part("forget", "cell"):
        s.arrow(gates["forget"].top, forget.bottom)
        s.label(141, 122, "f_t", "left")
    with s.part("input", "cell"):
        s.arrow(gates["input"].top, (212, 122), write.left)
        s.label(246, 105, "i_t")
    with s.part("candidate", "cell"):
        s.arrow(gates["candidate"].top, write.bottom)
        s.label(305, 153, "g_t", "left")
    with s.part("hidden"):
        squash = s.tanh(read, 113)
        show = s.times(read, gate)
        s.dot((read, cell), "green")
        s.arrow((read, cell), squash.top, color="green")
        s.arrow(squash.bottom, show.top)
        s.label(461, 154, "\\tanh c_t", "left", size=SMALL)
        s.arrow(show.bottom, (read, bus), (562, bus), color="blue")
        s.label(537, bus - 17, "h_t", color="blue")
    with s.part("output", "hidden"):
        s.arrow(gates["output"].right, show.left)
        s.label(418, gate - 17, "o_t")
    return s.finish(
        "LSTM cell",
        "One step of an LSTM. Along the top runs the cell: c t−1 is multiplied "
        "by the forget gate f t, then i t times g t is added, which gives "
        "c t. Along the bottom h t−1 and the input x t together enter the "
        "gates f, i and o, each a sigmoid, and the candidate g, a tanh. On the "
        "right tanh of c t is multiplied by the output gate o t and leaves as "
        "h t." + _lit(highlight),
        highlight,
    )


def lstm_backward() -> Drawing:
    """Draw how the gradients pass through one step of the LSTM.

    Into δh_t come the output's own gradient and what step t + 1 sends; into
    δc_t come two roads, along the cell and through the output:
    δc_t = δc_{t+1} ⊙ f_{t+1} + δh_t ⊙ o_t ⊙ (1 - tanh² c_t). Chapter 02.
    """
    s = Sketch(612, 300)
    s.panel(82, 8, 612, 246)
    cell, hidden, red = 62, 190, "vermilion"
    into_cell = s.plus(400, cell, red)
    forget = s.times(140, cell)
    through = s.times(400, 126)
    into_hidden = s.plus(490, hidden, red)
    gates = s.box(250, hidden, r"\delta z_t", GATE, width=84, height=46)
    s.arrow((602, cell), into_cell.right, color=red)
    s.label(520, cell - 19, r"\delta c_{t+1}\odot f_{t+1}", color=red)
    s.dot((250, cell), red)
    s.arrow(into_cell.left, forget.right, color=red)
    s.label(330, cell - 19, r"\delta c_t", color=red)
    s.arrow(forget.left, (10, cell), color=red)
    s.label(44, cell - 19, r"\delta c_t\odot f_t", color=red)
    s.arrow((140, 106), forget.bottom)
    s.label(140, 122, "f_t")
    s.arrow((250, cell), gates.top, color=red)
    s.label(
        240, 124, r"\delta f_t,\,\delta i_t,\,\delta g_t", "right", red, SMALL
    )

    s.arrow((602, hidden), into_hidden.right, color=red)
    s.label(554, hidden - 21, r"\delta z_{t+1}W_h^\top", color=red)
    s.arrow((490, 264), into_hidden.bottom, color=red)
    s.label(490, 280, r"\delta y_t", color=red)
    s.dot((400, hidden), red)
    s.arrow(into_hidden.left, gates.right, color=red)
    s.label(444, hidden - 19, r"\delta h_t", color=red)
    s.label(338, hidden - 19, r"\delta o_t", color=red, size=SMALL)
    s.arrow((400, hidden), through.bottom, color=red)
    s.arrow(through.top, into_cell.bottom, color=red)
    s.label(420, 126, r"o_t\odot(1-\tanh^2 c_t)", "left", size=SMALL)
    s.arrow(gates.left, (10, hidden), color=red)
    s.label(46, hidden - 21, r"\delta z_t W_h^\top", color=red)
    s.arrow(gates.bottom, (250, 264), color=red)
    s.label(250, 280, r"\delta z_t W_x^\top", color=red)
    return s.finish(
        "LSTM cell, backward",
        "The gradients of one step of an LSTM, from right to left. Into δh t "
        "come two: from below δy t, that of the step's own output, and from "
        "the right δz t+1 times the transpose of W h. Two roads lead into "
        "δc t, at the top: from the right δc t+1 times f t+1, along the cell, "
        "and from below δh t times o t times 1 − tanh² c t, through the "
        "output. δc t leaves to the left times f t. From δc t come the "
        "gradients of f, i and g, from δh t that of o; together they are "
        "δz t, which goes to the left through the transpose of W h and down "
        "to the input through that of W x.",
    )


def gru_cell(
    reset: Literal["after", "before"] = "after", highlight: str | None = None
) -> Drawing:
    """Draw one step of the GRU, its equations' letters on the arrows.

    The reset gate acts after the recurrent product, as in PyTorch,
    n_t = tanh(x_t W_xn + b_xn + r_t ⊙ (h_{t-1} W_hn + b_hn)), or before it,
    n_t = tanh(x_t W_xn + b_n + (r_t ⊙ h_{t-1}) W_hn): two models. In both
    h_t = z_t ⊙ h_{t-1} + (1 - z_t) ⊙ n_t. The code is `utils.scratch.gru`;
    chapter 03.

    Args:
        reset: where the reset gate acts.
        highlight: the part that stays lit while the rest fades: "reset",
            "update", "candidate" or "state".

    Raises:
        ValueError: `reset` is neither place, or there is no such part.
    """
    if reset not in ("after", "before"):
        raise ValueError(f"reset is {reset!r}; it must be 'after' or 'before'")
    s = Sketch(592, 366)
    s.panel(62, 8, 532, 326)
    line, middle, gate, bus, below = 58, 156, 222, 274, 304
    left, r, total, z, blend = 92, 158, 286, 412, 482
    with s.part("reset", "update", "candidate", "state"):
        s.arrow((10, line), (left, line), color="blue", head=False)
        s.label(36, line - 17, "h_{t-1}", color="blue")
    with s.part("reset", "update"):
        s.dot((left, line), "blue")
        s.arrow((left, line), (left, bus), (r, bus), color="blue", head=False)
        s.arrow((left, below), (left, bus), (r, bus), head=False)
    with s.part("reset", "update", "candidate"):
        s.arrow((left, 338), (left, below), head=False)
        s.label(left, 352, "x_t")
    with s.part("reset"):
        reset_gate = s.box(r, gate, r"\sigma", GATE)
        s.dot((r, bus))
        s.arrow((r, bus), reset_gate.bottom)
    with s.part("update"):
        update_gate = s.box(z, gate, r"\sigma", GATE)
        s.arrow((r, bus), (z, bus), update_gate.bottom)
        s.label(350, bus + 17, "x_t,\\ h_{t-1}", size=SMALL)

    with s.part("candidate"):
        times = s.times(r, middle)
        add = s.plus(total, middle)
        squash = s.tanh(350, middle)
        bias = "b_{xn}" if reset == "after" else "b_n"
        from_input = s.box(
            total, gate, rf"W_{{xn}},\ {bias}", PRODUCT, width=80
        )
        s.dot((left, below))
        s.arrow(
            (left, below),
            (total, below),
            from_input.bottom,
            over=(total, bus),
        )
        s.arrow(from_input.top, add.bottom)
        s.arrow((left, line), (r, line), color="blue", head=False)
        s.dot((r, line), "blue")
        if reset == "after":
            from_state = s.box(r, 106, r"W_{hn},\ b_{hn}", PRODUCT, width=80)
            s.arrow((r, line), from_state.top, color="blue")
            s.arrow(from_state.bottom, times.top)
            s.arrow(times.right, add.left)
        else:
            from_state = s.box(218, middle, "W_{hn}", PRODUCT, width=48)
            s.arrow((r, line), times.top, color="blue")
            s.arrow(times.right, from_state.left)
            s.arrow(from_state.right, add.left)
        s.arrow(add.right, squash.left)
    with s.part("reset", "candidate"):
        s.arrow(reset_gate.top, times.bottom)
        s.label(r + 11, 187, "r_t", "left")

    with s.part("state"):
        keep = s.times(z, line)
        new = s.times(blend, middle)
        mix = s.plus(blend, line)
        rest = s.one_minus(blend, gate)
        s.arrow((left, line), keep.left, color="blue")
        s.arrow(keep.right, mix.left, color="blue")
        s.arrow(mix.right, (582, line), color="blue")
        s.label(557, line - 17, "h_t", color="blue")
        s.arrow(new.top, mix.bottom)
        s.arrow(rest.top, new.bottom)
        s.label(blend + 10, 190, "1-z_t", "left", size=SMALL)
    with s.part("candidate", "state"):
        s.arrow(squash.right, new.left)
        s.label(445, middle - 17, "n_t")
    with s.part("update", "state"):
        s.arrow(update_gate.right, rest.left)
        s.arrow(update_gate.top, keep.bottom, over=(z, middle))
        s.label(z + 10, 105, "z_t", "left")
    place = (
        "h t−1 passes its weights and bias first, then the reset gate r t "
        "multiplies the product"
        if reset == "after"
        else "the reset gate r t multiplies h t−1 first, then the result "
        "passes its weights"
    )
    return s.finish(
        f"GRU cell, reset {reset} the product",
        "One step of a GRU. Along the top h t−1 is multiplied by the update "
        "gate z t, then 1 − z t times the candidate n t is added, which gives "
        f"h t. For the candidate {place}; the input x t through weights of "
        "its own is added, and tanh gives n t. Both gates are sigmoids of x t "
        "and h t−1 together." + _lit(highlight),
        highlight,
    )


def gru_backward() -> Drawing:
    """Draw how the gradients pass through one step of the GRU.

    δh_{t-1} = δh_t ⊙ z_t + δa^h_t W_h^T, the copy and what comes back through
    gates and candidate; the gradient of its own output is added there.
    Chapter 03.
    """
    s = Sketch(592, 270)
    s.panel(96, 34, 592, 216)
    line, gate, red = 84, 166, "vermilion"
    into = s.plus(470, line, red)
    keep = s.times(230, line)
    total = s.plus(130, line, red)
    sums = s.box(350, gate, r"\delta a^x_t,\ \delta a^h_t", GATE, 120, 46)
    s.arrow((582, line), into.right, color=red)
    s.words(532, line - 20, "from step t + 1")
    s.arrow((470, 28), into.top, color=red)
    s.label(470, 14, r"\delta y_t", color=red)
    s.dot((350, line), red)
    s.arrow(into.left, keep.right, color=red)
    s.label(410, line - 19, r"\delta h_t", color=red)
    s.arrow(keep.left, total.right, color=red)
    s.label(180, line - 19, r"\delta h_t\odot z_t", color=red, size=SMALL)
    s.arrow((230, line + 42), keep.bottom)
    s.label(230, line + 57, "z_t")
    s.arrow(total.left, (10, line), color=red)
    s.words(46, line - 20, "to step t − 1")
    s.arrow((350, line), sums.top, color=red)
    s.label(
        360, 124, r"\delta n_t,\,\delta z_t,\,\delta r_t", "left", red, SMALL
    )
    s.arrow(sums.left, (130, gate), total.bottom, color=red)
    s.label(212, gate + 21, r"\delta a^h_t W_h^\top", color=red)
    s.arrow(sums.bottom, (350, 234), color=red)
    s.label(350, 252, r"\delta a^x_t W_x^\top", color=red)
    return s.finish(
        "GRU cell, backward",
        "The gradients of one step of a GRU, from right to left. Into δh t "
        "come two: from above δy t, that of the step's own output, and from "
        "the right what step t+1 sends. To step t−1 go two, which a plus "
        "joins: δh t times z t, the copy, and δa h t times the transpose of "
        "W h, by way of the candidate n and the gates z and r. Down to the "
        "input goes δa x t times the transpose of W x.",
    )


def unrolled(steps: int = 3, backward: bool = False) -> Drawing:
    """Draw an RNN over time, its weights shared by all steps.

    With `backward` the gradients flow over it from the last step to the
    first: into each state comes that of its own output, and the one that the
    next step sends, so ∂L/∂h_t = ∂L/∂o_t + ∂L/∂z_{t+1} W_h^T, where o_t is
    the copy of h_t that leaves as output. Chapter 01.

    Raises:
        ValueError: there is no step to draw.
    """
    _check_steps(steps)
    return _backward_over_time(steps) if backward else _forward_over_time(steps)


def _forward_over_time(steps: int) -> Drawing:
    """Draw the cell with its loop; beside it every step's box, and the copy of
    its state that leaves above."""
    pitch, first, lane, half = 126, 262, 112, 29
    last = first + pitch * (steps - 1)
    s = Sketch(last + 96, 200)
    rolled = s.tanh(80, lane)
    round_it = [(124, lane), (146, lane), (146, 152), (18, 152), (18, lane)]
    s.arrow(*round_it, rolled.left, color="blue")
    _input_and_output(s, rolled, "x_t", "h_t", over=(80, 152))
    s.label(34, lane - 17, "W_h", color="muted", size=SMALL)
    s.label(170, lane, "=")
    for t in range(1, steps + 1):
        x = first + pitch * (t - 1)
        box = s.tanh(x, lane)
        start = first - 74 if t == 1 else x - pitch + 44
        s.arrow((start, lane), box.left, color="blue")
        s.label(x - half - 26, lane + 19, "W_h", color="muted", size=SMALL)
        _input_and_output(s, box, f"x_{t}", f"h_{t}")
    s.arrow((last + 44, lane), (last + 88, lane), color="blue")
    s.label(first - 54, lane - 17, "h_0", color="blue")
    return s.finish(
        "RNN over time",
        "On the left an RNN rolled up: one box, and its state h t goes round "
        "in a loop back into it. On the right the same over "
        f"{steps} steps, one box each, from left to right. Each "
        "takes its input x from below through the weights W x and the state h "
        "of the step before through the weights W h, the same weights at "
        "every step. Behind its tanh the new state is copied: one copy leaves "
        "upwards, the other goes on to the next step.",
    )


def _input_and_output(
    s: Sketch, box: Node, read: str, written: str, over: Point | None = None
) -> None:
    """Draw what enters a step from below and the copy that leaves above."""
    copied = box.x + 44, box.y
    s.arrow((box.x, 172), box.bottom, over=over)
    s.label(box.x + 10, 140, "W_x", "left", "muted", SMALL)
    s.label(box.x, 186, read)
    s.dot(copied, "blue")
    s.arrow(box.right, copied, color="blue", head=False)
    s.arrow(copied, (box.x + 44, 44), color="blue")
    s.label(box.x + 44, 26, written, color="blue")


def rnn_shapes(
    batch: int = 4, inputs: int = 3, hidden: int = 5, outputs: int = 2
) -> Drawing:
    """Draw each array of a step in proportion: a row for each sequence.

    z_t = x_t W_x + h_{t-1} W_h + b, h_t = tanh(z_t) and the head
    y_t = h_t V + c. Chapter 01.

    Raises:
        ValueError: a size is below 1.
    """
    if min(batch, inputs, hidden, outputs) < 1:
        raise ValueError(
            f"the sizes are {batch}, {inputs}, {hidden} and {outputs}; each "
            "must be at least 1"
        )
    unit, gap, margin = 14, 18, 26
    sums = (
        (
            ("", "x_t", batch, inputs, "ink"),
            ("", "W_x", inputs, hidden, PRODUCT),
            ("+", "h_{t-1}", batch, hidden, "blue"),
            ("", "W_h", hidden, hidden, PRODUCT),
            ("+", "b", 1, hidden, PRODUCT),
            ("=", "z_t", batch, hidden, "ink"),
        ),
        (
            ("", "h_t", batch, hidden, "blue"),
            ("", "V", hidden, outputs, PRODUCT),
            ("+", "c", 1, outputs, PRODUCT),
            ("=", "y_t", batch, outputs, "ink"),
        ),
    )
    widths = [
        sum(
            unit * columns + (2 * gap if sign else gap)
            for sign, _, _, columns, _ in line
        )
        for line in sums
    ]
    fall = unit * max(batch, inputs, hidden) + 70
    s = Sketch(max(widths) + 2 * margin - gap, fall * len(sums))
    for place, line in enumerate(sums):
        left, middle = float(margin), fall * (place + 0.5)
        for sign, name, rows, columns, color in line:
            width, height = unit * columns, unit * rows
            if sign:
                left += gap
                s.label(left - gap, middle, sign)
            x = left + width / 2
            role = "open" if color == "ink" else "box"
            s.box(x, middle, "", color, width, height, role, corner=2)
            s.label(x, middle - height / 2 - 13, name)
            s.words(x, middle + height / 2 + 13, f"{rows} × {columns}")
            left += width + gap
    return s.finish(
        "Shapes of one step",
        "Rectangles in proportion to the arrays of one step. First line: x t, "
        f"{batch} rows by {inputs} columns, times W x, {inputs} by {hidden}, "
        f"plus h t−1, {batch} by {hidden}, times W h, {hidden} by {hidden}, "
        f"plus b, 1 by {hidden}, is z t, {batch} by {hidden}. Second line: "
        f"h t, {batch} by {hidden}, times V, {hidden} by {outputs}, plus c, "
        f"1 by {outputs}, is y t, {batch} by {outputs}.",
    )


def _backward_over_time(steps: int) -> Drawing:
    """Draw the gradients' way through the graph, forward arrows in grey."""
    pitch, first, lane, back, half = 172, 110, 128, 172, 29
    last = first + pitch * (steps - 1)
    s = Sketch(last + 112, 268)
    centres = [first + pitch * t for t in range(steps)]
    for t, x in enumerate(centres, start=1):
        out = x + 48
        s.tanh(x, (lane + back) / 2, 84)
        start = 10 if t == 1 else x + 48 - pitch
        s.arrow((start, lane), (x - half, lane), color="muted")
        s.arrow((x, 236), (x, 192), color="muted")
        s.label(x, 252, f"x_{t}", color="muted")
        if t < steps:
            s.dot((out, lane), "muted")
            s.arrow((x + half, lane), (out, lane), color="muted", head=False)
            s.arrow((out, lane), (out, 60), color="muted")
        else:
            s.arrow((x + half, lane), (out, lane), (out, 60), color="muted")
        s.label(out, 32, f"h_{t}", color="muted")
    for t, x in enumerate(centres, start=1):
        into = x + 78
        if t < steps:
            total = s.plus(into, back, "vermilion")
            over = into, lane
            s.arrow((into, 60), total.top, color="vermilion", over=over)
            s.arrow(total.left, (x + half, back), color="vermilion")
        else:
            s.arrow(
                (into, 60), (into, back), (x + half, back), color="vermilion"
            )
        end = 10 if t == 1 else into - pitch + 12
        s.arrow((x - half, back), (end, back), color="vermilion")
        sent = _by(f"z_{t}") + r"\,W_h^\top"
        for at, height, formula in (
            (into + 2, 32, _by(f"o_{t}")),
            (x + 52, back + 34, _by(f"h_{t}")),
            ((x - half + end) / 2, back + 34, sent),
        ):
            s.label(at, height, formula, color="vermilion", size=SMALL)
    s.label(36, lane - 17, "h_0", color="muted")
    return s.finish(
        "Gradients over time",
        f"The same RNN over {steps} steps, its forward arrows grey, the "
        "gradients red and from right to left. Into each state's gradient, "
        "∂L/∂h t, come two: from above ∂L/∂o t, that of the step's own "
        "output, and from the right ∂L/∂z t+1 times the transpose of W h, "
        "sent by the next step; a plus joins them. The last step has only "
        "the first.",
    )


def _by(letter: str) -> str:
    """Return the formula of the loss's derivative by a letter."""
    return rf"\dfrac{{\partial L}}{{\partial {letter}}}"


def bidirectional(steps: int = 3) -> Drawing:
    """Draw a layer that reads from both ends, y_t = [h_t forward, h_t back].

    The code is `utils.scratch.bidirectional`; chapter 07.

    Raises:
        ValueError: there is no step to draw.
    """
    _check_steps(steps)
    pitch, first, aside = 158, 112, 26
    joined, backward, forward, split = 52, 124, 206, 262
    last = first + pitch * (steps - 1)
    s = Sketch(last + 112, 318)
    centres = [first + pitch * t for t in range(steps)]
    s.arrow((10, forward), (centres[0] - aside - 23, forward), color="blue")
    s.label(36, forward - 21, r"\overrightarrow{h}_0", color="blue")
    s.arrow(
        (last + 102, backward), (last + aside + 23, backward), color="orange"
    )
    s.label(
        last + 76,
        backward - 21,
        rf"\overleftarrow{{h}}_{steps + 1}",
        color="orange",
    )
    for here, there in pairwise(centres):
        ends = here - aside + 23, there - aside - 23
        s.arrow(*((end, forward) for end in ends), color="blue")
        ends = there + aside - 23, here + aside + 23
        s.arrow(*((end, backward) for end in ends), color="orange")
    for t, x in enumerate(centres, start=1):
        left, right = x - aside, x + aside
        ahead = s.box(
            left, forward, rf"\overrightarrow{{h}}_{t}", "blue", 46, 40
        )
        behind = s.box(
            right, backward, rf"\overleftarrow{{h}}_{t}", "orange", 46, 40
        )
        halves = [
            s.box(left, joined, "", "blue", 2 * aside, 22),
            s.box(right, joined, "", "orange", 2 * aside, 22),
        ]
        s.arrow((x, 288), (x, split), (left, split), ahead.bottom)
        s.arrow(
            (x, 288),
            (x, split),
            (right, split),
            behind.bottom,
            over=(right, forward) if t < steps else None,
        )
        s.arrow(
            ahead.top,
            halves[0].bottom,
            color="blue",
            over=(left, backward) if t > 1 else None,
        )
        s.arrow(behind.top, halves[1].bottom, color="orange")
        s.label(x, 302, f"x_{t}")
        s.label(x, 22, f"y_{t}")
    return s.finish(
        "Bidirectional layer",
        f"A layer that reads {steps} steps from both ends. Below, a forward "
        "layer, blue, passes its state from left to right; above it a second "
        "layer, orange, passes its own from right to left. Each input x t "
        "goes to both. Each output y t, at the top, is the forward state and "
        "the backward state of that step, side by side.",
    )


def scan_tree(steps: int = 8) -> Drawing:
    """Draw a scan in log depth: which steps are joined, and when.

    A box a:b holds the pair that leads over the steps a to b; blue, from the
    first step on, it is the state h_b already. First neighbours are joined,
    then neighbours of the half as many results; on the way back the steps
    between are filled in. The code is `utils.scratch.scan`; chapter 12.

    Raises:
        ValueError: there is no step to draw.
    """
    _check_steps(steps)
    levels = _scan_levels(steps)
    pitch, top, fall = 64, 24, 56
    wide = 40 if steps < 10 else 56
    ground = top + fall * (len(levels) + 1)
    s = Sketch(110 + pitch * (steps - 1) + 40, ground + 22)

    def column(step: int) -> Pixels:
        return 110 + pitch * (step - 1)

    # The lowest box of each column, and the first step that it covers.
    lowest = {t: (column(t), top + 12.0) for t in range(1, steps + 1)}
    begins = {t: t for t in lowest}
    for t in lowest:
        s.label(column(t), top - 4, f"a_{t},b_{t}", size=SMALL)
    for depth, (name, joints) in enumerate(levels, start=1):
        y = top + fall * depth
        s.words(10, y, name, "left")
        boxes = {}
        for left, right in joints:
            begins[right] = begins[left]
            done = begins[right] == 1
            boxes[right] = box = s.box(
                column(right),
                y,
                f"{begins[right]}{{:}}{right}",
                "blue" if done else "muted",
                wide,
                28,
            )
            color = "blue" if begins[left] == 1 else "muted"
            branch = column(left), y - fall + 20
            s.dot(branch, color)
            s.arrow(branch, box.left, color=color)
            s.arrow(lowest[right], box.top, color="muted")
        lowest |= {t: box.bottom for t, box in boxes.items()}
    for t, end in lowest.items():
        s.arrow(end, (column(t), ground - 14), color="blue")
        s.label(column(t), ground + 4, f"h_{t}", color="blue")
    return s.finish(
        "Scan",
        f"A scan over {steps} steps in {len(levels)} levels, time from left "
        "to right. At the top stand the pairs a t, b t. Each level joins two "
        "columns into a box that names the first and last step it covers. "
        + "; ".join(
            f"{name}: "
            + ", ".join(f"{left} with {right}" for left, right in joints)
            for name, joints in levels
        )
        + ". At the bottom stands the state h of every step.",
    )


def _scan_levels(steps: int) -> list[tuple[str, list[tuple[int, int]]]]:
    """Return each level's name and the pairs of columns that it joins."""
    columns = list(range(1, steps + 1))
    levels: list[tuple[str, list[tuple[int, int]]]] = []
    ways_back: list[tuple[str, list[tuple[int, int]]]] = []
    while len(columns) > 1:
        pairs = list(zip(columns[::2], columns[1::2], strict=False))
        between = list(zip(columns[1::2], columns[2::2], strict=False))
        levels.append(("join", pairs))
        if between:
            ways_back.insert(0, ("fill in", between))
        columns = columns[1::2]
    return levels + ways_back


def encoder_decoder(attention: bool = False) -> Drawing:
    """Draw how a decoder reads what an encoder read, from one vector or all.

    Without attention every step sees the same c = [h_n forward, h_1 back]:
    s_i = GRU([y_{i-1}, c], s_{i-1}). With it each step takes its own mixture
    c_i = Σ_j α_ij h_j, where α_i is the softmax of the scores e_ij between
    s_{i-1} and every h_j. Chapter 09.
    """
    return _one_vector_per_step() if attention else _one_vector_for_all()


def _one_vector_for_all() -> Drawing:
    """Draw the fixed context: encoder below, decoder above."""
    s = Sketch(540, 392)
    spoken, writing, bus, context, reading = 24, 104, 164, 212, 322
    inputs, outputs = (120, 270, 420), (75, 205, 335, 465)
    _encoder(s, inputs, reading)
    first, last = (
        s.box(244, context, "", "blue", 52, 22),
        s.box(296, context, "", "orange", 52, 22),
    )
    s.label(334, context, "c")
    for x, end, turn, color in (
        (inputs[0], last, 276, "orange"),
        (inputs[-1], first, 252, "blue"),
    ):
        s.arrow(
            (x, reading - 20),
            (x, turn),
            (end.x, turn),
            end.bottom,
            color=color,
            over=(last.x, turn) if color == "blue" else None,
        )
    s.arrow((270, context - 11), (270, bus), head=False)
    s.dot((270, bus))
    for i, x in enumerate(outputs):
        state = s.box(x, writing, f"s_{i}", "green", 60, 44)
        s.label(x, spoken, f"y_{i}")
        if i in (1, 2):
            s.dot((x, bus))
            s.arrow((x, bus), state.bottom)
        else:
            s.arrow((270, bus), (x, bus), state.bottom)
        if i:
            s.arrow(state.top, (x, spoken + 16), color="green")
            _next_state(s, outputs[i - 1], x, writing, spoken)
    return s.finish(
        "Encoder and decoder",
        "An encoder reads x 1 to x 3 in both directions into the states h 1 to "
        "h 3. The last forward state and the first backward state side by "
        "side are the one vector c. The decoder, above, starts with s 0 from "
        "c and writes y 1 to y 3; each of its states s i takes the state "
        "before, the symbol written before, and the same c.",
    )


def _one_vector_per_step() -> Drawing:
    """Draw one decoder step that weighs every state of the encoder."""
    s = Sketch(540, 508)
    spoken, writing, query, inputs = 24, 100, 50, (170, 290, 410)
    before = s.box(query, writing, "s_{i-1}", "green", 60, 44)
    add = _mixture(s, inputs, before)
    now = s.box(add.x, writing, "s_i", "green", 60, 44)
    s.label(query, spoken, "y_{i-1}")
    s.arrow(before.top, (query, spoken + 16), color="green")
    s.arrow(now.top, (now.x, spoken + 16), color="green")
    s.label(now.x, spoken, "y_i")
    _next_state(s, query, now.x, writing, spoken)
    s.arrow(add.top, now.bottom)
    s.label(add.x + 10, 142, "c_i", "left")
    return s.finish(
        "Encoder and decoder with attention",
        "One step of a decoder with attention. The state before, s i−1, is "
        "compared with each state h 1 to h 3 of the encoder, which gives the "
        "scores e i1 to e i3. A softmax turns them into the weights α. Each h "
        "is multiplied by its weight, and the sum of the three, c i, enters "
        "the new state s i together with s i−1 and the symbol y i−1 written "
        "before. From s i comes y i.",
    )


def attend_after() -> Drawing:
    """Draw one decoder step that attends after its cell, as Luong's does.

    s_i, made of s_{i-1} and y_{i-1} alone, asks: c_i = Σ_j α_ij h_j with its
    scores, and s̃_i = tanh([c_i; s_i] W_c) is read out (Luong, Pham and
    Manning, 2015, section 3.1). Chapter 09.
    """
    s = Sketch(600, 508)
    spoken, joining, writing, inputs = 24, 100, 214, (230, 350, 470)
    now = s.box(110, writing, "s_i", "green", 60, 44)
    add = _mixture(s, inputs, now)
    for name, y, aside in (("s_{i-1}", -9, -18), ("y_{i-1}", 9, 18)):
        color = "green" if y < 0 else "ink"
        s.arrow((10, writing + y), (80, writing + y), color=color)
        s.label(36, writing + y + aside, name, color=color)
    joined = s.box(add.x, joining, r"\tilde{s}_i", "purple", 60, 44)
    s.arrow(now.top, (now.x, joining), joined.left, color="green")
    s.arrow(add.top, joined.bottom)
    s.label(add.x + 10, 142, "c_i", "left")
    s.arrow(joined.top, (joined.x, spoken + 16))
    s.label(joined.x, spoken, "y_i")
    return s.finish(
        "Decoder that attends after its step",
        "One step of a decoder that attends after its cell. The new state s i "
        "is made of s i−1 and the symbol y i−1 alone. It is compared with each "
        "state h 1 to h 3 of the encoder, a softmax of the scores e i1 to e i3 "
        "gives the weights α, and the weighted sum of the states is c i. Then "
        "c i and s i are joined to s̃ i, from which comes y i.",
    )


def _mixture(s: Sketch, columns: Sequence[Pixels], query: Node) -> Node:
    """Draw an encoder whose states a query scores, weighs and adds up; return
    the sum."""
    total, product, weight, score, bus, reading = 172, 214, 274, 338, 384, 438
    s.panel(columns[0] - 72, 248, columns[-1] + 96, 364)
    s.words(columns[-1] + 58, 306, "softmax")
    _encoder(s, columns, reading)
    add = s.plus(columns[1] + 20, total)
    end = columns[-1] - 30
    s.arrow(
        query.bottom,
        (query.x, bus),
        (end, bus),
        (end, score + 17),
        color="green",
    )
    for j, x in enumerate(columns, start=1):
        value = x + 20
        scored = s.box(x - 18, score, f"e_{{i{j}}}", GATE)
        weighed = s.box(x - 18, weight, rf"\alpha_{{i{j}}}", "vermilion")
        times = s.times(value, product)
        if j < len(columns):
            s.dot((x - 30, bus), "green")
            s.arrow((x - 30, bus), (x - 30, score + 17), color="green")
        s.arrow(
            (x - 6, reading - 20),
            (x - 6, score + 17),
            over=(x - 6, bus) if j < len(columns) else None,
        )
        s.arrow(
            (value, reading - 20),
            times.bottom,
            over=(value, bus) if j < len(columns) else None,
        )
        s.arrow(scored.top, weighed.bottom)
        s.arrow(weighed.top, (x - 18, product), times.left)
        if value == add.x:
            s.arrow(times.top, add.bottom)
        else:
            side = add.left if value < add.x else add.right
            s.arrow(times.top, (value, total), side)
    return add


def _encoder(s: Sketch, columns: Sequence[Pixels], y: Pixels) -> None:
    """Draw an encoder that reads in both directions, its inputs below it."""
    for here, there in pairwise(columns):
        s.arrow((here + 30, y - 8), (there - 30, y - 8), color="blue")
        s.arrow((there - 30, y + 8), (here + 30, y + 8), color="orange")
    for j, x in enumerate(columns, start=1):
        box = s.box(x, y, f"h_{j}", "blue", 60, 40)
        s.arrow((x, y + 44), box.bottom)
        s.label(x, y + 58, f"x_{j}")


def _next_state(
    s: Sketch, before: Pixels, now: Pixels, y: Pixels, spoken: Pixels
) -> None:
    """Draw what a decoder's step takes over: the state and the last symbol."""
    s.arrow((before + 30, y + 9), (now - 30, y + 9), color="green")
    half = (before + now) / 2
    s.arrow(
        (before + 22, spoken), (half, spoken), (half, y - 9), (now - 30, y - 9)
    )


def position_predictor(steps: int = 3) -> Drawing:
    """Draw a network that makes one number of a sequence's last state.

    h_t = tanh(x_t w + h_{t-1} W + b) and p = h_T v^T + c. The code is
    `utils.length.ball_rnn`; chapter 06.

    Raises:
        ValueError: there is no step to draw.
    """
    _check_steps(steps)
    pitch, first, reading, naming = 130, 110, 100, 176
    last = first + pitch * (steps - 1)
    s = Sketch(last + 210, 200)
    before: Point = (first - 84, reading)
    s.label(first - 62, reading - 18, "h_0", color="blue")
    for t in range(1, steps + 1):
        x = first + pitch * (t - 1)
        cell = s.box(x, reading, "RNN", "green", 62)
        s.arrow((x, naming - 14), cell.bottom)
        s.label(x, naming, f"x_{t}")
        s.arrow(before, cell.left, color="blue")
        before = cell.right
        s.label(x + pitch / 2, reading - 18, f"h_{t}", color="blue")
    head = s.box(last + pitch, reading, "v", PRODUCT)
    s.arrow(before, head.left, color="blue")
    s.arrow(head.top, (head.x, 40))
    s.label(head.x, 24, "p")
    s.words(head.x + 30, reading, "linear", "left")
    return s.finish(
        "Network that predicts a position",
        f"An RNN reads the {steps} positions x 1 to x {steps} from left to "
        "right and passes its state h t on from step to step. The last state "
        f"alone, h {steps}, enters a linear layer v, which gives the predicted "
        "position p.",
    )


def review_classifier() -> Drawing:
    """Draw how a text becomes a verdict: embed, read both ways, pool, judge.

    With e_t the row of E that belongs to x_t, h_t both directions' states, v
    what the pooling makes of them all, and z = v W + b the two logits. The code
    is `utils.sentiment.pytorch`; chapter 11.
    """
    s = Sketch(470, 384)
    judging, pooling, reading, looking, naming = 58, 130, 212, 290, 344
    columns = (120, 235, 350)
    pool = s.box(columns[1], pooling, "", "purple", 290, 40)
    s.words(columns[1], pooling, "pool", color="ink")
    head = s.box(columns[1], judging, "W", PRODUCT)
    s.arrow(pool.top, head.bottom)
    s.label(columns[1] + 14, 92, "v", "left")
    s.arrow(head.right, (columns[2] + 20, judging))
    s.label(columns[2] + 32, judging, "z", "left")
    for here, there in pairwise(columns):
        s.arrow(
            (here + 30, reading - 8), (there - 30, reading - 8), color="blue"
        )
        s.arrow(
            (there - 30, reading + 8), (here + 30, reading + 8), color="orange"
        )
    for t, x in enumerate(columns, start=1):
        state = s.box(x, reading, f"h_{t}", "blue", 60, 40)
        row = s.box(x, looking, "E", PRODUCT)
        s.arrow((x, naming - 14), row.bottom)
        s.arrow(row.top, state.bottom)
        s.label(x + 10, 253, f"e_{t}", "left")
        s.arrow(state.top, (x, pooling + 20))
        s.label(x, naming, f"x_{t}")
    s.words(20, naming, "token", "left")
    s.words(20, looking, "embed", "left")
    s.words(20, reading, "read", "left")
    s.words(columns[2] + 70, judging, "logits", "left")
    return s.finish(
        "Classifier of reviews",
        "From three words to a verdict, from below. The number of each word "
        "x t picks a row e t of the table E. A layer that reads in both "
        "directions, blue to the right and orange to the left, makes of these "
        "the states h t. A pooling makes one vector v of all states, and the "
        "matrix W makes of v the logits z.",
    )


def language_model(word: str = "queen") -> Drawing:
    """Draw a network that predicts each next character of a word.

    e_t is the row of E that belongs to x_t, h_t the GRU's state, and p_t the
    softmax of h_t W + b: what the network gives every character to come next.
    The code is `utils.language.scratch`; chapter 08.

    Raises:
        ValueError: the word has fewer than two letters.
    """
    if len(word) < 2:
        raise ValueError(f"{word!r} has no letter to predict; give two or more")
    pitch, first = 104, 140
    coming, naming, head, state, table, read = 22, 66, 130, 200, 270, 328
    s = Sketch(first + pitch * (len(word) - 2) + 94, 348)
    before: Point = (first - 74, state)
    s.label(first - 62, state - 17, "h_0", color="blue")
    for t, (now, following) in enumerate(pairwise(word), start=1):
        x = first + pitch * (t - 1)
        row = s.box(x, table, "E", PRODUCT)
        cell = s.box(x, state, "GRU", "green", 58)
        weights = s.box(x, head, "W", PRODUCT)
        s.label(x, read, rf"\mathrm{{{now}}}")
        s.arrow((x, read - 14), row.bottom)
        s.arrow(row.top, cell.bottom)
        s.label(x + 8, 236, f"e_{t}", "left")
        s.arrow(before, cell.left, color="blue")
        s.arrow(cell.top, weights.bottom, color="blue")
        s.label(x + 8, 166, f"h_{t}", "left", "blue")
        s.arrow(weights.top, (x, naming + 14))
        s.label(x, naming, f"p_{t}")
        s.label(x, coming, rf"\mathrm{{{following}}}")
        before = cell.right
    s.arrow(before, (before[0] + 44, state), color="blue")
    for y, name in (
        (coming, "target"),
        (naming, "softmax"),
        (read, "read"),
        (table, "embed"),
    ):
        s.words(10, y, name, "left")
    steps = "; ".join(
        f"after {now} the target is {following}"
        for now, following in pairwise(word)
    )
    return s.finish(
        "Network that predicts the next character",
        f"A network over the {len(word) - 1} steps of the word {word}, from "
        "below. The character that is read picks a row e t of the table E. A "
        "GRU makes of it and of the state that comes from the left the state "
        "h t, which goes on to the right. W and a softmax make of h t the "
        f"probabilities p t of what comes next. Above each stands what came: "
        f"{steps}.",
    )


def parallel_streams(streams: int = 3, time: int = 3) -> Drawing:
    """Draw how a text is read by several streams at once, batch after batch.

    The text, two batches long, is cut into as many stretches as there are
    streams. A batch takes the next `time` symbols of each; row r of a batch
    goes on where row r of the one before ended, with its state. The code is
    `utils.language.streams`; chapter 08.

    Raises:
        ValueError: there is no stream or no step, or there are not letters
            enough.
    """
    length = 2 * time * streams
    if streams < 1 or time < 1 or length > 26:
        raise ValueError(
            f"{streams} streams of {time} steps; it takes at least one of "
            "each, and two batches of at most 26 letters"
        )
    across, down, left, top = 31, 40, 30, 92
    gap, colors = 92, [ROWS[row % len(ROWS)] for row in range(streams)]
    letters = [chr(ord("a") + place) for place in range(length)]
    beside = left + across * time + gap
    width = max(left + across * length, beside + across * time + 24)
    s = Sketch(width, top + down * streams)
    s.words(left - 16, 10, "the text", "left")
    for place, letter in enumerate(letters):
        color = colors[place // (2 * time)]
        s.box(left + across * place, 38, letter, color, across - 3, 28)
    for batch in range(2):
        x = left if batch == 0 else beside
        s.words(x - 16, top - 14, f"batch {batch + 1}", "left")
        for row in range(streams):
            for step in range(time):
                letter = letters[2 * time * row + time * batch + step]
                at = x + across * step, top + 18 + down * row
                s.box(*at, letter, colors[row], across - 3, 28)
    for row in range(streams):
        y = top + 18 + down * row
        end = left + across * (time - 0.5) + 4
        s.arrow((end, y), (beside - across / 2 - 2, y), color=colors[row])
        s.words((end + beside - across / 2) / 2, y - 11, "state")
    rows = "; ".join(
        f"row {row + 1} reads "
        + "".join(letters[2 * time * row : 2 * time * row + time])
        + ", then "
        + "".join(letters[2 * time * row + time : 2 * time * (row + 1)])
        for row in range(streams)
    )
    return s.finish(
        "Parallel streams",
        f"A text of {length} letters is cut into {streams} stretches, one a "
        f"row. Two batches stand side by side: {rows}. Between the batches an "
        "arrow in every row carries the state on.",
    )


def walk_forward(
    folds: Sequence[tuple[Integer[ndarray, "_"], Integer[ndarray, "_"]]],
) -> Drawing:
    """Draw the positions that each fold trains and tests on, time rightwards.

    Takes what `utils.forecasting.walk_forward` yields. Chapter 10.

    Raises:
        ValueError: there is no fold.
    """
    if not folds:
        raise ValueError("folds is empty; there is nothing to draw")
    left, right, top, fall, bar = 76, 540, 46, 38, 24
    count = max(int(test[-1]) for _, test in folds) + 1
    s = Sketch(560, top + fall * len(folds) + 40)

    def block(positions: ndarray, y: Pixels, color: str) -> Node:
        begin, end = int(positions[0]), int(positions[-1]) + 1
        scale = (right - left) / count
        width = (end - begin) * scale - 2
        middle = left + (begin + end) / 2 * scale
        return s.box(middle, y, "", color, width, bar)

    for number, (train, test) in enumerate(folds, start=1):
        y = top + fall * (number - 0.5)
        s.words(10, y, f"fold {number}", "left")
        trained = block(train, y, "blue")
        tested = block(test, y, "orange")
        if number == 1:
            s.words(trained.x, top - 18, "train")
            s.words(tested.x, top - 18, "test")
    below = top + fall * len(folds) + 10
    s.arrow((left, below), (right, below), color="muted")
    s.words(right, below + 18, "time", "right")
    spans = "; ".join(
        f"fold {number} trains on {train[0]} to {train[-1]} and tests on "
        f"{test[0]} to {test[-1]}"
        for number, (train, test) in enumerate(folds, start=1)
    )
    return s.finish(
        "Walk-forward split",
        f"{len(folds)} folds below each other, time from left to right. In "
        f"each a training block comes before a test block: {spans}.",
    )


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")


def _lit(highlight: str | None) -> str:
    """Say in words which part is lit."""
    return f" All but the part “{highlight}” is faded." if highlight else ""

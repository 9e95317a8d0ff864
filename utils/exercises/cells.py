"""The checkers of recurrent cells. Chapters 01 to 03."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import permutations, product
from typing import Any

import numpy as np

from utils.exercises.judge import Arguments, Array, Variant, draw, judge


def _cell_cases(
    gates: int, states: Sequence[str], biases: Sequence[str]
) -> list[Arguments]:
    """Draw the arguments of a recurrent cell, once with unequal and once
    with equal sizes."""
    return [
        draw(
            seed,
            x=(batch, size),
            **{name: (batch, hidden) for name in states},
            W_x=(size, gates * hidden),
            W_h=(hidden, gates * hidden),
            **{name: (gates * hidden,) for name in biases},
        )
        for seed, batch, size, hidden in ((0, 3, 4, 5), (1, 3, 4, 4))
    ]


def check_rnn_cell(cell: Callable[..., Any]) -> bool:
    """Say whether `cell(x, h, W_x, W_h, b)` returns h_t = tanh(x W_x + h W_h +
    b), and if not, why.

    Shapes: x (batch, input), h (batch, hidden), W_x (input, hidden), W_h
    (hidden, hidden), b (hidden,). Chapter 01.
    """

    def tanh(z: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *arguments: np.tanh(z(*arguments))

    def right(x: Array, h: Array, W_x: Array, W_h: Array, b: Array) -> Array:
        return x @ W_x + h @ W_h + b

    variants = [
        Variant(
            "It computes tanh(x W_x + h W_h + b).", tanh(right), right=True
        ),
        Variant(
            "The tanh is missing: without it the recurrence is linear.", right
        ),
        Variant(
            "The bias b is missing.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h),
        ),
        Variant(
            "The bias b is counted twice.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + 2 * b),
        ),
        Variant(
            "The old state is added to the new one; it enters through W_h "
            "alone.",
            lambda *arguments: np.tanh(right(*arguments)) + arguments[1],
        ),
        Variant(
            "The bias stands outside the tanh; it belongs inside, with the "
            "two products.",
            lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h) + b,
        ),
        Variant(
            "The previous state h is not used: every step forgets the ones "
            "before it.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x + b),
        ),
        Variant(
            "The previous state h is added without its product with W_h.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x + h + b),
        ),
        Variant(
            "The state comes back unchanged: return the new one, not h.",
            lambda x, h, W_x, W_h, b: h,
        ),
        Variant(
            "The input x is not used.",
            tanh(lambda x, h, W_x, W_h, b: h @ W_h + b),
        ),
        Variant(
            "The weights are exchanged: x goes with W_x and h with W_h.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_h + h @ W_x + b),
        ),
        Variant(
            "Both products are transposed: with rows as samples it is x @ "
            "W_x, not x @ W_x.T.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x.T + h @ W_h.T + b),
        ),
        Variant(
            "The product with W_x is transposed: it is x @ W_x, not x @ W_x.T.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x.T + h @ W_h + b),
        ),
        Variant(
            "The product with W_h is transposed: it is h @ W_h, not h @ W_h.T.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h.T + b),
        ),
        Variant(
            "There is a sigmoid in the place of tanh.",
            lambda *arguments: _sigmoid(right(*arguments)),
        ),
        Variant(
            "There is a ReLU in the place of tanh.",
            lambda *arguments: np.maximum(right(*arguments), 0),
        ),
    ]
    return judge(cell, _cell_cases(1, ["h"], ["b"]), variants)


def _sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def _lstm_step(
    x: Array,
    h: Array,
    c: Array,
    W_x: Array,
    W_h: Array,
    b: Array,
    order: str = "ifgo",
    tanh_gates: str = "g",
    linear_gates: str = "",
    squash: Callable[[Array], Array] = np.tanh,
) -> tuple[Array, Array]:
    """Take an LSTM step whose columns stand in `order` and whose
    `tanh_gates` have tanh, its `linear_gates` nothing."""

    def squashed(name: str, z: Array) -> Array:
        if name in linear_gates:
            return z
        return np.tanh(z) if name in tanh_gates else _sigmoid(z)

    gates = {
        name: squashed(name, z)
        for name, z in zip(
            order, np.split(x @ W_x + h @ W_h + b, 4, axis=1), strict=True
        )
    }
    i, f, g, o = (gates[name] for name in "ifgo")
    new_c = f * c + i * g
    return o * squash(new_c), new_c


# Orders of the gates' columns that widely used libraries have, beside PyTorch's
# and Keras's.
LSTM_ORDERS = {
    "iofg": "ONNX",
    "igfo": "TensorFlow 1 and Haiku",
    "ifog": "Stanford's course CS231n",
}


def check_lstm_cell(cell: Callable[..., Any]) -> bool:
    """Say whether `cell(x, h, c, W_x, W_h, b)` returns the LSTM's (h_t, c_t),
    and if not, why.

    i, f, o = sigmoid and g = tanh of x W_x + h W_h + b; c_t = f c + i g; h_t =
    o tanh(c_t). Shapes: x (batch, input), h and c (batch, hidden), W_x (input,
    4 hidden), W_h (hidden, 4 hidden), b (4 hidden,). The columns of a gate
    stand together, in the order i, f, g, o of PyTorch and Keras; the orders of
    other libraries are recognised. Chapter 02.
    """

    def gates(*arguments: Array) -> tuple[Array, Array, Array, Array]:
        x, h, _, W_x, W_h, b = arguments
        i, f, g, o = np.split(x @ W_x + h @ W_h + b, 4, axis=1)
        return _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)

    def with_cell(update: Callable[..., Array]) -> Callable[..., Any]:
        """Build the step whose new cell is update(i, f, g, o, c)."""

        def step(*arguments: Array) -> tuple[Array, Array]:
            i, f, g, o = gates(*arguments)
            new_c = update(i, f, g, o, arguments[2])
            return o * np.tanh(new_c), new_c

        return step

    def with_output(output: Callable[..., Array]) -> Callable[..., Any]:
        """Build the step whose new state is output(o, old c, new c)."""

        def step(*arguments: Array) -> tuple[Array, Array]:
            i, f, g, o = gates(*arguments)
            new_c = f * arguments[2] + i * g
            return output(o, arguments[2], new_c), new_c

        return step

    def right(verdict: str, order: str) -> Variant:
        return Variant(verdict, partial(_lstm_step, order=order), right=True)

    variants = [
        right(
            "It is the LSTM, its columns in the order i, f, g, o of PyTorch "
            "and Keras.",
            "ifgo",
        ),
        *(
            right(
                "It is the LSTM, its columns in the order "
                f"{', '.join(order)} of {library}. "
                "PyTorch and Keras have i, f, g, o: reorder weights that "
                "come from there.",
                order,
            )
            for order, library in LSTM_ORDERS.items()
        ),
        Variant(
            "Input and forget gate are exchanged: it takes the columns as f, "
            "i, g, o, or computes "
            "c_t = i c + f g.",
            partial(_lstm_step, order="figo"),
        ),
        *(
            Variant(
                "The gate order: it takes the columns as "
                f"{', '.join(order)}; they are i, f, g, o.",
                partial(_lstm_step, order=order),
            )
            for order in map("".join, permutations("ifgo"))
            if order not in {"ifgo", "figo", "gfio", *LSTM_ORDERS}
        ),
        *(
            Variant(
                f"Gate {gate} has tanh in the place of its sigmoid.",
                partial(_lstm_step, tanh_gates="g" + gate),
            )
            for gate in "ifo"
        ),
        # To read the columns as g, f, i, o gives the same numbers as the first
        # of these.
        *(
            Variant(
                f"Sigmoid and tanh are exchanged: {gate} needs the sigmoid "
                "and g the tanh.",
                partial(_lstm_step, tanh_gates=gate),
            )
            for gate in "ifo"
        ),
        Variant(
            "The candidate g has a sigmoid in the place of its tanh.",
            partial(_lstm_step, tanh_gates=""),
        ),
        Variant(
            "All activations are exchanged: i, f and o need the sigmoid, g "
            "the tanh.",
            partial(_lstm_step, tanh_gates="ifo"),
        ),
        Variant(
            "The forget gate is missing: c_t = f c + i g. Without f it is "
            "the LSTM of 1997.",
            with_cell(lambda i, f, g, o, c: c + i * g),
        ),
        Variant(
            "The input gate is missing: c_t = f c + i g.",
            with_cell(lambda i, f, g, o, c: f * c + g),
        ),
        Variant(
            "The input gate is coupled to the forget gate, (1 - f) g: a "
            "model of its own. Here it "
            "is i g.",
            with_cell(lambda i, f, g, o, c: f * c + (1 - f) * g),
        ),
        Variant(
            "The old cell c is not used: c_t = f c + i g.",
            with_cell(lambda i, f, g, o, c: i * g),
        ),
        Variant(
            "The tanh on the cell is missing: h_t = o tanh(c_t).",
            partial(_lstm_step, squash=lambda c: c),
        ),
        Variant(
            "There is a sigmoid on the cell in the place of tanh: h_t = o "
            "tanh(c_t).",
            partial(_lstm_step, squash=_sigmoid),
        ),
        Variant(
            "The output gate is missing: h_t = o tanh(c_t).",
            with_output(lambda o, c, new_c: np.tanh(new_c)),
        ),
        Variant(
            "The output reads the old cell: h_t = o tanh(c_t), after the "
            "update.",
            with_output(lambda o, c, new_c: o * np.tanh(c)),
        ),
        Variant(
            "The results are exchanged: return (h, c), not (c, h).",
            lambda *a: _lstm_step(*a)[::-1],
        ),
        Variant(
            "The old cell comes back: return the new one beside h.",
            lambda *a: (_lstm_step(*a)[0], a[2]),
        ),
        Variant(
            "The gates have no sigmoid: i, f and o must lie between 0 and 1.",
            partial(_lstm_step, linear_gates="ifo"),
        ),
        *(
            Variant(
                f"Gate {gate} has no sigmoid: it must lie between 0 and 1.",
                partial(_lstm_step, linear_gates=gate),
            )
            for gate in "ifo"
        ),
        Variant(
            "The cell adds 1 to the forget gate's bias: that belongs into "
            "the initial weights, once, not into every step.",
            _altered(
                _lstm_step,
                "x h c W_x W_h b",
                b=lambda given: given["b"] + _one_on_forget(given["b"]),
            ),
        ),
        *_argument_mistakes(_lstm_step, "x h c W_x W_h b", gates=4),
    ]
    return judge(
        cell, _cell_cases(4, ["h", "c"], ["b"]), variants, results=("h", "c")
    )


def _one_on_forget(b: Array) -> Array:
    """Return 1 where a fused bias belongs to the forget gate, 0 elsewhere."""
    return np.repeat([0.0, 1.0, 0.0, 0.0], len(b) // 4)


def check_lstm_backward(into_states: Callable[..., Any]) -> bool:
    """Say whether `into_states(d_y, d_h_next, d_c_next, o, c)` returns the
    LSTM's (d_h, d_c), and if not, why.

    d_h = d_y + d_h_next; d_c = d_c_next + d_h o (1 - tanh(c)^2). `d_y` comes
    from the output itself, `d_h_next` and `d_c_next` from the next step, the
    latter times its forget gate already. All have the shape (batch, hidden).
    Chapter 02.
    """

    def step(
        d_h: Callable[..., Array],
        d_c: Callable[..., Array] = lambda d_h, d_c_next, o, c: (
            d_c_next + d_h * o * (1 - np.tanh(c) ** 2)
        ),
    ) -> Callable[..., Any]:
        def compute(
            d_y: Array, d_h_next: Array, d_c_next: Array, o: Array, c: Array
        ) -> tuple[Array, Array]:
            total = d_h(d_y, d_h_next)
            return total, d_c(total, d_c_next, o, c)

        return compute

    variants = [
        Variant("All terms are there.", step(lambda y, h: y + h), right=True),
        Variant(
            "The output's own gradient d_y is missing: right only where the "
            "loss reads no other output than the last.",
            step(lambda y, h: h),
        ),
        Variant(
            "What the next step sends, d_h_next, is missing: the gates of step "
            "t + 1 read h as well.",
            step(lambda y, h: y),
        ),
        *(
            Variant(verdict, step(lambda y, h: y + h, d_c))
            for verdict, d_c in {
                "The road along the cell is missing: add d_c_next.": (
                    lambda d_h, n, o, c: d_h * o * (1 - np.tanh(c) ** 2)
                ),
                "The road through the output is missing: d_h comes to the "
                "cell times o (1 - tanh(c)^2).": lambda d_h, n, o, c: n,
                "The slope of tanh is missing on the road through the output: "
                "1 - tanh(c)^2.": lambda d_h, n, o, c: n + d_h * o,
                "The output gate is missing on the road through the output: "
                "h = o tanh(c).": (
                    lambda d_h, n, o, c: n + d_h * (1 - np.tanh(c) ** 2)
                ),
                "The slope of tanh is 1 - tanh(c)^2, not 1 - c^2.": (
                    lambda d_h, n, o, c: n + d_h * o * (1 - c**2)
                ),
            }.items()
        ),
        Variant(
            "The road through the output carries d_y alone; it must carry all "
            "of d_h.",
            lambda d_y, d_h_next, d_c_next, o, c: (
                d_y + d_h_next,
                d_c_next + d_y * o * (1 - np.tanh(c) ** 2),
            ),
        ),
        Variant(
            "The results are exchanged: return (d_h, d_c).",
            lambda *a: step(lambda y, h: y + h)(*a)[::-1],
        ),
    ]
    names = ("d_y", "d_h_next", "d_c_next", "o", "c")
    cases = [
        draw(seed, **{name: (batch, 4) for name in names})
        for seed, batch in ((0, 3), (1, 4))
    ]
    return judge(into_states, cases, variants, results=("d_h", "d_c"))


def _altered(
    step: Callable[..., Any], names: str, **changes: Callable[..., Array]
) -> Callable[..., Any]:
    """Build a step that changes its arguments before it uses them."""

    def compute(*arrays: Array) -> Any:
        given = dict(zip(names.split(), arrays, strict=True))
        return step(
            **given | {name: change(given) for name, change in changes.items()}
        )

    return compute


def _argument_mistakes(
    step: Callable[..., Any], names: str, gates: int
) -> list[Variant]:
    """List the mistakes that come down to giving the right gated step other
    arguments."""

    altered = partial(_altered, step, names)

    def transposed(name: str) -> Callable[..., Array]:
        return lambda given: np.hstack(
            [W.T for W in np.split(given[name], gates, axis=1)]
        )

    def nothing(name: str) -> Callable[..., Array]:
        return lambda given: np.zeros_like(given[name])

    def twice(name: str) -> Callable[..., Array]:
        return lambda given: 2 * given[name]

    def interleaved(name: str) -> Callable[..., Array]:
        return lambda given: np.concatenate(
            [given[name][..., gate::gates] for gate in range(gates)], axis=-1
        )

    biases = [name for name in names.split() if name.startswith("b")]
    mistakes = [
        Variant(
            f"The bias {' and '.join(missing)} is missing.",
            altered(**missing_as_zeros),
        )
        for missing in (
            [biases]
            if len(biases) == 1
            else [biases, *([each] for each in biases)]
        )
        for missing_as_zeros in [{name: nothing(name) for name in missing}]
    ]
    return [
        *mistakes,
        Variant(
            f"The bias {' and '.join(biases)} is counted twice.",
            altered(**{name: twice(name) for name in biases}),
        ),
        Variant(
            "The gates are taken as interleaved, unit by unit; each gate's "
            "columns stand together.",
            altered(
                **{
                    name: interleaved(name)
                    for name in names.split()
                    if name.startswith(("W", "b"))
                }
            ),
        ),
        Variant("The input x is not used.", altered(x=nothing("x"))),
        Variant(
            "The weights are exchanged: x goes with W_x and h with W_h.",
            altered(
                W_x=lambda given: given["W_h"], W_h=lambda given: given["W_x"]
            ),
        ),
        Variant(
            "The gates' matrices are transposed: with rows as samples it is "
            "x @ W, not x @ W.T.",
            altered(W_x=transposed("W_x"), W_h=transposed("W_h")),
        ),
        Variant(
            "The matrices in W_h are transposed: it is h @ W, not h @ W.T.",
            altered(W_h=transposed("W_h")),
        ),
        Variant(
            "The matrices in W_x are transposed: it is x @ W, not x @ W.T.",
            altered(W_x=transposed("W_x")),
        ),
        Variant(
            "The gates do not read the previous state h: its product with "
            "W_h is missing.",
            altered(W_h=nothing("W_h")),
        ),
    ]


def _gru_step(
    x: Array,
    h: Array,
    W_x: Array,
    W_h: Array,
    b_x: Array,
    b_h: Array,
    order: str = "rzn",
    reset_after: bool = True,
    flipped: bool = False,
    sigmoid_gates: str = "rz",
    linear_gates: str = "",
    use_reset: bool = True,
    reset: Callable[..., Array] = lambda r: r,
    candidate: Callable[..., Array] | None = None,
    update: Callable[..., Array] = lambda z, h, n: z * h + (1 - z) * n,
) -> Array:
    """Take a GRU step whose columns stand in `order`; `flipped` exchanges z
    and 1 - z."""
    from_x = dict(zip(order, np.split(x @ W_x + b_x, 3, axis=1), strict=True))
    from_h = dict(zip(order, np.split(h @ W_h + b_h, 3, axis=1), strict=True))
    squash = {
        name: _sigmoid if name in sigmoid_gates else np.tanh for name in order
    } | dict.fromkeys(linear_gates, lambda a: a)
    r, z = (squash[name](from_x[name] + from_h[name]) for name in "rz")
    r = reset(r) if use_reset else np.ones_like(r)
    if candidate is not None:
        n = candidate(r, from_x["n"], from_h["n"])
    elif reset_after:
        n = squash["n"](from_x["n"] + r * from_h["n"])
    else:
        block, bias = order.index("n"), np.split(b_h, 3)[order.index("n")]
        n = squash["n"](
            from_x["n"] + (r * h) @ np.split(W_h, 3, axis=1)[block] + bias
        )
    return update(1 - z if flipped else z, h, n)


# Orders of the gates' columns that widely used libraries have.
GRU_ORDERS = {"rzn": "PyTorch", "zrn": "Keras and ONNX"}


def check_gru_cell(cell: Callable[..., Any]) -> bool:
    """Say whether `cell(x, h, W_x, W_h, b_x, b_h)` returns the GRU's h_t, and
    if not, why.

    r, z = sigmoid(x W_x + b_x + h W_h + b_h); n = tanh(x W_x + b_x + r (h W_h +
    b_h)); h_t = z h + (1 - z) n. Shapes: x (batch, input), h (batch, hidden),
    W_x (input, 3 hidden), W_h (hidden, 3 hidden), b_x and b_h (3 hidden,). The
    columns of a gate stand together, in the order r, z, n. Right as well, and
    named: Keras's order z, r, n; z with its meaning flipped; the reset gate
    before the product, n = tanh(x W_x + b_x + (r h) W_h + b_h). Chapter 03.
    """
    resets = {
        True: "after the product with W_h",
        False: "before the product with W_h",
    }
    flips = {
        False: "z keeps the old state, as in PyTorch and Keras",
        True: "z lets the new state in, as in Chung et al. (2014)",
    }
    variants = []
    mistakes = []
    for order, after, flipped in product(GRU_ORDERS, resets, flips):
        step = partial(
            _gru_step, order=order, reset_after=after, flipped=flipped
        )
        verdict = (
            f"It is a GRU: the reset gate acts {resets[after]}; "
            f"{flips[flipped]}; "
            f"its columns are in the order {', '.join(order)} of "
            f"{GRU_ORDERS[order]}."
        )
        variants.append(Variant(verdict, step, right=True))
        mistakes += _gru_mistakes(step)
        mistakes.append(
            Variant(
                "The candidate n lacks its part of the bias b_h.",
                _without_bias_of(step, order.index("n")),
            )
        )
        if after:
            mistakes.append(
                Variant(
                    "The bias of h W_h stands outside the reset gate: it is "
                    "r (h W_h + b_h).",
                    _with_outer_bias(step),
                )
            )
    for columns in map("".join, permutations("rzn")):
        if columns not in GRU_ORDERS:
            mistakes += [
                Variant(
                    "The gate order: it takes the columns as "
                    f"{', '.join(columns)}; they are "
                    "r, z, n.",
                    partial(
                        _gru_step,
                        order=columns,
                        reset_after=after,
                        flipped=flipped,
                    ),
                )
                for after, flipped in product(resets, flips)
            ]
    return judge(
        cell, _cell_cases(3, ["h"], ["b_x", "b_h"]), variants + mistakes
    )


def _gru_mistakes(step: Callable[..., Array]) -> list[Variant]:
    """List what can go wrong in a GRU of any convention."""
    return [
        Variant(
            "Gate r has tanh in the place of its sigmoid.",
            partial(step, sigmoid_gates="z"),
        ),
        Variant(
            "Gate z has tanh in the place of its sigmoid.",
            partial(step, sigmoid_gates="r"),
        ),
        Variant(
            "The gates have no sigmoid: r and z must lie between 0 and 1.",
            partial(step, linear_gates="rz"),
        ),
        *(
            Variant(
                f"Gate {gate} has no sigmoid: it must lie between 0 and 1.",
                partial(step, linear_gates=gate),
            )
            for gate in "rz"
        ),
        Variant(
            "The candidate n has a sigmoid in the place of its tanh.",
            partial(step, sigmoid_gates="rzn"),
        ),
        Variant(
            "All activations are exchanged: r and z need the sigmoid, n the "
            "tanh.",
            partial(step, sigmoid_gates="n"),
        ),
        Variant(
            "The reset gate r is not used.", partial(step, use_reset=False)
        ),
        Variant(
            "The reset gate is the wrong way round: 1 - r stands where r "
            "belongs.",
            partial(step, reset=lambda r: 1 - r),
        ),
        Variant(
            "The reset gate r scales the input's part as well; it belongs to "
            "h W_h alone.",
            partial(step, candidate=lambda r, x, h: np.tanh(r * (x + h))),
        ),
        Variant(
            "The reset gate r scales the finished candidate; it belongs inside "
            "the tanh, on h W_h.",
            partial(step, candidate=lambda r, x, h: r * np.tanh(x + h)),
        ),
        Variant(
            "The update gate z is not used: h_t = z h + (1 - z) n.",
            partial(step, update=lambda z, h, n: n),
        ),
        Variant(
            "The old state is missing from the result: h_t = z h + (1 - z) n.",
            partial(step, update=lambda z, h, n: (1 - z) * n),
        ),
        Variant(
            "The candidate is not weighted: h_t = z h + (1 - z) n.",
            partial(step, update=lambda z, h, n: z * h + n),
        ),
        Variant(
            "The old state is not weighted: h_t = z h + (1 - z) n.",
            partial(step, update=lambda z, h, n: h + (1 - z) * n),
        ),
        Variant(
            "The state comes back unchanged: return the new one, not h.",
            partial(step, update=lambda z, h, n: h),
        ),
        *_argument_mistakes(step, "x h W_x W_h b_x b_h", gates=3),
    ]


def _without_bias_of(
    step: Callable[..., Array], gate: int
) -> Callable[..., Array]:
    """Build the step that leaves one gate's columns of b_h out."""

    def other_columns(given: Arguments) -> Array:
        b_h = given["b_h"].copy()
        np.split(b_h, 3)[gate][...] = 0
        return b_h

    return _altered(step, "x h W_x W_h b_x b_h", b_h=other_columns)


def _with_outer_bias(step: Callable[..., Array]) -> Callable[..., Array]:
    """Build the step in which the candidate's second bias is added to x W_x
    instead."""

    def compute(
        x: Array, h: Array, W_x: Array, W_h: Array, b_x: Array, b_h: Array
    ) -> Array:
        moved = b_h.copy()
        moved[: 2 * len(moved) // 3] = 0
        return step(x, h, W_x, W_h, b_x + moved, b_h - moved)

    return compute

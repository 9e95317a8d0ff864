"""Checkers for the exercises: given a reader's function, they say which mistake it makes.

A checker calls the function on random arguments and compares its numbers with those of known
variants: the right one, other right conventions, and the mistakes that people make. The variant
whose numbers come back is what the reader wrote.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations, product
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

Array = Float[np.ndarray, "..."]
AnyArray = Shaped[np.ndarray, "..."]
Arguments = dict[str, AnyArray]

# Results in float32 pass; variants differ by far more (a test holds that).
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Variant:
    """One way to compute the exercise's function, right or wrong, and what to tell its author."""

    verdict: str
    compute: Callable[..., Any]
    right: bool = False


def judge(
    function: Callable[..., Any], cases: Sequence[Arguments], variants: Sequence[Variant]
) -> bool:
    """Print which variant the function computes, and return whether that one is right.

    The function is called with each case's arrays, in order, as NumPy arrays or, if it cannot
    take them, as PyTorch tensors. A first case of unequal sizes finds wrong shapes; a later one of
    equal sizes tells transposed from exchanged matrices. A function that writes into its arguments
    is wrong, whatever it returns.
    """
    problem = None
    for case in cases:
        try:
            results, changed = _call(function, case)
        except Exception as error:
            problem = problem or _failure(error, case)
            continue
        if changed:
            print(
                f"Not yet. It changes its argument {changed} in place, and so the caller's own "
                f"array: make a new one instead of writing into {changed}."
            )
            return False
        right = _flat(next(v for v in variants if v.right).compute(*case.values()))
        fault = _fault(results, right)
        found = None if fault else _recognise(results, case, variants)
        if found and not (found.right and problem):
            print(("Right. " if found.right else "Not yet. ") + found.verdict)
            return found.right
        if found:
            problem = f"{problem} (With equal sizes everywhere, it is right.)"
            break
        problem = problem or fault or _difference(results, right, len(variants))
    print(f"Not yet. {problem}")
    return False


def _call(function: Callable[..., Any], case: Arguments) -> tuple[list[np.ndarray], str | None]:
    """Return the function's results and the name of an argument that it changed."""
    arrays = [array.copy() for array in case.values()]
    torch = sys.modules.get("torch")
    try:
        results = function(*arrays)
    except Exception as error:
        if torch is None:
            raise
        try:
            results = function(*(torch.from_numpy(array) for array in arrays))
        except Exception:
            if "Tensor" in str(error) or isinstance(error, AttributeError):
                raise
            raise error from None
    results = [
        np.asarray(each.detach() if hasattr(each, "detach") else each).copy()
        for each in _flat(results)
    ]
    for (name, before), after in zip(case.items(), arrays, strict=True):
        if not np.array_equal(before, after):
            return results, name
    return results, None


def _failure(error: Exception, case: Arguments) -> str:
    first_line = str(error).partition("\n")[0]
    shapes = ", ".join(f"{name} {array.shape}" for name, array in case.items())
    return f"It fails with {type(error).__name__}: {first_line}. Its arguments were {shapes}."


def _flat(results: Any) -> list[Any]:
    """List what a function returned: one array, or a tuple of arrays and tuples."""
    if isinstance(results, tuple | list):
        return [each for part in results for each in _flat(part)]
    return [results]


def _fault(results: list[np.ndarray], right: list[np.ndarray]) -> str | None:
    """Say what keeps the results from being compared number by number."""
    if len(results) != len(right):
        return f"It returns {len(results)} arrays; {len(right)} are expected."
    for result, expected in zip(results, right, strict=True):
        if result.shape != expected.shape:
            return f"It returns the shape {result.shape}; {expected.shape} is expected."
        if not np.issubdtype(result.dtype, np.number):
            return f"It returns the type {result.dtype}; numbers are expected."
        if not np.isfinite(result).all():
            return "Its result holds NaN or infinity."
    return None


def _recognise(
    results: list[np.ndarray], case: Arguments, variants: Sequence[Variant]
) -> Variant | None:
    """Find the variant that gives the same numbers."""
    for variant in variants:
        try:
            expected = _flat(variant.compute(*case.values()))
        except ValueError:
            continue  # An exchanged or transposed matrix fits equal sizes only.
        if _fault(results, expected) is None and all(
            np.allclose(result, array, rtol=0, atol=TOLERANCE)
            for result, array in zip(results, expected, strict=True)
        ):
            return variant
    return None


def _difference(results: list[np.ndarray], right: list[np.ndarray], known: int) -> str:
    largest = max(
        float(np.abs(result - array).max()) for result, array in zip(results, right, strict=True)
    )
    return (
        f"Shapes are right, numbers are not: they are off by up to {largest:.2g} and match none of "
        f"the {known} variants that this checker knows. Compare term by term with the equations."
    )


def draw(seed: int, **shapes: tuple[int, ...]) -> Arguments:
    """Draw a checker's arguments from the standard normal distribution."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _cell_cases(gates: int, states: Sequence[str], biases: Sequence[str]) -> list[Arguments]:
    """Draw the arguments of a recurrent cell, once with unequal and once with equal sizes."""
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
    """Say whether `cell(x, h, W_x, W_h, b)` returns h_t = tanh(x W_x + h W_h + b), and if not, why.

    Shapes: x (batch, input), h (batch, hidden), W_x (input, hidden), W_h (hidden, hidden),
    b (hidden,). Chapter 01.
    """

    def tanh(z: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *arguments: np.tanh(z(*arguments))

    def right(x: Array, h: Array, W_x: Array, W_h: Array, b: Array) -> Array:
        return x @ W_x + h @ W_h + b

    variants = [
        Variant("It computes tanh(x W_x + h W_h + b).", tanh(right), right=True),
        Variant("The tanh is missing: without it the recurrence is linear.", right),
        Variant("The bias b is missing.", tanh(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h)),
        Variant(
            "The bias stands outside the tanh; it belongs inside, with the two products.",
            lambda x, h, W_x, W_h, b: np.tanh(x @ W_x + h @ W_h) + b,
        ),
        Variant(
            "The previous state h is not used: every step forgets the ones before it.",
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
        Variant("The input x is not used.", tanh(lambda x, h, W_x, W_h, b: h @ W_h + b)),
        Variant(
            "The weights are exchanged: x goes with W_x and h with W_h.",
            tanh(lambda x, h, W_x, W_h, b: x @ W_h + h @ W_x + b),
        ),
        Variant(
            "Both products are transposed: with rows as samples it is x @ W_x, not x @ W_x.T.",
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
    squash: Callable[[Array], Array] = np.tanh,
) -> tuple[Array, Array]:
    """Take an LSTM step whose columns stand in `order` and whose `tanh_gates` have tanh."""
    gates = {
        name: (np.tanh if name in tanh_gates else _sigmoid)(z)
        for name, z in zip(order, np.split(x @ W_x + h @ W_h + b, 4, axis=1), strict=True)
    }
    i, f, g, o = (gates[name] for name in "ifgo")
    new_c = f * c + i * g
    return o * squash(new_c), new_c


# Orders of the gates' columns that widely used libraries have, beside PyTorch's and Keras's.
LSTM_ORDERS = {"iofg": "ONNX", "igfo": "TensorFlow 1 and Haiku"}


def check_lstm_cell(cell: Callable[..., Any]) -> bool:
    """Say whether `cell(x, h, c, W_x, W_h, b)` returns the LSTM's (h_t, c_t), and if not, why.

    i, f, o = sigmoid and g = tanh of x W_x + h W_h + b; c_t = f c + i g; h_t = o tanh(c_t). Shapes:
    x (batch, input), h and c (batch, hidden), W_x (input, 4 hidden), W_h (hidden, 4 hidden),
    b (4 hidden,). The columns of a gate stand together, in the order i, f, g, o of PyTorch and
    Keras; the orders of other libraries are recognised. Chapter 02.
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
        right("It is the LSTM, its columns in the order i, f, g, o of PyTorch and Keras.", "ifgo"),
        *(
            right(
                f"It is the LSTM, its columns in the order {', '.join(order)} of {library}. "
                "PyTorch and Keras have i, f, g, o: reorder weights that come from there.",
                order,
            )
            for order, library in LSTM_ORDERS.items()
        ),
        Variant(
            "Input and forget gate are exchanged: it takes the columns as f, i, g, o, or computes "
            "c_t = i c + f g.",
            partial(_lstm_step, order="figo"),
        ),
        *(
            Variant(
                f"The gate order: it takes the columns as {', '.join(order)}; they are i, f, g, o.",
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
        # To read the columns as g, f, i, o gives the same numbers as the first of these.
        *(
            Variant(
                f"Sigmoid and tanh are exchanged: {gate} needs the sigmoid and g the tanh.",
                partial(_lstm_step, tanh_gates=gate),
            )
            for gate in "ifo"
        ),
        Variant(
            "The candidate g has a sigmoid in the place of its tanh.",
            partial(_lstm_step, tanh_gates=""),
        ),
        Variant(
            "All activations are exchanged: i, f and o need the sigmoid, g the tanh.",
            partial(_lstm_step, tanh_gates="ifo"),
        ),
        Variant(
            "The forget gate is missing: c_t = f c + i g. Without f it is the LSTM of 1997.",
            with_cell(lambda i, f, g, o, c: c + i * g),
        ),
        Variant(
            "The input gate is missing: c_t = f c + i g.",
            with_cell(lambda i, f, g, o, c: f * c + g),
        ),
        Variant(
            "The input gate is coupled to the forget gate, (1 - f) g: a model of its own. Here it "
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
            "There is a sigmoid on the cell in the place of tanh: h_t = o tanh(c_t).",
            partial(_lstm_step, squash=_sigmoid),
        ),
        Variant(
            "The output gate is missing: h_t = o tanh(c_t).",
            with_output(lambda o, c, new_c: np.tanh(new_c)),
        ),
        Variant(
            "The output reads the old cell: h_t = o tanh(c_t), after the update.",
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
        *_argument_mistakes(_lstm_step, "x h c W_x W_h b", gates=4),
    ]
    return judge(cell, _cell_cases(4, ["h", "c"], ["b"]), variants)


def _argument_mistakes(step: Callable[..., Any], names: str, gates: int) -> list[Variant]:
    """List the mistakes that come down to giving the right gated step other arguments."""

    def altered(**changes: Callable[..., Array]) -> Callable[..., Any]:
        def compute(*arrays: Array) -> Any:
            given = dict(zip(names.split(), arrays, strict=True))
            return step(**given | {name: change(given) for name, change in changes.items()})

        return compute

    def transposed(name: str) -> Callable[..., Array]:
        return lambda given: np.hstack([W.T for W in np.split(given[name], gates, axis=1)])

    def nothing(name: str) -> Callable[..., Array]:
        return lambda given: np.zeros_like(given[name])

    biases = [name for name in names.split() if name.startswith("b")]
    mistakes = [
        Variant(f"The bias {' and '.join(missing)} is missing.", altered(**missing_as_zeros))
        for missing in ([biases] if len(biases) == 1 else [biases, *([each] for each in biases)])
        for missing_as_zeros in [{name: nothing(name) for name in missing}]
    ]
    return [
        *mistakes,
        Variant("The input x is not used.", altered(x=nothing("x"))),
        Variant(
            "The weights are exchanged: x goes with W_x and h with W_h.",
            altered(W_x=lambda given: given["W_h"], W_h=lambda given: given["W_x"]),
        ),
        Variant(
            "The gates' matrices are transposed: with rows as samples it is x @ W, not x @ W.T.",
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
            "The gates do not read the previous state h: its product with W_h is missing.",
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
    use_reset: bool = True,
    update: Callable[..., Array] = lambda z, h, n: z * h + (1 - z) * n,
) -> Array:
    """Take a GRU step whose columns stand in `order`; `flipped` exchanges z and 1 - z."""
    from_x = dict(zip(order, np.split(x @ W_x + b_x, 3, axis=1), strict=True))
    from_h = dict(zip(order, np.split(h @ W_h + b_h, 3, axis=1), strict=True))
    squash = {name: _sigmoid if name in sigmoid_gates else np.tanh for name in order}
    r, z = (squash[name](from_x[name] + from_h[name]) for name in "rz")
    if not use_reset:
        r = np.ones_like(r)
    if reset_after:
        n = squash["n"](from_x["n"] + r * from_h["n"])
    else:
        block, bias = order.index("n"), np.split(b_h, 3)[order.index("n")]
        n = squash["n"](from_x["n"] + (r * h) @ np.split(W_h, 3, axis=1)[block] + bias)
    return update(1 - z if flipped else z, h, n)


# Orders of the gates' columns that widely used libraries have.
GRU_ORDERS = {"rzn": "PyTorch", "zrn": "Keras and ONNX"}


def check_gru_cell(cell: Callable[..., Any]) -> bool:
    """Say whether `cell(x, h, W_x, W_h, b_x, b_h)` returns the GRU's h_t, and if not, why.

    r, z = sigmoid(x W_x + b_x + h W_h + b_h); n = tanh(x W_x + b_x + r (h W_h + b_h));
    h_t = z h + (1 - z) n. Shapes: x (batch, input), h (batch, hidden), W_x (input, 3 hidden), W_h
    (hidden, 3 hidden), b_x and b_h (3 hidden,). The columns of a gate stand together, in the order
    r, z, n. Right as well, and named: Keras's order z, r, n; z with its meaning flipped; the reset
    gate before the product, n = tanh(x W_x + b_x + (r h) W_h + b_h). Chapter 03.
    """
    resets = {True: "after the product with W_h", False: "before the product with W_h"}
    flips = {
        False: "z keeps the old state, as in PyTorch and Keras",
        True: "z lets the new state in, as in Chung et al. (2014)",
    }
    variants = []
    mistakes = []
    for order, after, flipped in product(GRU_ORDERS, resets, flips):
        step = partial(_gru_step, order=order, reset_after=after, flipped=flipped)
        verdict = (
            f"It is a GRU: the reset gate acts {resets[after]}; {flips[flipped]}; "
            f"its columns are in the order {', '.join(order)} of {GRU_ORDERS[order]}."
        )
        variants.append(Variant(verdict, step, right=True))
        mistakes += _gru_mistakes(step)
        if after:
            mistakes.append(
                Variant(
                    "The bias of h W_h stands outside the reset gate: it is r (h W_h + b_h).",
                    _with_outer_bias(step),
                )
            )
    for columns in map("".join, permutations("rzn")):
        if columns not in GRU_ORDERS:
            mistakes += [
                Variant(
                    f"The gate order: it takes the columns as {', '.join(columns)}; they are "
                    "r, z, n.",
                    partial(_gru_step, order=columns, reset_after=after, flipped=flipped),
                )
                for after, flipped in product(resets, flips)
            ]
    return judge(cell, _cell_cases(3, ["h"], ["b_x", "b_h"]), variants + mistakes)


def _gru_mistakes(step: Callable[..., Array]) -> list[Variant]:
    """List what can go wrong in a GRU of any convention."""
    return [
        Variant("Gate r has tanh in the place of its sigmoid.", partial(step, sigmoid_gates="z")),
        Variant("Gate z has tanh in the place of its sigmoid.", partial(step, sigmoid_gates="r")),
        Variant(
            "The candidate n has a sigmoid in the place of its tanh.",
            partial(step, sigmoid_gates="rzn"),
        ),
        Variant(
            "All activations are exchanged: r and z need the sigmoid, n the tanh.",
            partial(step, sigmoid_gates="n"),
        ),
        Variant("The reset gate r is not used.", partial(step, use_reset=False)),
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


def _with_outer_bias(step: Callable[..., Array]) -> Callable[..., Array]:
    """Build the step in which the candidate's second bias is added to x W_x instead."""

    def compute(x: Array, h: Array, W_x: Array, W_h: Array, b_x: Array, b_h: Array) -> Array:
        moved = b_h.copy()
        moved[: 2 * len(moved) // 3] = 0
        return step(x, h, W_x, W_h, b_x + moved, b_h - moved)

    return compute


def check_padding_mask(padding_mask: Callable[..., Any]) -> bool:
    """Say whether `padding_mask(lengths, time)` is True at valid positions, and if not, why.

    Shapes: lengths (batch,), time a whole number, the mask (batch, time), boolean. Chapter 07.
    """

    def as_numbers(lengths: Any, time: Any) -> Array:
        mask = np.asarray(padding_mask(lengths, int(time)))
        if mask.dtype != bool:
            raise TypeError(f"the mask's type is {mask.dtype}, where True and False are expected")
        return mask.astype(float)

    def marked(compare: Callable[..., Any]) -> Callable[..., Array]:
        return lambda lengths, time: compare(np.arange(time), lengths[:, None]).astype(float)

    variants = [
        Variant("It marks the valid positions.", marked(np.less), right=True),
        Variant("It marks the padding; True belongs to valid positions.", marked(np.greater_equal)),
        Variant(
            "It marks one position too many: the positions are 0 to length - 1.",
            marked(np.less_equal),
        ),
        Variant(
            "It marks one position too few: position length - 1 is valid.",
            marked(lambda steps, lengths: steps < lengths - 1),
        ),
        Variant(
            "It marks the last positions of each row; the padding stands on the right.",
            marked(lambda steps, lengths: steps[::-1] < lengths),
        ),
    ]
    lengths = {"unequal": [5, 1, 3], "equal": [3, 1, 2]}
    cases = [
        {"lengths": np.array(lengths["unequal"]), "time": np.array(5)},
        {"lengths": np.array(lengths["equal"]), "time": np.array(3)},
    ]
    return judge(as_numbers, cases, variants)


def _softmax(scores: Array, axis: int | tuple[int, ...] = -1) -> Array:
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def _masked_weights(scores: Array, mask: AnyArray, axis: int | tuple[int, ...] = -1) -> Array:
    """Return the softmax over valid positions; a large negative score stands for minus infinity."""
    return _softmax(np.where(mask[:, None, :], scores, -1e9), axis)


# The ways to turn scores and a mask into weights that people take, beside the right one.
WEIGHT_MISTAKES: dict[str, Callable[..., Array]] = {
    "The softmax runs over the queries, axis 1; the weights of one query over the positions, the "
    "last axis, must sum to one.": partial(_masked_weights, axis=1),
    "The softmax runs over the batch, axis 0; rows of a batch must not know of "
    "each other.": (
        partial(_masked_weights, axis=0)
    ),
    "The softmax runs over queries and positions together; each query has "
    "weights of its own.": (
        partial(_masked_weights, axis=(1, 2))
    ),
    "The mask is not used: padding receives weight.": lambda scores, mask: _softmax(scores),
    "The mask comes after the softmax, so a row's weights sum to less than "
    "one: mask the scores.": (
        lambda scores, mask: _softmax(scores) * mask[:, None, :]
    ),
    "The scores of padding are set to 0, and exp(0) is 1: set them to minus "
    "infinity.": (
        lambda scores, mask: _softmax(scores * mask[:, None, :])
    ),
    "The mask is inverted: all weight lies on the padding.": (
        lambda scores, mask: _masked_weights(scores, ~mask)
    ),
}


def _attention_cases(**shapes: Callable[[int, int, int, int], tuple[int, ...]]) -> list[Arguments]:
    """Draw unequal sizes with padding, then equal sizes: batch, queries, time, features.

    The second mask hides nothing, for a softmax over a wrong axis finds rows of padding alone and
    returns NaN for them.
    """
    cases = []
    for seed, sizes, lengths in ((0, (2, 3, 5, 4), [5, 3]), (1, (4, 4, 4, 4), [4] * 4)):
        arrays = draw(seed, **{name: shape(*sizes) for name, shape in shapes.items()})
        mask = np.arange(sizes[2]) < np.array(lengths)[:, None]
        cases.append({**arrays, "mask": mask})
    return cases


def check_attention_weights(attention_weights: Callable[..., Any]) -> bool:
    """Say whether `attention_weights(scores, mask)` is a masked softmax, and if not, why.

    Shapes: scores and weights (batch, queries, time), mask (batch, time), True at valid positions.
    The weights of each query sum to one over the valid positions. Chapter 07.
    """
    variants = [
        Variant("Each query's weights sum to one, and padding has none.", _masked_weights, True),
        *(Variant(verdict, compute) for verdict, compute in WEIGHT_MISTAKES.items()),
        Variant(
            "The exponential is missing: a softmax divides exp(score) by the sum of exp(scores).",
            lambda scores, mask: scores / scores.sum(axis=-1, keepdims=True),
        ),
    ]
    cases = _attention_cases(scores=lambda batch, queries, time, size: (batch, queries, time))
    return judge(attention_weights, cases, variants)


def check_log_softmax(log_softmax: Callable[..., Any]) -> bool:
    """Say whether `log_softmax(x)` is x - log sum exp(x) over the last axis, and if not, why.

    The first case holds numbers in the thousands, where the logarithm of a softmax is minus
    infinity. Chapter 07.
    """

    def right(x: Array) -> Array:
        shifted = x - x.max(axis=-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    def quiet(compute: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def silenced(x: Array) -> Array:
            with np.errstate(all="ignore"):
                return compute(x)

        return silenced

    variants = [
        Variant(
            "Its numbers are right while they are small. With scores in the thousands exp "
            "overflows, or a probability becomes 0 and its logarithm minus infinity: subtract the "
            "largest score, then the log of the sum of exponentials.",
            quiet(lambda x: np.log(_softmax(x))),
        ),
        Variant("It survives scores in the thousands.", right, right=True),
        Variant("The logarithm is missing.", _softmax),
        Variant("It is the negative of the log-softmax.", lambda x: -right(x)),
        Variant(
            "It runs over the first axis, the batch; the classes are the last.",
            lambda x: right(x.T).T,
        ),
    ]
    cases = [{"x": 1000 * draw(0, x=(3, 5))["x"]}, draw(1, x=(4, 4))]
    return judge(log_softmax, cases, variants)


def check_dot_product_attention(attention: Callable[..., Any]) -> bool:
    """Say whether `attention(queries, keys, values, mask)` returns the right contexts, or why not.

    softmax(Q K^T / sqrt(d)) V over the valid positions, equation 1 of Vaswani et al. (2017).
    Shapes: queries (batch, queries, d), keys (batch, time, d), values (batch, time, value), mask
    (batch, time), True at valid positions, contexts (batch, queries, value). Chapter 07.
    """

    def attended(
        weigh: Callable[..., Array], scale: Callable[[Array], float]
    ) -> Callable[..., Array]:
        def compute(queries: Array, keys: Array, values: Array, mask: AnyArray) -> Array:
            scores = queries @ keys.swapaxes(1, 2) / scale(keys)
            return weigh(scores, mask) @ values

        return compute

    def root(keys: Array) -> float:
        return float(np.sqrt(keys.shape[-1]))

    variants = [
        Variant("It is scaled dot-product attention.", attended(_masked_weights, root), True),
        Variant(
            "The scores are not divided by the root of the keys' size.",
            attended(_masked_weights, lambda keys: 1.0),
        ),
        Variant(
            "The scores are divided by the keys' size; it is the root of it.",
            attended(_masked_weights, lambda keys: float(keys.shape[-1])),
        ),
        Variant(
            "The scores are divided by the root of the number of positions; it is the root of the "
            "keys' size, the last axis.",
            attended(_masked_weights, lambda keys: float(np.sqrt(keys.shape[1]))),
        ),
        *(
            Variant(verdict, attended(compute, root))
            for verdict, compute in WEIGHT_MISTAKES.items()
        ),
    ]
    cases = _attention_cases(
        queries=lambda batch, queries, time, size: (batch, queries, size),
        keys=lambda batch, queries, time, size: (batch, time, size),
        values=lambda batch, queries, time, size: (batch, time, size + 2),
    )
    return judge(attention, cases, variants)


def check_price_windows(windows: Callable[..., Any]) -> bool:
    """Say whether `windows(series)` cuts windows of 5 steps with the value after each.

    It returns (windows (time - 5, 5), targets (time - 5,)). Chapter 08.
    """

    def cut(series: Array, length: int = 5) -> Array:
        return np.lib.stride_tricks.sliding_window_view(series, length)

    variants = [
        Variant(
            "Each window is followed by its target.", lambda s: (cut(s)[:-1], s[5:]), right=True
        ),
        Variant(
            "Off by one: the target is the window's own last value, so the model sees the answer.",
            lambda s: (cut(s)[:-1], s[4:-1]),
        ),
        Variant(
            "Off by one: the windows begin a step late and end with their own target.",
            lambda s: (cut(s)[1:], s[5:]),
        ),
        Variant("The target is the first value of the window.", lambda s: (cut(s)[:-1], s[:-5])),
        Variant(
            "The windows are reversed: oldest first is expected.",
            lambda s: (cut(s)[:-1, ::-1], s[5:]),
        ),
        Variant("The results are exchanged: windows first.", lambda s: (s[5:], cut(s)[:-1])),
    ]
    return judge(windows, [draw(0, series=(20,)), draw(1, series=(10,))], variants)


def check_scaler(scale: Callable[..., Any]) -> bool:
    """Say whether `scale(train, test)` min-max scales both with what the training part knows.

    (x - min(train)) / (max(train) - min(train)); it returns both parts, scaled. Chapter 08.
    """

    def by(seen: Callable[[Array, Array], Array]) -> Callable[..., tuple[Array, Array]]:
        def compute(train: Array, test: Array) -> tuple[Array, Array]:
            low, high = seen(train, test).min(), seen(train, test).max()
            return (train - low) / (high - low), (test - low) / (high - low)

        return compute

    def alone(part: Array) -> Array:
        return (part - part.min()) / (part.max() - part.min())

    right = by(lambda train, test: train)
    variants = [
        Variant("The test part is scaled with the training part's range.", right, right=True),
        Variant(
            "It leaks: the range comes from both parts, so training knows the test's extremes.",
            by(lambda train, test: np.concatenate([train, test])),
        ),
        Variant(
            "Each part has its own range: the test's comes from its own future, and equal prices "
            "become unequal inputs.",
            lambda train, test: (alone(train), alone(test)),
        ),
        Variant("The range comes from the test part.", by(lambda train, test: test)),
        Variant(
            "The test part is clipped to [0, 1]: prices beyond the training range all look alike.",
            lambda train, test: (right(train, test)[0], right(train, test)[1].clip(0, 1)),
        ),
        Variant(
            "These are z-scores; min-max scaling divides by the range.",
            lambda train, test: tuple((x - train.mean()) / train.std() for x in (train, test)),
        ),
        Variant("The results are exchanged: train first.", lambda a, b: right(a, b)[::-1]),
    ]
    # The test part reaches beyond the training part, as prices do; else no leak would show.
    cases = [
        {"train": case["train"], "test": 9 * case["test"]}
        for case in (draw(0, train=(30,), test=(8,)), draw(1, train=(9,), test=(9,)))
    ]
    return judge(scale, cases, variants)


def check_har_features(features: Callable[..., Any]) -> bool:
    """Say whether `features(log_variance)` returns HAR's three regressors at every origin.

    Column 0 is the last value, columns 1 and 2 the means of the last 5 and 22 values, the last one
    included. The first origin is the 22nd value: the shape is (time - 21, 3). Chapter 08.
    """

    def mean(series: Array, days: int) -> Array:
        """Average the last `days` values at each position from `days - 1` on."""
        return np.lib.stride_tricks.sliding_window_view(series, days).mean(axis=1)

    def build(week: Callable[[Array], Array], month: Callable[[Array], Array]) -> Callable:
        return lambda v: np.column_stack([v[21:], week(v), month(v)])

    def last_week(v: Array) -> Array:
        return mean(v, 5)[17:]

    def last_month(v: Array) -> Array:
        return mean(v, 22)

    def ahead(v: Array, days: int) -> Array:
        return np.array([v[at : at + days].mean() for at in range(21, len(v))])

    variants = [
        Variant("These are HAR's day, week and month.", build(last_week, last_month), right=True),
        Variant(
            "The means look ahead: they begin at the origin; they have to end there.",
            build(lambda v: ahead(v, 5), lambda v: ahead(v, 22)),
        ),
        Variant(
            "The week leaves out the last value: it should end at the origin.",
            build(lambda v: mean(v, 5)[16:-1], last_month),
        ),
        Variant(
            "The week has four values; it is five trading days.",
            build(lambda v: mean(v, 4)[18:], last_month),
        ),
        Variant(
            "The week has seven values; it is five trading days.",
            build(lambda v: mean(v, 7)[15:], last_month),
        ),
        Variant(
            "These are sums; HAR takes means.",
            build(lambda v: 5 * last_week(v), lambda v: 22 * last_month(v)),
        ),
        Variant("Week and month are exchanged.", build(last_month, last_week)),
        Variant(
            "The month has 21 values; it is 22 here.",
            build(last_week, lambda v: mean(v, 21)[1:]),
        ),
    ]
    cases = [draw(0, log_variance=(60,)), draw(1, log_variance=(44,))]
    return judge(features, cases, variants)


def check_masked_loss(loss: Callable[..., Any]) -> bool:
    """Say whether `loss(predicted, target, mask)` is the mean squared error over valid steps.

    Shapes: predicted and target (batch, time), mask (batch, time), True on valid steps. Chapter 05.
    """
    mask = np.arange(6) < np.array([6, 4, 1])[:, None]
    case = draw(0, predicted=mask.shape, target=mask.shape) | {"mask": mask}

    def square(p: Array, t: Array, m: AnyArray) -> Array:
        return (p - t) ** 2 * m

    def one(value: Callable[..., Any]) -> Callable[..., Array]:
        return lambda *arguments: np.asarray(value(*arguments))

    variants = [
        Variant(
            "It averages the squared errors of the valid steps.",
            one(lambda p, t, m: square(p, t, m).sum() / m.sum()),
            right=True,
        ),
        Variant(
            "It averages over the padding too: errors on padded steps count.",
            one(lambda p, t, m: ((p - t) ** 2).mean()),
        ),
        Variant(
            "It sums the valid steps and divides by all steps: more padding makes it smaller.",
            one(lambda p, t, m: square(p, t, m).mean()),
        ),
        Variant(
            "It sums and does not divide by the number of valid steps, mask.sum().",
            one(lambda p, t, m: square(p, t, m).sum()),
        ),
        Variant(
            "It averages each row first and then the rows: a step of a short row weighs more than "
            "one of a long row.",
            one(lambda p, t, m: (square(p, t, m).sum(axis=1) / m.sum(axis=1)).mean()),
        ),
        Variant(
            "It takes absolute errors; square them.",
            one(lambda p, t, m: (np.abs(p - t) * m).sum() / m.sum()),
        ),
        Variant(
            "The mask is upside down: True marks a valid step.",
            one(lambda p, t, m: square(p, t, ~m).sum() / (~m).sum()),
        ),
    ]
    return judge(loss, [case], variants)


def check_final_states(pool: Callable[..., Any]) -> bool:
    """Say whether `pool(outputs, lengths)` returns both directions' final states, side by side.

    Shapes: outputs (batch, time, 2 hidden) of a bidirectional layer, right-padded, lengths
    (batch,); the result (batch, 2 hidden), the forward direction first. Chapter 06.
    """
    lengths = np.array([5, 2, 3, 1])
    case: Arguments = draw(0, outputs=(4, 5, 6)) | {"lengths": lengths}
    rows = np.arange(len(lengths))

    def halves(ahead: AnyArray | int, back: AnyArray | int) -> Callable[..., Array]:
        return lambda outputs, n: np.hstack([outputs[rows, ahead, :3], outputs[rows, back, 3:]])

    last = lengths - 1
    variants = [
        Variant(
            "It takes the forward half at each row's last valid step, the backward half at step 0.",
            halves(last, 0),
            right=True,
        ),
        Variant(
            "It takes the last column: the forward half has read padding, and the backward half "
            "has read one step.",
            halves(-1, -1),
        ),
        Variant(
            "It takes the last valid step whole, where the backward half has read one step: its "
            "final state is at step 0.",
            halves(last, last),
        ),
        Variant(
            "The backward half is right; the forward half comes from the last column, after the "
            "padding.",
            halves(-1, 0),
        ),
        Variant(
            "Step 0 is right for the backward half only; the forward half has read one step there.",
            halves(0, 0),
        ),
        Variant(
            "The halves' steps are exchanged: forward ends at the last valid step, backward at 0.",
            halves(0, last),
        ),
        Variant(
            "The backward direction stands first; put the forward one first.",
            lambda outputs, n: np.hstack([outputs[rows, 0, 3:], outputs[rows, last, :3]]),
        ),
        Variant(
            "It is off by one: the last valid step of a row has the index lengths - 1.",
            halves(np.minimum(lengths, 4), 0),
        ),
    ]
    return judge(pool, [case], variants)


def check_masked_max(pool: Callable[..., Any]) -> bool:
    """Say whether `pool(outputs, mask)` is each unit's largest value over a row's valid steps.

    Shapes: outputs (batch, time, hidden), mask (batch, time), True on valid steps; the result
    (batch, hidden). Chapter 09.
    """
    mask = np.arange(6) < np.array([5, 3, 1])[:, None]
    case = draw(0, outputs=(3, 6, 4)) | {"mask": mask}
    # Negative throughout, so that a zero in the padding would be the largest.
    case["outputs"] = -np.abs(case["outputs"])

    def largest(outside: float, axis: int = 1) -> Callable[..., Array]:
        return lambda o, m: np.where(m[:, :, None], o, outside).max(axis=axis)

    variants = [
        Variant("It takes the maximum over the valid steps.", largest(-np.inf), right=True),
        Variant(
            "It sets the padding to 0, and 0 is more than a unit that is negative throughout: set "
            "it to -inf.",
            largest(0.0),
        ),
        Variant("It takes the maximum over the padding too.", lambda o, m: o.max(axis=1)),
        Variant(
            "The mask is upside down: True marks a valid step.",
            lambda o, m: np.where(m[:, :, None], -np.inf, o).max(axis=1),
        ),
        Variant(
            "It averages over the valid steps; take the maximum.",
            lambda o, m: (o * m[:, :, None]).sum(axis=1) / m.sum(axis=1, keepdims=True),
        ),
        Variant(
            "It takes the state at the last valid step; take each unit's maximum over all of them.",
            lambda o, m: o[np.arange(len(o)), m.sum(axis=1) - 1],
        ),
        Variant(
            "It takes the largest absolute value; keep the sign.",
            lambda o, m: np.where(m[:, :, None], np.abs(o), -np.inf).max(axis=1),
        ),
    ]
    return judge(pool, [case], variants)

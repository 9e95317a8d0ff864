"""Drawings of padded batches, in the style of `utils.figures.diagrams`."""

from collections.abc import Sequence

from utils.figures.diagrams import ROWS
from utils.figures.sketch import Drawing, Pixels, Sketch

Steps = list[int]
LEFT, ACROSS, DOWN, CELL, BETWEEN, HEAD = 54, 48, 40, 34, 64, 40


def packed_batch(lengths: Sequence[int] = (2, 4, 3)) -> Drawing:
    """Draw how a padded batch is sorted, packed, run and gathered.

    Sorting puts the longest row first, so that the rows still running at a
    step stand together; packing lays the steps one after the other, without
    the padding. Behind the layer each row's last output stands at its length
    minus 1. Chapter 05.

    Raises:
        ValueError: there is no row, or a length is below 1.
    """
    _check_lengths(lengths)
    rows = range(len(lengths))
    ranked = sorted(rows, key=lambda row: -lengths[row])
    time, left, across, down = max(lengths), 26, 35, 31
    beside = left + across * time + 62
    sorted_at, packed_at = 42, 104 + down * len(rows)
    outputs_at = packed_at + 108
    packed_width = across * sum(lengths) + 12 * (time - 1)
    s = Sketch(
        max(beside + across * time, left + packed_width, 430),
        outputs_at + down * len(rows),
    )

    def cell(
        x: Pixels,
        y: Pixels,
        row: int,
        step: int,
        sign: str = "",
        role: str = "box",
    ) -> None:
        name, color = _name(row), ROWS[row % len(ROWS)]
        label = f"{sign}^{name}_{step}" if sign else f"{name}_{step}"
        s.box(x, y, label, color, across - 3, down - 3, role)

    def grid(
        x: Pixels, y: Pixels, order: Sequence[int], sign: str = ""
    ) -> None:
        for place, row in enumerate(order):
            for t in range(time):
                at = x + across * t, y + down * place
                if t >= lengths[row]:
                    s.box(*at, "0", "muted", across - 3, down - 3, "open")
                else:
                    is_seen = not sign or t == lengths[row] - 1
                    cell(*at, row, t + 1, sign, "box" if is_seen else "open")

    s.words(left - 16, 12, "padded", "left")
    grid(left, sorted_at, rows)
    middle = sorted_at + down * (len(rows) - 1) / 2
    s.arrow((beside - 66, middle), (beside - 24, middle))
    s.words(beside - 16, 12, "sorted, longest first", "left")
    grid(beside, sorted_at, ranked)

    s.words(
        left - 16,
        packed_at - 30,
        "packed, step by step; below, the rows of each step",
        "left",
    )
    x = float(left)
    for t in range(time):
        running = [row for row in ranked if lengths[row] > t]
        middle = x + across * (len(running) - 1) / 2
        s.label(middle, packed_at + 30, str(len(running)))
        for row in running:
            cell(x, packed_at, row, t + 1)
            x += across
        x += 12

    s.words(left - 16, outputs_at - 30, "outputs", "left")
    grid(left, outputs_at, rows, "h")
    s.words(beside - 16, outputs_at - 30, "gathered at length − 1", "left")
    for row in rows:
        y = outputs_at + down * row
        s.arrow((beside - 66, y), (beside - 24, y))
        cell(beside, y, row, lengths[row], "h")
    return s.finish(
        "Packed batch",
        f"A batch of {len(lengths)} rows of lengths "
        f"{', '.join(map(str, lengths))}. First it is padded with zeros to "
        f"{time} steps, then sorted with the longest row first. Packed, the "
        "first steps of all rows come first, then the second steps of those "
        "that have one, and so on, without zeros: "
        + ", ".join(
            str(sum(length > t for length in lengths)) for t in range(time)
        )
        + " rows at each step. Of the outputs, in the first order again, each "
        "row's last valid one is gathered, at index length minus 1.",
    )


def turned_batch(lengths: Sequence[int] = (2, 5, 4)) -> Drawing:
    """Draw what the backward layer reads of a padded batch, turned in two ways.

    Turned round as a whole, a short row begins with its padding, and every
    state behind it comes from there, grey. Turned round within its own length
    it begins with its last step. The outputs are turned back in the same way.
    Chapter 07.

    Raises:
        ValueError: there is no row, or a length is below 1.
    """
    _check_lengths(lengths)
    time = max(lengths)
    block = HEAD + DOWN * len(lengths) + 8
    # Narrow grids leave the words above them their room.
    beside = max(LEFT + ACROSS * time + BETWEEN, 290)
    s = Sketch(max(beside + ACROSS * time - 4, 480), 3 * block)
    padded = [
        [*range(1, length + 1), *[0] * (time - length)] for length in lengths
    ]
    whole = [steps[::-1] for steps in padded]
    within = [
        steps[length - 1 :: -1] + steps[length:]
        for steps, length in zip(padded, lengths, strict=True)
    ]
    start = LEFT - CELL / 2
    s.words(start, 14, "the padded batch, in time’s order", "left")
    _inputs(s, LEFT, HEAD, padded)
    s.words(beside - CELL / 2, HEAD + 14, "grey: padding, and", "left")
    s.words(beside - CELL / 2, HEAD + 34, "every state made of it", "left")
    for place, (way, turned) in enumerate(
        (("as a whole", whole), ("within each length", within)), start=1
    ):
        top = place * block
        s.words(start, top + 14, f"turned round {way}", "left")
        _read(s, LEFT, top + HEAD, turned)
        _inputs(s, LEFT, top + HEAD, turned)
        middle = top + HEAD + (DOWN * (len(lengths) - 1) + CELL) / 2
        s.arrow(
            (beside - CELL / 2 - BETWEEN + 4, middle),
            (beside - CELL / 2 - 12, middle),
        )
        s.words(beside - CELL / 2, top + 14, "its states, turned back", "left")
        _states(s, beside, top + HEAD, turned)
    return s.finish("Padded batch, turned round", _in_words(whole, within))


def _check_lengths(lengths: Sequence[int]) -> None:
    if not lengths or min(lengths) < 1:
        raise ValueError(
            f"lengths is {list(lengths)}; it needs a row, and every length "
            "must be at least 1"
        )


def _inputs(
    s: Sketch, left: Pixels, top: Pixels, batch: Sequence[Steps]
) -> None:
    """Draw the rows' inputs, a letter to a row, and zeros for padding."""
    for row, steps in enumerate(batch):
        for place, step in enumerate(steps):
            s.box(
                left + ACROSS * place,
                top + DOWN * row + CELL / 2,
                f"{_name(row)}_{step}" if step else "0",
                "ink" if step else "muted",
                CELL,
                CELL,
                "open" if step else "box",
            )


def _read(
    s: Sketch, left: Pixels, top: Pixels, turned: Sequence[Steps]
) -> None:
    """Draw the state's way through each row, grey once it has read padding.

    Behind a row's last input no output needs it, and no arrow goes on.
    """
    for row, steps in enumerate(turned):
        y = top + DOWN * row + CELL / 2
        for place in range(max(_places(steps)) + 1):
            end = left + ACROSS * place - CELL / 2
            begin = end - (ACROSS - CELL if place else 26)
            color = "muted" if 0 in steps[:place] else "orange"
            s.arrow((begin, y), (end, y), color=color)


def _states(
    s: Sketch, left: Pixels, top: Pixels, turned: Sequence[Steps]
) -> None:
    """Draw each row's states in time's order, grey if padding came first."""
    for row, steps in enumerate(turned):
        for place in _places(steps):
            step = steps[place]
            s.box(
                left + ACROSS * (step - 1),
                top + DOWN * row + CELL / 2,
                rf"\overleftarrow{{h}}_{step}",
                "muted" if 0 in steps[:place] else "orange",
                CELL + 4,
                CELL,
            )


def _places(steps: Steps) -> Steps:
    """Return where a row's inputs stand."""
    return [place for place, step in enumerate(steps) if step]


def _name(row: int) -> str:
    return chr(ord("a") + row)


def _in_words(whole: Sequence[Steps], within: Sequence[Steps]) -> str:
    """Say which input every row begins with, and whose states are spoilt."""

    def begin(turned: Sequence[Steps]) -> str:
        return ", ".join(
            f"row {_name(row)} with "
            + (f"step {steps[0]}" if steps[0] else "padding")
            for row, steps in enumerate(turned)
        )

    spoilt = [_name(row) for row, steps in enumerate(whole) if not steps[0]]
    if spoilt:
        grey = f"the states of {' and '.join(spoilt)} are grey"
    else:
        grey = "no state is grey"
    return (
        f"A padded batch of {len(whole)} rows, of lengths "
        f"{', '.join(str(max(steps)) for steps in whole)}, padding grey. Below "
        "it the same turned round as a whole and read from left to right: "
        f"{begin(whole)}; beside it, turned back, {grey}, because padding was "
        "read before them. At the bottom each row is turned round within its "
        f"own length: {begin(within)}; padding comes last, and every state is "
        "orange."
    )

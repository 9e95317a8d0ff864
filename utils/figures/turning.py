"""The drawing of a padded batch turned round, in the style of
`utils.figures.diagrams`."""

from collections.abc import Sequence

from utils.figures.sketch import Drawing, Pixels, Sketch

Steps = list[int]
LEFT, ACROSS, DOWN, CELL, BETWEEN, HEAD = 54, 48, 40, 34, 64, 40


def turned_batch(lengths: Sequence[int] = (2, 5, 4)) -> Drawing:
    """Draw what the backward layer reads of a padded batch, turned in two ways.

    Turned round as a whole, a short row begins with its padding, and every
    state behind it comes from there, grey. Turned round within its own length
    it begins with its last step. The outputs are turned back in the same way.
    Chapter 07.

    Raises:
        ValueError: there is no row, or a length is below 1.
    """
    if not lengths or min(lengths) < 1:
        raise ValueError(
            f"lengths is {list(lengths)}; it needs a row, and every length "
            "must be at least 1"
        )
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

"""The drawing of a beam search, in the style of `utils.figures.diagrams`."""

from collections.abc import Mapping, Sequence
from statistics import median

from utils.figures.sketch import SMALL, Drawing, Node, Sketch

Totals = Sequence[Mapping[str, float]]


def beam_tree(totals: Totals, width: int = 2) -> Drawing:
    """Draw the beginnings that a beam meets, those it keeps and those it drops.

    A branch bears p(y_i | y_<i, x), the probability of a beginning's last
    symbol, a box the product along its way, p(y_1 ... y_i | x). Each step keeps
    the `width` likeliest boxes and extends these alone. Greedy decoding,
    orange, takes the likeliest branch of each step. Chapter 09.

    Args:
        totals: of each step the beginnings met there and their products; a
            letter stands for a symbol.
        width: how many beginnings are kept.

    Raises:
        ValueError: there is no step, `width` is below 1, or a beginning
            extends none that was kept.
    """
    kept = _kept(totals, width)
    greedy = _greedy(totals)
    rows = _rows(totals)
    start, pitch, first, fall, half = 74, 162, 70, 36, 40
    end = start + pitch * len(totals) - 24
    s = Sketch(end + 132, round(first + fall * max(rows.values())) + 28)
    nodes = {"": Node(start / 2 + 5, first + fall * rows[""], start - 10, 0)}
    s.words(*nodes[""].left, "<start>", "left", "ink")
    for step, met in enumerate(totals, start=1):
        x = start + pitch * step - 24 - half
        before = r",\,".join(f"y_{i}" for i in range(1, step))
        given = rf"{before},\,x" if before else "x"
        s.words(x - 76, 14, f"step {step}")
        s.label(x - 76, 36, rf"p(y_{step}\mid {given})", size=SMALL)
        s.words(x, 36, "product")
        # Greedy decoding's branch lies over the others from the same box.
        for text in sorted(met, key=lambda each: each in greedy):
            y = first + fall * rows[text]
            is_kept = text in kept[step - 1]
            color = "green" if is_kept else "muted"
            nodes[text] = box = s.box(
                x,
                y,
                rf"\mathrm{{{text}}}\ \ {met[text]:.2f}",
                color,
                2 * half,
                28,
                "box" if is_kept else "open",
            )
            trunk, share = nodes[text[:-1]], met[text]
            if step > 1:
                share /= totals[step - 2][text[:-1]]
            corner = trunk.right[0] + 18
            bent = [(corner, trunk.y), (corner, y)] if y != trunk.y else []
            line = "orange" if text in greedy else color
            s.arrow(trunk.right, *bent, box.left, color=line)
            s.label(corner + 24, y - 11, f"{share:.2g}", size=SMALL)
            fate = "kept" if is_kept else "dropped"
            if text == kept[-1][0]:
                fate = "likeliest"
            if text == greedy[-1]:
                fate += ", greedy"
            if not is_kept or step == len(totals):
                s.words(box.right[0] + 10, y, fate, "left")
    return s.finish("Beam search", _in_words(totals, kept, greedy, width))


def _kept(totals: Totals, width: int) -> list[list[str]]:
    """Return the `width` likeliest beginnings of each step, best first."""
    if not totals or width < 1:
        raise ValueError(
            f"{len(totals)} steps and a beam of {width}; it takes at least one "
            "of each"
        )
    kept: list[list[str]] = [[""]]
    for met in totals:
        for text in met:
            if text[:-1] not in kept[-1] or not text:
                raise ValueError(
                    f"{text!r} extends none of the beginnings kept before it, "
                    f"{', '.join(map(repr, kept[-1]))}"
                )
        kept.append(sorted(met, key=lambda each: -met[each])[:width])
    return kept[1:]


def _greedy(totals: Totals) -> list[str]:
    """Return greedy decoding's beginnings, as far as the beam met them."""
    way = [""]
    for met in totals:
        further = {text: met[text] for text in met if text[:-1] == way[-1]}
        if not further:
            break
        way.append(max(further, key=lambda each: further[each]))
    return way[1:]


def _rows(totals: Totals) -> dict[str, float]:
    """Place every beginning: leaves below each other, the rest amid theirs."""
    rows: dict[str, float] = {}
    leaves = 0

    def place(text: str, step: int) -> float:
        nonlocal leaves
        further = totals[step] if step < len(totals) else ()
        below = [place(each, step + 1) for each in further if each[:-1] == text]
        if below:
            rows[text] = float(median(below))
        else:
            rows[text] = float(leaves)
            leaves += 1
        return rows[text]

    place("", 0)
    return rows


def _in_words(
    totals: Totals, kept: list[list[str]], greedy: list[str], width: int
) -> str:
    """Say what was met, kept and dropped, for those who cannot see it."""
    steps = []
    for step, (met, best) in enumerate(zip(totals, kept, strict=True), start=1):
        every = ", ".join(f"{text} {total:.2f}" for text, total in met.items())
        dropped = [text for text in met if text not in best]
        steps.append(
            f" Step {step} meets {every}; it keeps {' and '.join(best)}"
            + (f" and drops {', '.join(dropped)}." if dropped else ".")
        )
    return (
        f"A tree of {len(totals)} steps, from left to right, searched with a "
        f"beam of width {width}. Branches bear the probability of the symbol "
        "they add, boxes the product along their way."
        + "".join(steps)
        + " Greedy decoding goes by way of "
        + " to ".join(greedy)
        + f"; the likeliest full output is {kept[-1][0]}."
    )

"""The drawing of self-attention, in the style of `utils.figures.diagrams`."""

from utils.figures.sketch import Drawing, Sketch


def attend_to_self() -> Drawing:
    """Draw what the second of three steps takes from all three.

    q_2 = x_2 W_q asks, k_j = x_j W_k answer with the scores e_2j, and their
    softmax mixes v_j = x_j W_v into y_2 = Σ_j α_2j v_j. Every other step does
    the same with a query of its own. Chapter 09.
    """
    s = Sketch(540, 516)
    total, product, weight, score = 84, 150, 210, 274
    bus, made, row, below = 322, 374, 452, 496
    asking, columns = 50, (170, 290, 410)
    s.panel(92, 184, 516, 300)
    s.words(482, 242, "softmax")
    add = s.plus(columns[1] + 24, total)
    s.arrow(add.top, (add.x, 42))
    s.label(add.x, 24, "y_2")
    query = s.box(asking, made, "q_2", "green", 40)
    end = columns[-1] - 34
    s.arrow(
        query.top, (asking, bus), (end, bus), (end, score + 17), color="green"
    )
    for j, x in enumerate(columns, start=1):
        last = j == len(columns)
        step = s.box(x, row, f"x_{j}", "blue", 90, 40)
        key = s.box(x - 24, made, f"k_{j}", "purple", 40)
        value = s.box(x + 24, made, f"v_{j}", "orange", 40)
        scored = s.box(x - 24, score, f"e_{{2{j}}}", "purple")
        weighed = s.box(x - 24, weight, rf"\alpha_{{2{j}}}", "vermilion")
        times = s.times(value.x, product)
        for node in (key, value):
            s.arrow((node.x, step.top[1]), node.bottom)
        if not last:
            s.dot((x - 34, bus), "green")
            s.arrow((x - 34, bus), (x - 34, score + 17), color="green")
        for here, there in (
            ((x - 14, key.top[1]), (x - 14, score + 17)),
            (value.top, times.bottom),
        ):
            over = None if last else (here[0], bus)
            s.arrow(here, there, over=over)
        s.arrow(scored.top, weighed.bottom)
        s.arrow(weighed.top, (weighed.x, product), times.left)
        if value.x == add.x:
            s.arrow(times.top, add.bottom)
        else:
            side = add.left if value.x < add.x else add.right
            s.arrow(times.top, (value.x, total), side)
        if j == 2:
            s.arrow(
                step.bottom,
                (x, below),
                (asking, below),
                query.bottom,
                color="green",
            )
    s.label(asking + 10, 430, "W_q", "left")
    s.label(columns[0] - 52, 410, "W_k")
    s.label(columns[0] + 56, 410, "W_v")
    return s.finish(
        "Self-attention",
        "The second of three steps looks at all three. Each x j gives a key k "
        "j and a value v j; x 2 also gives the query q 2. The query is "
        "compared with each key, which gives the scores e 2 1 to e 2 3, and a "
        "softmax turns them into the weights α. Each value is multiplied by "
        "its weight, and the sum of the three is y 2.",
    )

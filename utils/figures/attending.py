"""Self-attention and its heads, in the style of `utils.figures.diagrams`."""

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


def two_heads() -> Drawing:
    """Draw self-attention with two heads, side by side and joined.

    Head m makes its own mixture, Y_m = softmax(Q_m K_m^T / √d) V_m of Q_m = X
    W_q^m and so on; Y = [Y_1, Y_2] W_o (Vaswani et al., 2017, section 3.2.2).
    The code is `utils.attention.scratch`; chapter 09.
    """
    s = Sketch(540, 460)
    joined, mixed, weighed, made, bus, below = 112, 184, 252, 332, 376, 432
    middle, heads, third = 270, (140, 400), 64
    rows = s.box(middle, below, "X", "blue", 90, 36)
    output = s.box(middle, 64, "W_o", "muted")
    s.arrow(output.top, (middle, 30))
    s.label(middle, 16, "Y")
    s.arrow((middle, joined - 14), output.bottom)
    s.arrow(rows.top, (middle, bus), head=False)
    s.dot((middle, bus))
    for m, x in enumerate(heads, start=1):
        side = -1 if x < middle else 1
        s.panel(x - 108, 148, x + 108, 360)
        s.words(x - 96, 162, f"head {m}", "left")
        query = s.box(x - third, made, f"Q_{m}", "green")
        key = s.box(x, made, f"K_{m}", "purple")
        value = s.box(x + third, made, f"V_{m}", "orange")
        weights = s.box(x, weighed, rf"\alpha_{m}", "vermilion", 56)
        product = s.box(x, mixed, rf"\alpha_{m} V_{m}", "muted", 68)
        outer, *inner = (query, key, value) if side < 0 else (value, key, query)
        s.arrow((middle, bus), (outer.x, bus), outer.bottom)
        for node in inner:
            s.dot((node.x, bus))
            s.arrow((node.x, bus), node.bottom)
        s.arrow(query.top, (query.x, weighed), weights.left)
        s.arrow(key.top, weights.bottom)
        s.arrow(value.top, (value.x, mixed), product.right)
        s.arrow(weights.top, product.bottom)
        half = s.box(middle + 34 * side, joined, f"Y_{m}", "orange", 68, 28)
        s.arrow(product.top, (x, joined), half.left if side < 0 else half.right)
    return s.finish(
        "Self-attention with two heads",
        "The rows X enter two heads side by side. Each makes queries Q, keys K "
        "and values V of its own; the softmax of queries and keys gives the "
        "weights α, and α times V is the head's output Y 1 or Y 2. The two "
        "stand side by side, and the matrix W o makes of them Y.",
    )

"""The interval of a volatility forecast, as wide as one asks. Chapter 10."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.forecasting.intervals import adaptive_interval
from utils.forecasting.volatility import VolatilityData
from utils.labs.lab import CHART, Lab, make_lab, module, read, select, slider

INTERVALS = module("js/intervals.js")
SCRIPT = read("js/volatility_lab.js")
STYLE = read("css/volatility.css")

# Trading days: half a year, two years and four; the slider's two months.
SHORTEST, WINDOW, LONGEST, STEP = 126, 504, 1008, 42
# With fewer days than a quarter has, a year's share says little.
FEWEST = 60


class Track(NamedTuple):
    """A forecast's record, over the origins whose truth is known.

    `volatility` is the forecast in per cent a day, `errors` are log true less
    log forecast variance, both in thousandths, and `years` that of the day
    after each origin.
    """

    horizon: int
    volatility: Int[np.ndarray, " time"]
    errors: Int[np.ndarray, " time"]
    years: Int[np.ndarray, " time"]

    def scored(self, longest: int = LONGEST) -> dict[int, tuple[int, int]]:
        """Return each year's first origin at which the longest window is full,
        and the one after its last."""
        origins = np.arange(longest + self.horizon - 1, len(self.years))
        days = pd.Series(origins).groupby(self.years[origins])
        table = days.agg(["first", "last", "size"])
        return {
            year: (first, last + 1)
            for year, first, last, size in table.itertuples()
            if size >= FEWEST
        }


def track(data: VolatilityData, forecast: Float[np.ndarray, " time"]) -> Track:
    """Return the record of a variance forecast, NaN where none was made.

    Raises:
        ValueError: it has a gap, or was never made.
    """
    (made,) = np.nonzero(np.isfinite(forecast[: data.known]))
    if len(made) == 0 or len(made) != made[-1] - made[0] + 1:
        raise ValueError("the forecast has a gap, or was never made")
    errors = np.log(data.target[made]) - np.log(forecast[made])
    return Track(
        data.horizon,
        np.round(1e5 * np.sqrt(forecast[made])).astype(int),
        np.round(1e3 * errors).astype(int),
        np.asarray(data.dates.year)[np.minimum(made + 1, len(data.dates) - 1)],
    )


def volatility_lab(
    tracks: Sequence[Track],
    coverage: float = 0.9,
    window: int = WINDOW,
    year: int = 2008,
) -> Lab:
    """Let the reader promise a coverage and see what comes of it, year by year.

    The bounds are those of `utils.forecasting.adaptive_interval`, which at a
    rate of 0 are `conformal_interval`'s. Chapter 10.

    Args:
        tracks: of one forecast at several horizons, as from `track`.
        coverage: where its slider starts.
        window: the number of past errors that the bounds come from, likewise.
        year: the one that is drawn at first, if it was scored.

    Raises:
        ValueError: there is no track, or one too short for the shortest window.
    """
    room = min((len(each.errors) // 2 for each in tracks), default=0)
    if room < SHORTEST:
        raise ValueError(
            f"the lab needs a track of {2 * SHORTEST} errors or more, and has "
            f"{2 * room}"
        )
    # The longest window leaves at least half of the errors to be scored.
    longest = SHORTEST + (min(room, LONGEST) - SHORTEST) // STEP * STEP
    scored = [each.scored(longest) for each in tracks]
    years = sorted(set.intersection(*map(set, scored)))
    year, window = year if year in years else years[-1], min(window, longest)
    horizons = {
        str(number): f"{each.horizon} day{'s' * (each.horizon > 1)} ahead"
        for number, each in enumerate(tracks)
    }
    return make_lab(
        "What an interval promises, and what it holds",
        task="Promise a coverage and choose how many past errors the bounds "
        "are taken from. In which years is the promise broken? Then look "
        "further ahead, and let the interval adapt to its misses.",
        controls=slider("coverage", "Promised", 0.5, 0.98, 0.01, coverage)
        + slider(
            "window",
            "Past errors",
            float(SHORTEST),
            float(longest),
            float(STEP),
            float(window),
        )
        + slider("rate", "Adapting", 0.0, 0.05, 0.005, 0.0)
        + slider(
            "year",
            "Year shown",
            float(years[0]),
            float(years[-1]),
            1.0,
            float(year),
        )
        + select("horizon", "Forecast", horizons),
        picture="""<svg data-part="band" role="img"
aria-label="The interval around the forecast, a day at a time"></svg>
<div class="lab-panels"><svg data-part="coverage-chart" role="img"
aria-label="Share of days held, by year"></svg>
<svg data-part="ratio-chart" role="img"
aria-label="Width of the interval, by year"></svg></div>""",
        sentence="""Promised <b data-part="promised"></b>, held <b
data-part="held"></b> of all days, and <b data-part="held-year"></b> in
<span data-part="shown"></span>; worst in <b data-part="worst"></b>. The upper
bound is <b data-part="ratio"></b> times the lower one in the median.
<span data-part="how"></span>""",
        script=SCRIPT,
        twin=_twin(tracks, years, coverage, window, longest),
        data={
            "tracks": [
                {
                    "horizon": each.horizon,
                    "volatility": each.volatility.tolist(),
                    "errors": each.errors.tolist(),
                    "years": {str(year): places[year] for year in years},
                }
                for each, places in zip(tracks, scored, strict=True)
            ]
        },
        modules=CHART + INTERVALS,
        style=STYLE,
    )


def by_year(
    found: Track,
    coverage: float,
    window: int,
    rate: float = 0.0,
    longest: int = LONGEST,
) -> pd.DataFrame:
    """Return the share of days held and the median ratio of upper to lower
    volatility in each year that is scored."""
    errors = found.errors / 1000
    lower, upper = adaptive_interval(
        errors, coverage, window, found.horizon, rate
    )
    days = pd.DataFrame(
        {
            "coverage": (errors >= lower) & (errors <= upper),
            "ratio": np.exp((upper - lower) / 2),
        }
    )
    rows = {
        year: {
            "coverage": days["coverage"].iloc[first:last].mean(),
            "ratio": days["ratio"].iloc[first:last].median(),
        }
        for year, (first, last) in found.scored(longest).items()
    }
    return pd.DataFrame(rows).T


def _twin(
    tracks: Sequence[Track],
    years: Sequence[int],
    coverage: float,
    window: int,
    longest: int,
) -> Figure:
    """Plot coverage and width by year for every horizon."""
    twin = Figure(figsize=(7, 3), layout="constrained")
    held, ratio = twin.subplots(1, 2)
    for each, color, mark in zip(
        tracks, ("blue", "vermilion", "green"), "os^", strict=False
    ):
        table = by_year(each, coverage, window, longest=longest)
        table = table.loc[list(years)]
        label = f"{each.horizon} day{'s' * (each.horizon > 1)} ahead"
        style = {"color": COLORS[color], "marker": mark, "label": label}
        held.plot(table.index, 100 * table["coverage"], **style)
        ratio.plot(table.index, table["ratio"], **style)
    held.axhline(100 * coverage, color="gray", linewidth=1)
    held.set(ylabel="days held, %", xlabel="year")
    ratio.set(ylabel="upper / lower volatility", xlabel="year")
    for axes in (held, ratio):
        axes.xaxis.get_major_locator().set_params(integer=True)
    twin.legend(*held.get_legend_handles_labels(), loc="outside upper center")
    return twin

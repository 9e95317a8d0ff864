"""A fair trial: tune each contender's learning rate, then run fresh seeds once.

Rates are tried on three seeds of their own: three rates first, then one further
out as long as the best lies at the edge of those tried. Every run is saved as
it ends and not repeated, so that a trial can be interrupted.
"""

import argparse
import ast
import itertools
import math
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks.record import RESULTS, record, recorded

SEEDS = range(5)
TUNING_SEEDS = range(100, 103)
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
FIRST_RATES = RATES[1:4]

Results = dict[str, Any]


def key(*parts: object) -> str:
    """Name a run in the record."""
    return " / ".join(map(str, parts))


def rounded(value: float) -> float:
    """Keep four significant digits."""
    return float(f"{value:.4g}")


def chosen_rate(
    tuned: Results,
    contender: str,
    first: Sequence[float] = FIRST_RATES,
    seeds: Sequence[int] = TUNING_SEEDS,
) -> tuple[float | None, float | None]:
    """Return (the best rate, None), or (None, the rate to try next), which is
    one of `first` until all of these are done.

    Best is the lowest mean `error` over the tuning seeds.
    """

    def runs(rate: float) -> list[str]:
        return [key(contender, rate, seed) for seed in seeds]

    def done(rate: float) -> bool:
        return all(run in tuned for run in runs(rate))

    for rate in first:
        if not done(rate):
            return None, rate
    best = min(
        filter(done, RATES),
        key=lambda rate: mean(tuned[run]["error"] for run in runs(rate)),
    )
    place = RATES.index(best)
    for neighbour in RATES[max(place - 1, 0) : place + 2]:
        if not done(neighbour):
            return None, neighbour
    return best, None


def missing(
    results: Results,
    contenders: Iterable[str],
    fresh: bool,
    first: Sequence[float] = FIRST_RATES,
) -> Iterator[tuple[str, str, tuple[str, float, int]]]:
    """Yield (part of the record, name, (contender, rate, seed)) of what to run:
    first all tuning, then, if wanted, the fresh seeds, one for each.

    A fresh seed runs again where a longer grid has found another best rate.
    """
    contenders = list(contenders)
    for contender in contenders:
        while (
            rate := chosen_rate(results["tuning"], contender, first)[1]
        ) is not None:
            for seed in TUNING_SEEDS:
                name = key(contender, rate, seed)
                if name not in results["tuning"]:
                    yield "tuning", name, (contender, rate, seed)
    for seed in SEEDS if fresh else ():
        for contender in contenders:
            name = key(contender, seed)
            best, _ = chosen_rate(results["tuning"], contender, first)
            assert best is not None
            if results["runs"].get(name, {}).get("rate") != best:
                yield "runs", name, (contender, best, seed)


def run_trial(
    name: str,
    contenders: Iterable[str],
    train: Callable[[str, float, int], Results],
    baseline: Callable[[], Results],
    first: Sequence[float] = FIRST_RATES,
) -> None:
    """Run what `benchmarks/results/<name>.json` misses, as the command line
    says.

    `first` are the rates that every contender is given. `train` takes a
    contender, a rate and a seed and returns a run, its `error` on validation
    data for a tuning seed, on test data for a fresh one.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--tune", action="store_true", help="no fresh seeds")
    parser.add_argument("--only", default="", help="of one task")
    parser.add_argument("--minutes", type=float, default=math.inf)
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    results = recorded(name) or {
        "always the mean": baseline(),
        "tuning": {},
        "runs": {},
    }
    for part, run_name, means in missing(
        results,
        [each for each in contenders if each.startswith(arguments.only)],
        fresh=not arguments.tune,
        first=first,
    ):
        if time.monotonic() > end:
            break
        run = results[part][run_name] = train(*means)
        record(name, results)
        print(f"{run_name}: {run['error']}, {run['seconds']} s", flush=True)


def record_runs(
    name: str,
    runs: Callable[
        [Results, bool], Iterable[tuple[str, str, Callable[[], Any]]]
    ],
) -> None:
    """Make what `benchmarks/results/<name>.json` misses, as the command line
    says.

    `runs` takes the record and whether fresh seeds are wanted, and yields
    (part of the record, name, run), each chosen after the one before is saved.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--tune", action="store_true", help="no fresh seeds")
    parser.add_argument("--runs", type=int, default=1000, help="how many")
    arguments = parser.parse_args()
    results = recorded(name) or {"tuning": {}, "runs": {}}
    wanted = runs(results, not arguments.tune)
    for part, run_name, run in itertools.islice(wanted, arguments.runs):
        made = results[part][run_name] = run()
        record(name, results)
        print(run_name, made.get("seconds"), flush=True)


def not_recorded(
    results: Results, wanted: Mapping[str, Callable[[], Any]]
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield ("runs", name, run) of the wanted runs that the record misses, as
    `record_runs` takes them."""
    for name, run in wanted.items():
        if name not in results["runs"]:
            yield "runs", name, run


def each_budget(
    budgets: Mapping[str, Sequence[int]],
    seeds: Iterable[int],
    measure: Callable[[str, int, int], Results],
) -> dict[str, Callable[[], Results]]:
    """Name a run for every seed and each contender's budgets, seed after
    seed."""
    return {
        key(name, budget, seed): lambda means=(name, budget, seed): measure(
            *means
        )
        for seed in seeds
        for name, passes in budgets.items()
        for budget in passes
    }


def tuned_budgets(
    results: Results,
    fresh: bool,
    budgets: Mapping[str, Sequence[int]],
    seeds: Iterable[int],
    tune: Callable[[str, float, int], Results],
    measure: Callable[[str, int, float, int], Results],
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (part of the record, name, run) as `record_runs` takes them: each
    contender's rates on one seed, which `tune` spends its longest budget on,
    then, if wanted, every budget and fresh seed at the rate that is best."""
    best: dict[str, float | None] = {}
    for name in budgets:
        while True:
            best[name], rate = chosen_rate(
                results["tuning"], name, seeds=TUNING_SEEDS[:1]
            )
            if rate is None:
                break
            means = name, rate, TUNING_SEEDS[0]
            yield "tuning", key(*means), lambda means=means: tune(*means)
    if fresh:
        yield from not_recorded(
            results,
            each_budget(
                budgets,
                seeds,
                lambda name, budget, seed: measure(
                    name, budget, best[name], seed
                ),
            ),
        )


def thresholds_committed(claims: str) -> tuple[str, ...]:
    """Return what `THRESHOLDS_FOR` names in `benchmarks/claims/CLAIMS.py` as
    committed: parts of a benchmark whose fresh seeds may run."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:benchmarks/claims/{claims}.py"],
        cwd=RESULTS.parents[1],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    for node in ast.parse(shown.stdout).body if shown.returncode == 0 else ():
        match node:
            case ast.Assign(
                targets=[ast.Name("THRESHOLDS_FOR")], value=value
            ) | ast.AnnAssign(
                ast.Name("THRESHOLDS_FOR"), value=ast.expr() as value
            ):
                return ast.literal_eval(value)
    return ()

// Intervals from a forecast's own past errors: see utils/labs/volatility.py.

/** Return where a value stands, or would stand, among sorted ones. */
function place(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Return the lower and upper error to expect at each origin.
 *
 * They are the k-th smallest and the k-th largest of the last `window` errors
 * known by then, k = floor((window + 1) a / 2), where a = 1 - coverage moves by
 * rate (1 - coverage - miss) with every error that becomes known. NaN before
 * the window is full.
 */
export function bounds(errors, {coverage, window, horizon, rate}) {
  const lower = errors.map(() => NaN), upper = errors.map(() => NaN);
  const first = window + horizon - 1;
  const known = errors.slice(0, window).sort((a, b) => a - b);
  let tails = 1 - coverage;
  for (let origin = first; origin < errors.length; origin++) {
    const newest = origin - horizon, error = errors[newest];
    if (origin > first) {
      known.splice(place(known, errors[newest - window]), 1);
      known.splice(place(known, error), 0, error);
    }
    if (!Number.isNaN(lower[newest])) {
      const miss = error < lower[newest] || error > upper[newest];
      tails += rate * (1 - coverage - miss);
    }
    const rank = Math.floor((window + 1) * tails / 2 + 1e-9);
    const k = Math.min(Math.max(rank, 1), (window + 1) >> 1);
    lower[origin] = known[k - 1];
    upper[origin] = known[window - k];
  }
  return {lower, upper};
}

/** Return the middle value, or the mean of the two in the middle. */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

/** Measure some origins: the share of errors held, and the median ratio of the
 * interval's upper to its lower volatility, the root of the variance. */
export function measure(errors, {lower, upper}, from, to) {
  const days = Array.from({length: to - from}, (_, i) => from + i);
  const held = days.filter(i => errors[i] >= lower[i] && errors[i] <= upper[i]);
  return {
    coverage: held.length / days.length,
    ratio: median(days.map(i => Math.exp((upper[i] - lower[i]) / 2))),
  };
}

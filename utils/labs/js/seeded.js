// Numbers that are random and the same everywhere: see `generator` in
// utils/labs/training.py.

/** Return a source of numbers in (0, 1); C++ calls it minstd_rand. */
export function generator(seed) {
  let state = seed + 1;
  const next = () => {
    state = state * 48271 % 2147483647;
    return state / 2147483647;
  };
  for (let i = 0; i < 10; i++) next();
  return next;
}

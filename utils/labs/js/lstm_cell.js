// c_t = f c_{t-1} + i g and h_t = o tanh(c_t), for cell.js.
const fresh = {c: 0, h: 0};
const advance = (now, gate) => {
  const c = gate.f * now.c + gate.i * gate.g;
  return {c: c, h: gate.o * Math.tanh(c)};
};
const describe = (now, gate, next) =>
  `c = ${words(gate.f)} × ${words(now.c)} + ` +
  `${words(gate.i)} × ${words(gate.g)} = ${words(next.c)}; ` +
  `h = ${words(gate.o)} × tanh(${words(next.c)}) = ${words(next.h)}.`;

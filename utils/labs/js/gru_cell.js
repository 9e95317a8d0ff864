// h_t = z h_{t-1} + (1 - z) tanh(a + r h_{t-1}), for cell.js.
const fresh = {h: 0};
const candidate = (now, gate) => Math.tanh(gate.a + gate.r * now.h);
const advance = (now, gate) =>
  ({h: gate.z * now.h + (1 - gate.z) * candidate(now, gate)});
const describe = (now, gate, next) =>
  `candidate tanh(${words(gate.a)} + ${words(gate.r)} × ${words(now.h)}) = ` +
  `${words(candidate(now, gate))}; h = ${words(gate.z)} × ${words(now.h)} + ` +
  `${words(1 - gate.z)} × ${words(candidate(now, gate))} = ${words(next.h)}.`;

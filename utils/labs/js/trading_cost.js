// Wealth w <- w (1 + r held - cost |change|), beside the index itself.
const [left, right, top, bottom] = [40, 350, 10, 150];
const grow = cost => {
  let wealth = 1, before = 0;
  return data.returns.map((change, day) => {
    const held = Number(data.invested[day]);
    wealth *= 1 + change * held - Math.abs(held - before) * cost / 1e4;
    before = held;
    return wealth;
  });
};
let index = 1;
const indexCurve = data.returns.map(change => index *= 1 + change);
const reach = Math.log(Math.max(...indexCurve, ...grow(0)));
const floor = Math.log(Math.min(...indexCurve, ...grow(10)));
const days = data.returns.length;
const across = day => left + (right - left) * day / (days - 1);
const up = wealth =>
  bottom - (bottom - top) * (Math.log(wealth) - floor) / (reach - floor);
const path = curve => "M" + curve
  .map((wealth, day) => `${across(day).toFixed(1)} ${up(wealth).toFixed(1)}`)
  .filter((_, day) => day % 5 === 0 || day === days - 1).join("L");
set("index", {d: path(indexCurve)});
set("start", {d: `M${left} ${up(1).toFixed(1)}H${right}`});
const draw = () => {
  const cost = number("cost"), curve = grow(cost);
  set("strategy", {d: path(curve)});
  write("cost-text", cost.toFixed(1) + " bp");
  write("grown", curve[curve.length - 1].toFixed(2));
  write("index-grown", index.toFixed(2));
};
find("cost").addEventListener("input", draw);
draw();

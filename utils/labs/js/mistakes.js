// Wrongly answered texts of one slice and one truth, a page at a time.
const words = ["negative", "positive"];
const span = (name, text = "") => {
  const element = document.createElement("span");
  if (name) element.className = name;
  element.textContent = text;
  return element;
};
const item = row => {
  const said = row.probability > .5 ? 1 : 0;
  const sure = 100 * (said ? row.probability : 1 - row.probability);
  const bar = span("lab-bar");
  bar.style.width = `${sure.toFixed(0)}%`;
  bar.style.background = said ? "var(--blue)" : "var(--vermilion)";
  const element = document.createElement("li");
  element.append(span("", row.text), bar, span("lab-verdict",
    `is ${words[row.label]}; called ${words[said]} with ${sure.toFixed(1)} %`));
  return element;
};
const draw = () => {
  const slice = number("slice"), truth = find("truth").value;
  const chosen = data.rows.filter(row => row.slices.includes(slice)
    && (truth === "any" || row.label === Number(truth)));
  const pages = Math.max(1, Math.ceil(chosen.length / data.shown));
  find("page").max = pages;
  const first = (number("page") - 1) * data.shown;
  const last = Math.min(first + data.shown, chosen.length);
  find("list").replaceChildren(...chosen.slice(first, last).map(item));
  write("page-text", `page ${number("page")} of ${pages}`);
  write("range", chosen.length ? `${first + 1} to ${last}` : "none");
  write("count", chosen.length);
};
for (const name of ["slice", "truth"])
  find(name).addEventListener("input", () => {
    find("page").value = 1;
    draw();
  });
find("page").addEventListener("input", draw);
draw();

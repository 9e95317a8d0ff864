// Every lab's script runs after this, with `root` and `data` in reach.
const find = name => root.querySelector(`[data-part="${name}"]`);
const number = name => Number(find(name).value);
const write = (name, text) => { find(name).textContent = text; };
const set = (name, attributes) => {
  for (const [key, value] of Object.entries(attributes))
    find(name).setAttribute(key, value);
};

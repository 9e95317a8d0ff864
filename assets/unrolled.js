// A box that scrolls sideways can be reached with the Tab key; one that does not is left alone.
const reachable = new ResizeObserver((entries) => {
  // All are measured before one is changed: a page is laid out once for all.
  const boxes = entries.map(({ target }) => target);
  const scrolls = boxes.map((box) => box.scrollWidth > box.clientWidth);
  boxes.forEach((box, i) => {
    if (scrolls[i]) box.tabIndex = 0;
    else if (box.hasAttribute("tabindex")) box.removeAttribute("tabindex");
  });
});
document.querySelectorAll(".formula, .scroll, article pre").forEach((box) => reachable.observe(box));

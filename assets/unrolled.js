// A box that scrolls sideways can be reached with the Tab key; one that does not is left alone.
const reachable = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll(".formula, .scroll, article pre").forEach((box) => reachable.observe(box));

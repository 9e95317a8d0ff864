// Start a lab when it comes near the window, or goes onto paper.
const whenSeen = (root, start) => {
  const begin = () => {
    observer.disconnect();
    removeEventListener("beforeprint", begin);
    root.setAttribute("data-started", "");
    start();
  };
  const observer = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) begin();
  }, {rootMargin: "200px"});
  observer.observe(root);
  addEventListener("beforeprint", begin);
};

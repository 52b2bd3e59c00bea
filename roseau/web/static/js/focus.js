// When what had the focus is taken away, or gives place to the next page, the focus goes on to what stands there.
let left;

document.addEventListener("focusin", ({ target }) => {
  const item = target.closest("article, .more");
  left = item && { item, previous: item.previousElementSibling, next: item.nextElementSibling };
});

document.addEventListener("htmx:after:swap", () => {
  if (!left || left.item.isConnected || document.activeElement !== document.body) return;
  const after = left.previous?.isConnected ? left.previous.nextElementSibling : left.next;
  const place = [after, left.next, left.previous].find((one) => one?.isConnected) ?? document.getElementById("main");
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
});

// "Copy the link" copies it; without JavaScript, or where the browser refuses, it is a link.
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-copy]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(link.dataset.copyText ?? link.href);
    document.dispatchEvent(new CustomEvent("roseau:say", { detail: link.dataset.copy }));
    link.closest("details")?.removeAttribute("open");
  } catch {
    location.assign(link.href);
  }
});

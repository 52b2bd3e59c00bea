// The status line: says when no answer came, fades after a while, and marks what is waiting for an answer.
const line = document.getElementById("dire");

const say = (text) => {
  if (line) line.textContent = text;
};
document.addEventListener("roseau:say", (event) => say(event.detail));

let fading;
if (line) {
  const fade = () => {
    clearTimeout(fading);
    if (line.textContent) fading = setTimeout(() => say(""), 10_000);
  };
  new MutationObserver(fade).observe(line, { childList: true, characterData: true, subtree: true });
  fade();
}

document.addEventListener("htmx:error", () => say(line?.dataset.unreachable ?? ""));
document.addEventListener("htmx:before:request", (event) => {
  event.detail.ctx?.target?.setAttribute?.("aria-busy", "true");
});
document.addEventListener("htmx:finally:request", (event) => {
  event.detail.ctx?.target?.removeAttribute?.("aria-busy");
});

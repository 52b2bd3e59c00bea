// Single keys, as the help sheet (?) lists them. A member can turn them off (WCAG 2.1.4), and none is the only way.
const PLACES = { h: "/home", n: "/notifications", l: "/local", b: "/bookmarks", s: "/settings" };
const ACTS = { r: "reply", b: "reblog", f: "favourite", d: "bookmark" };
let going = false;
let chosen = "";

const posts = () => [...document.querySelectorAll("[data-post]")];
const selected = () => document.querySelector("[data-post].sel") ?? document.activeElement?.closest?.("[data-post]");
const choose = (post) => {
  document.querySelector("[data-post].sel")?.classList.remove("sel");
  post?.classList.add("sel");
};

const move = (step) => {
  const all = posts();
  const now = selected();
  const next = all[now ? all.indexOf(now) + step : 0];
  if (!next) return;
  chosen = next.id;
  choose(next);
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
};

const click = (element) => {
  element?.click();
  return Boolean(element);
};

const press = (key) => {
  if (going) {
    going = false;
    if (PLACES[key]) location.assign(PLACES[key]);
    return Boolean(PLACES[key]);
  }
  const post = selected();
  switch (key) {
    case "g":
      return (going = true);
    case "?": {
      const help = document.getElementById("keys-help");
      help?.showModal();
      return Boolean(help);
    }
    case "j":
    case "k":
      move(key === "j" ? 1 : -1);
      return true;
    case "c":
      return click(document.querySelector("a[href='/compose']"));
    case "s":
    case "/": {
      const field = [...document.querySelectorAll("input[name='q']")].find((one) => one.checkVisibility?.() ?? true);
      if (field) field.focus();
      else location.assign("/search");
      return true;
    }
    case ".":
      return click(document.querySelector("[data-new]:not([hidden])"));
    case "Enter":
      return post === document.activeElement && click(post?.querySelector("[data-open]"));
    case "x":
      return click(post?.querySelector(".cw > summary"));
    case "v":
      return click(post?.querySelector("[data-viewer] a"));
    default:
      return key in ACTS && click(post?.querySelector(`[data-act="${ACTS[key]}"]`));
  }
};

if (document.body.dataset.shortcuts !== "off") {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });
  // A post that was replaced by its newer self stays the chosen one.
  document.addEventListener("htmx:after:swap", () => chosen && choose(document.getElementById(chosen)));
}

// The keys of the console, as its help sheet (?) lists them. One switch turns all of them off (WCAG 2.1.4),
// none is the only way, and none does anything while somebody types.
const TYPING = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";
// Digits without Shift on a French keyboard.
const DIGITS = { "&": "1", "é": "2", '"': "3", "'": "4", "(": "5", "-": "6" };
// What opens a small form, and where the caret goes then.
const FORMS = { n: "note", c: "hand-over", w: "wait" };

const list = () => [...document.querySelectorAll("[data-case]")];
const current = () => document.querySelector("[data-case][aria-current]");
let chosen = "";

const choose = (line) => {
  document.querySelector("[data-case].sel")?.classList.remove("sel");
  line?.classList.add("sel");
  chosen = line?.id ?? "";
};

const move = (step) => {
  const all = list();
  const now = document.getElementById(chosen) ?? current();
  const next = all[now ? all.indexOf(now) + step : 0];
  if (!next) return true;
  choose(next);
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
};

// Opening by key takes the case as well, if it is nobody's.
const open = (line) => {
  const form = document.getElementById("opener");
  if (!form || !line) return false;
  form.action = line.dataset.case;
  form.requestSubmit();
  return true;
};

const click = (selector) => {
  const found = document.querySelector(selector);
  found?.click();
  return Boolean(found);
};

const unfold = (name) => {
  const details = document.getElementById(name);
  if (!details) return false;
  details.open = true;
  const field = details.querySelector("textarea, select, input:not([type=hidden])");
  field?.focus();
  details.scrollIntoView({ block: "nearest" });
  return true;
};

const focusOn = (selector) => {
  const found = document.querySelector(selector);
  document.dispatchEvent(new Event("console:sheet"));
  found?.focus();
  return Boolean(found);
};

const measure = (digit) => {
  const radio = document.querySelector(`[data-measure="${digit}"]`);
  if (!radio || radio.disabled) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  radio.closest("label").scrollIntoView({ block: "nearest" });
  return true;
};

const press = (key, target) => {
  const digit = DIGITS[key] ?? key;
  if (/^[1-6]$/.test(digit)) return measure(digit);
  if (key in FORMS) return unfold(FORMS[key]);
  switch (key) {
    case "j":
    case "ArrowDown":
      return target.type !== "radio" && move(1);
    case "k":
    case "ArrowUp":
      return target.type !== "radio" && move(-1);
    case "Enter":
      if (target.closest("[data-case]")) return open(target.closest("[data-case]"));
      if (target.closest("a, button, summary")) return false;
      return open(document.getElementById(chosen) ?? current() ?? list()[0]);
    case "r":
      return focusOn("#f-rule");
    case "t":
      return focusOn("#f-template");
    case "v":
      return click("[data-uncover]");
    case "z":
      return click("[data-undo]");
    case "?":
      document.getElementById("keys-help")?.showModal();
      return true;
    default:
      return false;
  }
};

const decide = (target) => {
  const form = target.closest("form");
  const button = document.querySelector("[data-decide]");
  // In a note or another small form, the same keys send that form.
  if (form && button?.form !== form && target.matches("textarea, input, select")) form.requestSubmit();
  else button?.click();
};

if (document.body.dataset.console === "keys") {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || event.altKey) return;
    const { key, target } = event;
    const dialog = document.querySelector("dialog[open]");
    if (event.ctrlKey || event.metaKey) {
      if (key === "Enter" && !dialog) decide(target);
      else if (key === "k") document.dispatchEvent(new Event("console:palette"));
      else return;
      event.preventDefault();
      return;
    }
    if (key === "Escape" && target.matches?.("textarea, select") && !dialog) {
      target.blur();
      return;
    }
    if (dialog || target.closest?.(TYPING)) return;
    if (press(key, target)) event.preventDefault();
  });
  // The list comes anew every now and then: what was chosen stays chosen.
  document.addEventListener("htmx:after:swap", () => chosen && choose(document.getElementById(chosen)));
}

for (const button of document.querySelectorAll("[data-help]")) {
  button.addEventListener("click", () => document.getElementById("keys-help")?.showModal());
}

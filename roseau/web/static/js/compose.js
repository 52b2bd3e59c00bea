// The composer: counts characters as the server does, keeps a draft on this device at every key,
// takes pictures that are pasted or dropped, and sends with Ctrl+Enter.
const PREFIX = "roseau:draft:";
const LINK = /https?:\/\/[^\s<>"]+/gu;
const HANDLE = /(@\w+)@[\w.-]+\w/gu;
const segmenter = "Segmenter" in Intl ? new Intl.Segmenter() : null;
const number = new Intl.NumberFormat(document.documentElement.lang);

const lengthOf = (text) => {
  // A link counts 23 whatever its length, and a mention without its domain.
  const counted = text.replace(LINK, "x".repeat(23)).replace(HANDLE, "$1");
  return segmenter ? [...segmenter.segment(counted)].length : [...counted].length;
};

const store = {
  read(key) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + key));
    } catch {
      return null;
    }
  },
  write(key, draft) {
    try {
      localStorage.setItem(PREFIX + key, JSON.stringify(draft));
      return true;
    } catch {
      return false;
    }
  },
  forget(key) {
    localStorage.removeItem(PREFIX + key);
  },
};

const form = () => document.querySelector("form[data-compose]");
const parts = (root) => ({
  text: root.elements.text,
  warning: root.elements.spoiler_text,
  alts: [...root.querySelectorAll("[name='media_alt[]']")],
});

const count = (root) => {
  const place = root.querySelector("#chars");
  const left = place?.querySelector("[data-left]");
  if (!left) return;
  const { text, warning } = parts(root);
  const rest = Number(root.dataset.limit) - lengthOf(text.value) - lengthOf(warning.value);
  left.textContent = (rest < 0 ? left.dataset.over : left.dataset.left).replace("{number}", number.format(Math.abs(rest)));
  place.classList.toggle("over", rest < 0);
};

const keep = (root) => {
  const { text, warning, alts } = parts(root);
  const draft = { text: text.value, warning: warning.value, alts: Object.fromEntries(alts.map((alt) => [alt.id, alt.value])) };
  const written = "returned" in root.dataset || [text, warning, ...alts].some((field) => field.value !== field.defaultValue);
  const kept = written && (draft.text || draft.warning)
    ? store.write(root.dataset.draft, draft)
    : void store.forget(root.dataset.draft);
  root.querySelector("[data-saved]").hidden = !kept;
};

const restore = (root) => {
  const draft = store.read(root.dataset.draft);
  // What the server sends back, as after a mistake, is newer than what was kept.
  if (!draft || "returned" in root.dataset) return;
  const { text, warning, alts } = parts(root);
  const asked = new URLSearchParams(location.search);
  // Whoever follows a link to write something in particular begins with that.
  if (!asked.has("text") && !asked.has("mention")) text.value = draft.text || text.value;
  if (draft.warning && warning.type !== "hidden") {
    warning.value = draft.warning;
    root.elements.show_warning.checked = true;
  }
  for (const alt of alts) alt.value ||= draft.alts?.[alt.id] ?? "";
  root.querySelector("[data-saved]").hidden = false;
};

const addPictures = (root, files) => {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"));
  if (!pictures.length) return false;
  const transfer = new DataTransfer();
  for (const picture of pictures) transfer.items.add(picture);
  root.elements["media[]"].files = transfer.files;
  root.querySelector("[data-add-picture]").click();
  return true;
};

const posted = sessionStorage.getItem(PREFIX + "posted");
if (posted) {
  sessionStorage.removeItem(PREFIX + "posted");
  // The post has left when the page that answers leads to it; an error page does not.
  if (document.querySelector("#dire a")) store.forget(posted);
}

const first = form();
if (first) {
  restore(first);
  count(first);
  const { text } = parts(first);
  text.setSelectionRange(text.value.length, text.value.length);
}

document.addEventListener("input", (event) => {
  const root = event.target.closest?.("form[data-compose]");
  if (!root) return;
  count(root);
  keep(root);
});
document.addEventListener("change", (event) => {
  const root = event.target.closest?.("form[data-compose]");
  if (root && event.target.name === "media[]") addPictures(root, event.target.files);
});
for (const kind of ["paste", "drop"]) {
  document.addEventListener(kind, (event) => {
    const root = event.target.closest?.("form[data-compose]");
    const files = (event.clipboardData ?? event.dataTransfer)?.files;
    if (root && files?.length && event.target.type !== "file" && addPictures(root, files)) event.preventDefault();
  });
}
document.addEventListener("keydown", (event) => {
  const root = event.target.closest?.("form[data-compose]");
  if (root && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    root.requestSubmit(root.querySelector("[name='step'][value='post']"));
  }
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-compose]") && event.submitter?.value === "post") {
    sessionStorage.setItem(PREFIX + "posted", event.target.dataset.draft);
  }
  if (event.target.matches("form[action='/sign_out']")) {
    // Nothing of a member stays on a shared machine.
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
});
document.addEventListener("htmx:after:swap", () => {
  const root = form();
  if (!root) return;
  // What was sent is a picture of the post now, and not to be sent again.
  const files = root.elements["media[]"];
  if (files) files.value = "";
  count(root);
  root.querySelector("#problems")?.focus();
});

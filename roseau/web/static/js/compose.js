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
  const kept = draft.text || draft.warning ? store.write(root.dataset.draft, draft) : void store.forget(root.dataset.draft);
  root.querySelector("[data-saved]").hidden = !kept;
};

const restore = (root) => {
  const draft = store.read(root.dataset.draft);
  if (!draft) return;
  const { text, warning, alts } = parts(root);
  // What the server sends back, as after a mistake, is newer than what was kept.
  if (!text.value && draft.text) text.value = draft.text;
  if (!warning.value && draft.warning) {
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
  // The post has left when the page that answers shows no composer with something to mend.
  sessionStorage.removeItem(PREFIX + "posted");
  if (!document.querySelector("form[data-compose] #problems")) store.forget(posted);
}

const first = form();
if (first) {
  restore(first);
  count(first);
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
  count(root);
  root.querySelector("#problems")?.focus();
});

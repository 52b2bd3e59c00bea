// Everything of the console by its name: Ctrl+K, or the search at the top. Without it, the search is a page.
const box = document.getElementById("palette");
const field = box?.querySelector("input[name=q]") ?? document.querySelector("main input[name=q]");

const found = () => [...(box ?? document).querySelectorAll(".found a")];
let at = 0;

const mark = (index) => {
  const all = found();
  at = all.length ? (index + all.length) % all.length : 0;
  all.forEach((link, place) => link.classList.toggle("sel", place === at));
  all[at]?.scrollIntoView({ block: "nearest" });
};

const open = () => {
  if (box && !box.open) box.showModal();
  field?.focus();
  field?.select();
};

document.addEventListener("console:palette", open);
if (box) {
  for (const link of document.querySelectorAll("[data-palette]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
  }
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
}

field?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    mark(at + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && found()[at]?.classList.contains("sel")) {
    event.preventDefault();
    location.assign(found()[at].href);
  }
});
document.addEventListener("htmx:after:swap", () => field?.value && mark(0));

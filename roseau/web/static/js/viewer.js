// Pictures in full over the page, with their description; arrows go through those of the post.
const dialog = document.getElementById("viewer");

if (dialog) {
  const image = dialog.querySelector("img");
  const words = dialog.querySelector("p");
  let pictures = [];
  let place = 0;

  const show = (to) => {
    place = (to + pictures.length) % pictures.length;
    const link = pictures[place];
    const small = link.querySelector("img");
    image.src = link.href;
    image.alt = small.alt;
    words.textContent = small.alt;
    for (const button of dialog.querySelectorAll("[data-step]")) button.hidden = pictures.length < 2;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-viewer] a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    pictures = [...link.closest("[data-viewer]").querySelectorAll("a")];
    show(pictures.indexOf(link));
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) show(place + Number(button.dataset.step));
    else if (event.target === dialog || event.target === image) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(place + 1);
    if (event.key === "ArrowLeft") show(place - 1);
  });
  dialog.addEventListener("close", () => image.removeAttribute("src"));
}

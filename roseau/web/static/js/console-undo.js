// Counts down while a decision can be taken back with one key; when the time is over, so is the offer.
const bar = document.querySelector("[data-undo-until]");

if (bar) {
  const until = Number(bar.dataset.undoUntil);
  // The clock of the server counts, not the one of this machine.
  const ahead = Number(bar.dataset.now) - Date.now();
  const seconds = bar.querySelector("[data-seconds]");
  const progress = bar.querySelector("progress");
  const tick = () => {
    const left = Math.ceil((until - Date.now() - ahead) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      bar.remove();
      return;
    }
    seconds.textContent = bar.dataset.words.replace("0", left);
    if (progress) progress.value = left;
  };
  const timer = setInterval(tick, 500);
  tick();
}

// Keeps "8 min" true while a page stays open, and tells the exact time in the reader's own zone.
const MINUTE = 60_000;
const { lang } = document.documentElement;
const words = document.body.dataset;
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" });

const ago = (elapsed) => {
  if (elapsed < MINUTE) return words.now;
  if (elapsed < 60 * MINUTE) return words.minutes.replace("0", Math.floor(elapsed / MINUTE));
  if (elapsed < 1440 * MINUTE) return words.hours.replace("0", Math.floor(elapsed / (60 * MINUTE)));
  if (elapsed < 7 * 1440 * MINUTE) return words.days.replace("0", Math.floor(elapsed / (1440 * MINUTE)));
  return null;
};

const refresh = () => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const moment = new Date(time.dateTime);
    const text = ago(Date.now() - moment);
    if (text && text !== time.textContent) time.textContent = text;
    time.title = exact.format(moment);
  }
};
refresh();
setInterval(refresh, 30_000);
document.addEventListener("htmx:after:swap", refresh);

// Forms that make an account take the time zone of the device along.
for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? field.value;
}

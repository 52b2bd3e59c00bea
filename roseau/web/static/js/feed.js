// Counts what is new above a timeline and in the notifications; nothing moves under the reader.
// One stream while the page is seen; where there is none, a question a minute.
const feed = document.querySelector("[data-feed]");
const member = document.querySelector("[data-unread]");

if (feed || member) {
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const query = new URLSearchParams(feed ? { timeline: feed.dataset.feed, since: feed.dataset.newest } : {});
  let stream;
  let timer;

  const show = ({ new: fresh = 0, unread = 0 }) => {
    const bar = feed?.querySelector("[data-new]");
    if (bar && fresh) {
      const words = fresh === 1 ? bar.dataset.one : bar.dataset.many.replace("{number}", number.format(fresh));
      bar.querySelector("span").textContent = words;
      bar.hidden = false;
    }
    for (const badge of document.querySelectorAll("[data-unread]")) {
      badge.hidden = !unread;
      badge.querySelector("[data-count]").textContent = number.format(unread);
    }
  };

  const ask = async () => {
    const answer = await fetch(`/live/count?${query}`).catch(() => null);
    if (answer?.ok) show(await answer.json());
  };

  const poll = () => {
    clearInterval(timer);
    timer = setInterval(ask, 60_000);
  };

  const open = () => {
    if (!member || document.hidden || stream) return;
    stream = new EventSource(`/live?${query}`);
    stream.onmessage = (event) => show(JSON.parse(event.data));
    stream.onerror = () => {
      // The browser reconnects by itself unless the server refused.
      if (stream?.readyState === EventSource.CLOSED) poll();
    };
  };

  const close = () => {
    stream?.close();
    stream = undefined;
    clearInterval(timer);
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

// Looks again and again how far a broadcast has come, and changes only what has changed.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const words = JSON.parse(live.dataset.words);
  const offline = document.getElementById("offline");

  if (live.dataset.sent) {
    drafts.dropSent(live.dataset.draft, live.dataset.sent);
    history.replaceState(null, "", location.pathname);
  }

  const parts = (root) => [...root.querySelectorAll("[data-part]")];
  const shown = new Map(parts(live).map((part) => [part.dataset.part, part.innerHTML]));

  const apply = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    if (!fresh.querySelector("[data-part=state]")) {
      location.reload(); // the session has ended: the page says so
      return;
    }
    for (const part of parts(fresh)) {
      const here = live.querySelector(`[data-part=${part.dataset.part}]`);
      Object.assign(here.dataset, part.dataset);
      if (shown.get(part.dataset.part) === part.innerHTML) continue;
      shown.set(part.dataset.part, part.innerHTML);
      here.innerHTML = part.innerHTML;
    }
  };

  const look = async () => {
    if (!document.hidden) {
      try {
        apply(await (await fetch(live.dataset.url, { headers: { Accept: "text/html" } })).text());
        offline.hidden = true;
      } catch {
        offline.textContent = words.offline;
        offline.hidden = false;
      }
    }
    setTimeout(look, Number(live.querySelector("[data-part=state]").dataset.every) || 5000);
  };
  setTimeout(look, Number(live.querySelector("[data-part=state]").dataset.every) || 5000);
})();

// What is being written, kept in this browser until it is sent or its author signs out.
"use strict";
const drafts = {
  read(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
  },
  keep(name, draft) {
    try { localStorage.setItem(name, JSON.stringify(draft)); } catch { /* full or forbidden: the page still works */ }
  },
  drop(name) {
    try { localStorage.removeItem(name); } catch { /* as above */ }
  },
  // Only the draft that was sent: another page may be writing the next one.
  dropSent(name, key) {
    const draft = drafts.read(name);
    if (draft && draft.key === key) drafts.drop(name);
  },
};
document.getElementById("sign-out")?.addEventListener("submit", () => {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith("maeul-draft-")) localStorage.removeItem(name);
  } catch { /* nothing is kept where nothing may be kept */ }
});

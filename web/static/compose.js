// The form of a new broadcast: keeps a draft, lets hear it first, and sends once.
"use strict";
(() => {
  // --- sending once, on this form and on the page that confirms an emergency
  const sending = document.getElementById("compose") || document.getElementById("confirm");
  if (!sending) return;
  const words = JSON.parse(sending.dataset.words);
  const last = () => sending.querySelector("button.main");
  const label = last().textContent;

  sending.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.id === "preview") return;
    if (sending.dataset.sending || sending.dataset.uploading) {
      event.preventDefault();
      return;
    }
    sending.dataset.sending = "yes";
    last().textContent = words.sending;
  });
  window.addEventListener("pageshow", () => { // also when the back button brings this page back
    delete sending.dataset.sending;
    last().textContent = label;
  });

  // --- the rest is for the form alone
  const form = document.getElementById("compose");
  if (!form) return;
  const text = document.getElementById("text");
  const hint = document.getElementById("text-hint");
  const count = document.getElementById("count");
  const send = document.getElementById("send");
  const heard = document.getElementById("heard-first");
  const fields = form.elements;
  const name = form.dataset.draft;

  const show = () => {
    count.hidden = text.value.length === 0;
    count.textContent = words.characters.replace("{n}", [...text.value.trim()].length);
    hint.textContent = fields.recording_id.value ? hint.dataset.recorded : hint.dataset.typed;
    send.disabled = Boolean(form.dataset.uploading);
  };

  const keep = () => {
    const draft = {
      key: fields.key.value,
      text: text.value,
      title: fields.title.value,
      recording: fields.recording_id.value,
      sound: form.dataset.sound || "",
    };
    if (draft.text || draft.title || draft.recording) drafts.keep(name, draft);
    else drafts.drop(name);
  };

  const changed = () => {
    keep();
    show();
    heard.replaceChildren(); // it was of other words
  };

  const restore = () => {
    const draft = drafts.read(name);
    if (!draft) return;
    // The key comes along: if that form was sent after all, sending it again changes nothing.
    fields.key.value = draft.key;
    text.value = draft.text;
    fields.title.value = draft.title;
    fields.recording_id.value = draft.recording;
    const box = document.getElementById("restored");
    const discard = document.createElement("button");
    discard.type = "button";
    discard.textContent = words.discard;
    discard.addEventListener("click", () => {
      drafts.drop(name);
      location.reload();
    });
    box.append(document.createTextNode(`${words.restored} `), discard);
    box.hidden = false;
    if (!draft.recording) return;
    form.dataset.sound = draft.sound;
    document.getElementById("own").src = draft.sound;
    document.getElementById("recorded").hidden = false;
  };

  form.addEventListener("input", (event) => { if (event.target !== document.getElementById("file")) changed(); });
  form.addEventListener("recording", changed);

  // --- hearing it first
  const listen = async () => {
    const button = document.getElementById("preview");
    button.disabled = true;
    heard.textContent = words.making;
    try {
      const answer = await fetch("/preview", {
        method: "POST",
        headers: { "X-Maeul-Piece": "1", Accept: "text/html" },
        body: new URLSearchParams(new FormData(form)),
      });
      heard.innerHTML = await answer.text(); // our own template, escaped there
      playInTurn([...heard.querySelectorAll("audio")]);
    } catch {
      heard.textContent = words.offline;
    }
    button.disabled = false;
  };

  const playInTurn = (sounds) => {
    sounds.forEach((one, place) => one.addEventListener("ended", () => sounds[place + 1]?.play()));
    sounds[0]?.play().catch(() => { /* the browser wants a tap on the player itself */ });
  };

  form.addEventListener("submit", (event) => {
    if (event.submitter?.id !== "preview") return;
    event.preventDefault();
    listen();
  });

  // --- villages
  const all = document.getElementById("all");
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const boxes = [...form.querySelectorAll("input[name=villages]")];
      const isFull = boxes.every((box) => box.checked);
      boxes.forEach((box) => { box.checked = !isFull; });
    });
  }

  // What came back from the server, or was typed before this script arrived, is the newest.
  if ("filled" in form.dataset || text.value) keep();
  else restore();
  show();
  document.querySelector("[aria-invalid=true]")?.focus();
})();

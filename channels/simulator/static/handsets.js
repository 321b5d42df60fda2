// Shows the handsets and lets one answer, listen, press keys, hang up, tap and type. Plain DOM, no library.
"use strict";

const KO = document.documentElement.lang === "ko";
const T = KO
  ? { ringing: "전화가 옵니다", talking: "통화 중", answer: "받기", decline: "거절", hangup: "끊기", from: "발신",
      asks: "번호를 눌러 주세요", calls: "통화 기록", sms: "문자", chat: "대화방", say: "보내기", words: "메시지 입력",
      none: "아직 단말기가 없습니다. 방송을 보내면 여기에 나타납니다.", shown: (now, all) => `${all}대 가운데 ${now}대를 보이고 있습니다.`,
      auto: "저절로 움직임", manual: "직접 받기", byHand: "직접 받기로 바꾸기", byItself: "저절로 움직이게 하기",
      lost: "모의 통신사와 연결이 끊겼습니다.", keys: "누른 번호", seconds: "초", machine: "음성사서함",
      smartphone: "스마트폰", landline: "집전화", feature_phone: "휴대전화",
      completed: "통화함", busy: "통화 중이었음", "no-answer": "받지 않음", failed: "연결 안 됨", canceled: "취소됨",
      queued: "대기", sent: "보냄", delivered: "도착", undelivered: "도착 못 함" }
  : { ringing: "Incoming call", talking: "In call", answer: "Answer", decline: "Decline", hangup: "Hang up", from: "from",
      asks: "Press a key", calls: "Calls", sms: "SMS", chat: "Chat", say: "Send", words: "Type a message",
      none: "No handsets yet. Send a broadcast and they appear here.", shown: (now, all) => `Showing ${now} of ${all} handsets.`,
      auto: "behaves by itself", manual: "answered by hand", byHand: "Answer by hand", byItself: "Let it behave by itself",
      lost: "The connection to the simulator is lost.", keys: "keys", seconds: "s", machine: "voicemail",
      smartphone: "Smartphone", landline: "Landline", feature_phone: "Mobile phone",
      completed: "talked", busy: "was busy", "no-answer": "not answered", failed: "not connected", canceled: "cancelled",
      queued: "queued", sent: "sent", delivered: "delivered", undelivered: "not delivered" };

const root = document.getElementById("handsets");
const cards = new Map(); // address -> { element, told, audio }

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== "") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

async function act(address, what, body = {}) {
  await fetch(`control/handsets/${encodeURIComponent(address)}/${what}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  await refresh();
}

async function setManual(address, manual) {
  await fetch(`control/handsets/${encodeURIComponent(address)}/manual`, {
    method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ manual }),
  });
  await refresh();
}

function clock(at) {
  return new Date(at).toLocaleTimeString(KO ? "ko-KR" : "en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "Asia/Seoul", // as residents and the pages read it, wherever the browser is
  });
}

function head(handset) {
  const kind = T[handset.kind];
  const label = handset.name || handset.address;
  const how = handset.manual ? T.manual : T.auto;
  const small = `${kind}${handset.name ? " · " + short(handset.address) : ""} · ${how}`;
  return make("h2", {}, label.length > 24 ? short(label) : label, make("small", {}, small));
}

function short(address) {
  return address.length > 18 ? address.slice(0, 8) + "…" : address;
}

function callScreen(handset) {
  const call = handset.call;
  if (!call) return null;
  const button = (label, what, cls, body) =>
    make("button", { type: "button", class: cls, onclick: () => act(handset.address, what, body) }, label);
  const screen = make("div", { class: "screen", role: "group", "aria-label": T[call.status === "ringing" ? "ringing" : "talking"] });
  if (call.status === "ringing") {
    screen.append(make("strong", {}, `☎ ${T.ringing}`), ` ${T.from} ${call.from}`,
      make("div", { class: "buttons" }, button(T.answer, "answer", "call"), button(T.decline, "hangup", "end")));
    return screen;
  }
  screen.append(make("strong", {}, T.talking), ` ${call.from}`);
  if (call.asks) screen.append(make("p", { class: "meta" }, `${T.asks} ${call.keys}`));
  const keys = [..."123456789*0#"].map((key) => button(key, "press", "", { key }));
  screen.append(make("div", { class: "keys" }, ...keys),
    make("div", { class: "buttons" }, button(T.hangup, "hangup", "end")));
  return screen;
}

function chatScreen(handset) {
  if (!handset.chat.length) return null;
  const lines = make("div", { class: "lines", tabindex: "0", role: "log", "aria-label": T.chat });
  for (const bubble of handset.chat) {
    const buttons = bubble.buttons.map((b) => b.url
      ? make("a", { class: "button", href: b.url, target: "_blank", rel: "noopener" }, b.label)
      : make("button", { type: "button", onclick: () => act(handset.address, "tap", { label: b.label }) }, b.label));
    lines.append(make("div", { class: `bubble ${bubble.by}` },
      bubble.title ? make("b", {}, bubble.title) : null, bubble.text,
      buttons.length ? make("div", { class: "buttons" }, ...buttons) : null,
      make("div", { class: "meta" }, clock(bubble.at))));
  }
  const input = make("input", { name: "words", "aria-label": T.words, placeholder: T.words, autocomplete: "off" });
  const form = make("form", { onsubmit: (event) => {
    event.preventDefault();
    const words = input.value.trim();
    input.value = "";
    if (words) act(handset.address, "say", { words });
  } }, input, make("button", {}, T.say));
  return make("section", {}, make("h3", {}, T.chat), lines, form);
}

function smsScreen(handset) {
  if (!handset.sms.length) return null;
  const lines = handset.sms.map((sms) => make("div", { class: "bubble" }, sms.body,
    make("div", { class: "meta" }, `${sms.from} · ${T[sms.status] || sms.status} · ${clock(sms.at)}`)));
  return make("section", {}, make("h3", {}, T.sms), make("div", { class: "lines", tabindex: "0" }, ...lines));
}

function pastCalls(handset) {
  if (!handset.calls.length) return null;
  const lines = handset.calls.slice(-5).reverse().map((call) => {
    const machine = (call.answered_by || "").startsWith("machine") ? ` · ${T.machine}` : "";
    const keys = call.keys ? ` · ${T.keys} ${call.keys}` : "";
    return make("div", { class: "meta" }, `${clock(call.at)} ${T[call.status] || call.status} ${call.seconds}${T.seconds}${machine}${keys}`);
  });
  return make("section", {}, make("h3", {}, T.calls), ...lines);
}

function draw(handset) {
  const card = cards.get(handset.address) || { element: make("article"), told: "", audio: null, url: "" };
  cards.set(handset.address, card);
  listen(card, handset);
  const { playing, playing_at, ...call } = handset.call || {};
  const told = JSON.stringify({ ...handset, call });
  // What somebody types or has focused is not torn away by a refresh that changes nothing.
  if (told === card.told || card.element.querySelector("form input:focus")?.value) return card.element;
  card.told = told;
  const ringing = handset.call && handset.call.status === "ringing";
  card.element.className = `${handset.kind} ${ringing ? "ringing" : ""}`;
  const focused = [...card.element.querySelectorAll("button, a, input")].indexOf(document.activeElement);
  const swap = make("button", { type: "button", onclick: () => setManual(handset.address, !handset.manual) },
    handset.manual ? T.byItself : T.byHand);
  const parts = [head(handset), callScreen(handset), chatScreen(handset), smsScreen(handset), pastCalls(handset)];
  card.element.replaceChildren(...parts.filter(Boolean), card.audio || "", make("div", { class: "buttons" }, swap));
  requestAnimationFrame(() => { // a new card is not in the page yet
    for (const lines of card.element.querySelectorAll(".lines")) lines.scrollTop = lines.scrollHeight;
  });
  if (focused >= 0) card.element.querySelectorAll("button, a, input")[focused]?.focus();
  return card.element;
}

// Only calls that somebody here picked up are heard: a hundred handsets at once would be noise.
function listen(card, handset) {
  const url = handset.manual && handset.call ? handset.call.playing : "";
  if (url === card.url) return;
  card.url = url;
  if (card.audio) card.audio.pause();
  card.audio = url ? make("audio", { src: url, controls: "controls" }) : null;
  card.told = "";
  if (card.audio) card.audio.play().catch(() => {}); // a browser may want a click first: the controls are there
}

async function refresh() {
  const asked = document.getElementById("search").value.trim();
  const state = document.getElementById("state");
  try {
    const reply = await fetch(`control/handsets?q=${encodeURIComponent(asked)}`);
    const { handsets, known } = await reply.json();
    const wanted = handsets.map(draw);
    for (const old of [...root.children]) if (!wanted.includes(old)) old.remove();
    wanted.forEach((element, at) => { if (root.children[at] !== element) root.insertBefore(element, root.children[at] || null); });
    const text = known ? T.shown(handsets.length, known) : T.none;
    if (state.textContent !== text) state.textContent = text;
  } catch {
    state.textContent = T.lost;
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, 700);
}

document.getElementById("search").addEventListener("input", refresh);
poll();

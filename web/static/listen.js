// Counts the seconds that were really played, skips aside, and tells once at least 90% was heard.
"use strict";
(() => {
  const box = document.getElementById("player");
  if (!box) return;
  const audio = document.getElementById("audio");
  const play = document.getElementById("play");
  const label = play.querySelector(".label");
  const sign = play.querySelector(".sign");
  const ENOUGH = 0.9;
  const played = new Set(); // quarters of a second of the recording that were played
  let last = null;
  let told = false;

  const show = () => {
    label.textContent = audio.paused ? label.dataset.play : label.dataset.pause;
    sign.textContent = audio.paused ? "▶" : "❚❚";
  };

  const tell = async () => {
    told = true;
    try {
      const answer = await fetch(box.dataset.heard, {
        method: "POST",
        body: new URLSearchParams({ seconds: Math.min(played.size / 4, audio.duration), of: audio.duration }),
        keepalive: true,
      });
      told = answer.ok;
    } catch {
      told = false; // no network: told with the next quarter second, or at the end
    }
    if (told) document.getElementById("said").textContent = "끝까지 들으셨습니다.";
  };

  const count = () => {
    const now = audio.currentTime;
    // A jump of more than a second is a skip, not playing.
    if (last !== null && now > last && now - last < 1.5) {
      for (let quarter = Math.floor(last * 4); quarter < Math.floor(now * 4); quarter += 1) played.add(quarter);
    }
    last = now;
    if (!told && played.size / 4 >= ENOUGH * audio.duration) tell();
  };

  audio.addEventListener("timeupdate", () => { if (!audio.paused) count(); });
  audio.addEventListener("seeking", () => { last = null; });
  audio.addEventListener("ended", () => {
    if (last !== null) {
      for (let quarter = Math.floor(last * 4); quarter <= Math.floor(audio.duration * 4); quarter += 1) {
        played.add(quarter);
      }
    }
    last = null;
    if (!told && played.size / 4 >= ENOUGH * audio.duration) tell();
    show();
  });
  audio.addEventListener("play", show);
  audio.addEventListener("pause", show);
  play.addEventListener("click", () => { if (audio.paused) audio.play(); else audio.pause(); });
  play.hidden = false;
  show();
})();

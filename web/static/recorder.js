// Records by the microphone or takes a file, uploads it, and keeps it on the page if that fails.
"use strict";
(() => {
  const form = document.getElementById("compose");
  const box = document.getElementById("recorder");
  if (!form || !box) return;
  const words = JSON.parse(form.dataset.words);
  const at = (id) => document.getElementById(id);
  const [button, state, own, retry] = [at("record"), at("record-state"), at("own"), at("retry")];
  const LONGEST_MS = 600_000;
  let recorder = null;
  let waiting = null; // sound that is not uploaded yet
  let uploads = 0; // only the newest upload counts

  const say = (text, isWrong = false) => {
    state.textContent = text;
    state.className = isWrong ? "error" : "";
  };

  const changed = () => form.dispatchEvent(new CustomEvent("recording"));

  const take = (sound) => {
    if (own.src.startsWith("blob:")) URL.revokeObjectURL(own.src);
    own.src = URL.createObjectURL(sound);
    at("recorded").hidden = false;
    look(false);
    waiting = sound;
    upload();
  };

  const upload = async () => {
    const mine = ++uploads;
    form.dataset.uploading = "yes";
    retry.hidden = true;
    say(words.uploading);
    changed();
    const body = new FormData();
    body.append("file", waiting, "recording");
    try {
      const headers = { "Accept-Language": document.documentElement.lang };
      const answer = await fetch("/api/v1/recordings", { method: "POST", body, headers });
      const told = await answer.json();
      if (mine !== uploads) return;
      if (answer.ok) uploaded(told);
      else refused(answer.status, told);
    } catch {
      if (mine !== uploads) return;
      say(words.upload_failed, true);
      retry.hidden = false;
    }
    delete form.dataset.uploading;
    changed();
  };

  const uploaded = (told) => {
    waiting = null;
    form.elements.recording_id.value = told.id;
    const { pathname, search } = new URL(told.url);
    form.dataset.sound = pathname + search; // so that a restored draft can be heard
    const done = words.uploaded.replace("{n}", Math.round(told.seconds));
    say([done, ...told.warnings.map((one) => one.detail)].join(" "));
  };

  const refused = (status, told) => {
    form.elements.recording_id.value = "";
    say(told.detail || words.upload_failed, true);
    retry.hidden = status < 500 && status !== 401 && status !== 429;
  };

  const remove = () => {
    uploads += 1;
    waiting = null;
    delete form.dataset.uploading;
    delete form.dataset.sound;
    form.elements.recording_id.value = "";
    if (own.src.startsWith("blob:")) URL.revokeObjectURL(own.src);
    own.removeAttribute("src");
    own.load();
    at("recorded").hidden = true;
    look(false);
    say("");
    changed();
  };

  const showLevel = (stream) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const began = performance.now();
    const tick = () => {
      if (!recorder) {
        context.close();
        return;
      }
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
      at("level").value = Math.min(1, Math.sqrt(power) * 4);
      const seconds = Math.floor((performance.now() - began) / 1000);
      at("elapsed").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (performance.now() - began > LONGEST_MS) stop();
      else requestAnimationFrame(tick);
    };
    tick();
  };

  const look = (isRecording) => {
    button.setAttribute("aria-pressed", String(isRecording));
    const otherwise = at("recorded").hidden ? button.dataset.start : button.dataset.again;
    button.querySelector(".label-of-record").textContent = isRecording ? button.dataset.stop : otherwise;
    at("recording-now").hidden = !isRecording;
  };

  const start = async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      say(words.no_microphone, true);
      return;
    }
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      take(new Blob(pieces, { type: recorder.mimeType }));
      recorder = null;
    });
    recorder.start(1000);
    say(words.recording);
    look(true);
    showLevel(stream);
  };

  const stop = () => {
    if (recorder && recorder.state !== "inactive") recorder.stop(); // its last piece comes with "stop"
  };

  button.addEventListener("click", async () => {
    if (recorder) {
      stop();
      return;
    }
    button.disabled = true; // until the microphone is there: an impatient second press starts no second one
    await start();
    button.disabled = false;
  });
  const takeFile = () => {
    const input = at("file");
    if (input.files.length) take(input.files[0]);
    input.value = "";
  };
  at("file").addEventListener("change", takeFile);
  retry.addEventListener("click", upload);
  at("remove").addEventListener("click", remove);
  window.addEventListener("beforeunload", (event) => { if (recorder || waiting) event.preventDefault(); });

  box.hidden = false;
  at("record-buttons").hidden = false;
  at("recorded-buttons").hidden = false;
  takeFile(); // chosen before this script arrived
  button.hidden = !(navigator.mediaDevices && window.MediaRecorder);
})();

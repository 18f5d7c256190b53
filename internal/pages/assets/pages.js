// Keeps a page that changes by itself fresh while somebody looks at it, asks before a
// button does what cannot be undone, which then is not pressed twice, and says before it is
// sent that a file is too large. Without it the pages work, too.
"use strict";
(() => {
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) return event.preventDefault();
    const buttons = event.target.querySelectorAll("button");
    setTimeout(() => buttons.forEach((button) => { button.disabled = true; }));
    setTimeout(enable, 30000); // as long as an action may take
  });
  // Whoever comes back by the browser's button, or stops it and goes on writing, may press again.
  const enable = () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; });
  addEventListener("pageshow", enable);
  addEventListener("input", enable);

  const draft = document.querySelector("form[enctype]");
  const judge = () => {
    const { accept = "", most } = draft.elements.type.selectedOptions[0].dataset;
    draft.elements.upload.accept = accept;
    for (const input of draft.querySelectorAll("input[type=file]")) {
      const limit = input.dataset.most ?? most;
      input.setCustomValidity(limit && input.files[0]?.size > limit ? input.dataset.over : "");
    }
  };
  if (draft) for (const event of ["pageshow", "change"]) addEventListener(event, judge); // going back restores the fields

  const main = document.getElementById("main");
  if (!("live" in main.dataset)) return;
  const offline = document.getElementById("offline");
  const url = new URL(location.href);
  url.searchParams.delete("done");
  url.searchParams.delete("lang");
  url.searchParams.set("part", "main");
  let shown = "";
  let fresh = new Date();
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; });
  addEventListener("pointerup", () => { setTimeout(() => { pressed = false; }, 500); });
  addEventListener("pointercancel", () => { pressed = false; });

  // Whoever reads, marks, presses or plays something is not disturbed.
  const plays = (media) => !media.paused && !media.ended;
  const busy = () => document.hidden || pressed || !getSelection().isCollapsed ||
    main.contains(document.activeElement) || main.querySelector("details[open]") ||
    [...main.querySelectorAll("video, audio")].some(plays);

  const refresh = async () => {
    if (busy()) return;
    try {
      const answer = await fetch(url, { cache: "no-store" });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      fresh = new Date();
      offline.hidden = true;
      if (html !== shown && !busy()) {
        main.innerHTML = html;
        shown = html;
      }
    } catch {
      offline.querySelector("b").textContent = fresh.toLocaleTimeString();
      offline.hidden = false;
    }
  };
  const next = async () => {
    await refresh();
    setTimeout(next, 2000);
  };
  setTimeout(next, 2000);
  document.addEventListener("visibilitychange", refresh);
})();

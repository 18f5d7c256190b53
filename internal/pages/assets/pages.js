// Keeps a page that changes by itself fresh while somebody looks at it, and asks
// before a button does what cannot be undone, which then is not pressed twice. Without it
// the pages work, too.
"use strict";
(() => {
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) return event.preventDefault();
    for (const button of event.target.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
  // Whoever comes back by the browser's button may press again.
  addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => { button.disabled = false; }));

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

  // Whoever reads, marks or presses something is not disturbed.
  const busy = () => document.hidden || pressed || !getSelection().isCollapsed ||
    main.contains(document.activeElement) || main.querySelector("details[open]");

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

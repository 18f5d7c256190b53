// Fetches the messages anew while somebody looks, and replaces them when they changed.
"use strict";
(() => {
  const messages = document.getElementById("messages");
  const live = document.getElementById("live");
  const url = new URL(location.href);
  url.searchParams.set("part", "messages");
  let shown = "";
  const refresh = async () => {
    if (document.hidden || !getSelection().isCollapsed) return;
    try {
      const answer = await fetch(url, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      if (html !== shown) {
        messages.innerHTML = html;
        shown = html;
      }
      live.className = "on";
    } catch {
      live.className = "";
    }
  };
  setInterval(refresh, 1000);
  document.addEventListener("visibilitychange", refresh);
  refresh();
})();

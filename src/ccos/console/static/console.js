// Small comforts; every page works without them.
(() => {
  const PLACE = "ccos-queue-scroll";

  // The place in the queue is kept from page to page, as long as its filter is the same.
  const rows = document.getElementById("rows");
  if (rows) {
    const filter = () => document.getElementById("q").value + new URLSearchParams(location.search).get("after");
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
    if (kept.filter === filter()) rows.scrollTop = kept.top;
    rows.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    addEventListener("pagehide", () => {
      sessionStorage.setItem(PLACE, JSON.stringify({ filter: filter(), top: rows.scrollTop }));
    });
  }

  // Copying needs a secure context; without one the buttons stay hidden.
  const canCopy = Boolean(navigator.clipboard);
  const show = (part) => part.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = !canCopy));
  show(document);
  document.addEventListener("htmx:after:swap", () => show(document));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      const label = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 1500);
      return;
    }
    // A mark in the reply opens the evidence it points at.
    const mark = event.target.closest("a.cite");
    const evidence = mark && document.querySelector(mark.getAttribute("href") + " > details");
    if (evidence) evidence.open = true;
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    for (const button of event.target.querySelectorAll("button")) {
      button.classList.add("busy");
      setTimeout(() => (button.disabled = true));
    }
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("button.busy").forEach((b) => {
      b.disabled = false;
      b.classList.remove("busy");
    });
  });
})();

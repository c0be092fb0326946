// Parts of a page that follow a ticket ask for themselves anew when it changes. A browser allows six connections
// to a host, so of all open tabs one listens, the others hear from it; without any of this the parts still ask,
// only more slowly.
(() => {
  if (!("follows" in document.body.dataset) || !window.EventSource) return;

  // Null: anything may have changed. The rows of the list are too many to ask for each of them then.
  const changed = (ticket) => {
    for (const part of document.querySelectorAll(ticket === null ? "[data-live]:not(.row-chips)" : "[data-live]")) {
      if (ticket === null || ["*", ticket].includes(part.dataset.live)) part.dispatchEvent(new CustomEvent("live"));
    }
  };

  const listen = (say) => {
    const source = new EventSource("/live");
    let begun = false;
    source.addEventListener("change", (event) => say(JSON.parse(event.data).ticket));
    // The first word of a line that was lost in between: what was said meanwhile was missed.
    source.addEventListener("again", () => {
      if (begun) say(null);
      begun = true;
    });
    return source;
  };

  if (!window.BroadcastChannel || !navigator.locks) {
    listen(changed);
    return;
  }
  const channel = new BroadcastChannel("ccos-live");
  channel.addEventListener("message", (event) => changed(event.data));
  navigator.locks.request("ccos-live", () => new Promise((end) => {
    const source = listen((ticket) => {
      channel.postMessage(ticket);
      changed(ticket);
    });
    // Refused for good, for one because the session has ended: another tab may try.
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && end());
  }));
})();

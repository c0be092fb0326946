// What somebody types is kept in this tab until it is sent: a lost connection, an expired sign-in or a press on
// the wrong key costs no word. It is gone when the tab is closed, for it is a customer's.
(() => {
  const PREFIX = "ccos-edit-";

  const keep = (field) => {
    if (field.dataset.kept) return;
    field.dataset.kept = "yes";
    const name = PREFIX + field.dataset.keep;
    const part = field.closest("details");
    const note = part.querySelector(".kept");
    const written = sessionStorage.getItem(name);
    if (written !== null && written !== field.value) {
      field.value = written;
      part.open = true;
      note.hidden = false;
    }
    field.addEventListener("input", () => {
      // Nothing is cut off in silence: what is too long to be sent says so when it is to be sent.
      const tooLong = field.dataset.most && field.value.length > Number(field.dataset.most);
      field.setCustomValidity(tooLong ? field.dataset.tooLong : "");
      try {
        sessionStorage.setItem(name, field.value);
      } catch {
        sessionStorage.removeItem(name); // more than a browser keeps: an older state would be worse than none
      }
    });
    part.querySelector("[data-forget]").addEventListener("click", () => {
      field.value = field.defaultValue;
      sessionStorage.removeItem(name);
      note.hidden = true;
      field.focus();
    });
  };

  const look = () => document.querySelectorAll("textarea[data-keep]").forEach(keep);
  look();
  document.addEventListener("htmx:after:swap", look);
})();

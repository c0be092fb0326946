// The keyboard: one key for what is done eighty times a day. By the place of a key, not its letter, so that a
// Korean keyboard state changes nothing; never while a syllable is being composed, and never while typing.
(() => {
  const OFF = "ccos-keys-off";
  const help = document.getElementById("keys");
  if (!help) return;
  const find = (selector) => document.querySelector(selector);
  const isOn = () => localStorage.getItem(OFF) === null;
  const typesIn = (target) => target.closest?.("textarea, select, input:not([type=checkbox])");

  const box = document.getElementById("keys-on");
  const opener = document.getElementById("show-keys");
  const tell = () => document.documentElement.classList.toggle("keys", isOn());
  box.checked = isOn();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
    tell();
  });
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
  tell();

  let going = null; // whoever presses twice before the next page is there goes two further
  const go = (step) => {
    const rows = [...document.querySelectorAll("a.row")];
    const here = rows.indexOf(going ?? document.querySelector("a.row[aria-current]"));
    const next = rows[here < 0 && step < 0 ? rows.length - 1 : here + step];
    if (next) (going = next).click();
  };

  const openPart = (id) => {
    const part = document.getElementById(id);
    if (!part) return;
    part.open = !part.open;
    if (part.open) part.querySelector("form").scrollIntoView({ block: "nearest" });
    const field = part.open && part.querySelector("textarea");
    if (!field) return;
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  };

  const number = (n) => {
    const reason = find(`#reject[open] [data-key=Digit${n}]`);
    if (reason) return reason.click();
    const evidence = find(`#e${n} > details`);
    if (!evidence) return;
    evidence.open = !evidence.open;
    evidence.scrollIntoView({ block: "nearest" });
  };

  const DOES = {
    KeyJ: () => go(1),
    KeyK: () => go(-1),
    KeyE: () => openPart("edit"),
    KeyX: () => openPart("reject"),
    KeyZ: () => find(".undo button")?.click(),
    KeyG: () => find("#hint")?.focus(),
    Slash: () => find("#q")?.focus(),
  };

  const leave = (target) => {
    if (typesIn(target)) return target.blur();
    document.querySelectorAll(".actions details[open]").forEach((part) => (part.open = false));
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented || help.open) return;
    const { code, target } = event;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && code === "Enter") {
      const form = target.id === "text" ? target.form : typesIn(target) ? null : find("#approve");
      if (form && !event.repeat) form.requestSubmit();
      return;
    }
    if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (code === "Escape") return leave(target);
    if (typesIn(target)) return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(code);
    const does =
      event.key === "?" ? () => help.showModal() : digit ? () => number(digit[1]) : event.shiftKey ? null : DOES[code];
    if (!does) return;
    event.preventDefault(); // or the letter would land in the field that gets the focus
    does();
  });

  // A decision can be taken back for a moment; the button goes when it is over.
  const fade = () =>
    document.querySelectorAll(".undo[data-for]").forEach((form) => {
      setTimeout(() => form.remove(), 1000 * Number(form.dataset.for));
      form.removeAttribute("data-for");
    });
  fade();
  document.addEventListener("htmx:after:swap", fade);
})();

// What ipywidgets leaves out, for the explorer that `element` lies in: names and states of its controls for screen
// readers, and their keys, which JupyterLab takes for itself (ipywidgets, issue 3912).
function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function repair(explorer) {
  for (const label of explorer.querySelectorAll(".widget-label")) {
    if (label.title === "null") label.removeAttribute("title");
  }
  for (const control of explorer.querySelectorAll(".widget-slider, .widget-toggle-buttons")) {
    const name = control.querySelector(".widget-label").textContent;
    const readout = control.querySelector(".widget-readout");
    for (const handle of control.querySelectorAll("[role=slider]")) {
      set(handle, "aria-label", name);
      set(handle, "aria-valuetext", readout.textContent);
    }
    if (readout && readout.isContentEditable) {
      set(readout, "role", "textbox");
      set(readout, "aria-label", name);
    }
    for (const button of control.querySelectorAll("button")) {
      set(button.parentElement, "role", "group");
      set(button.parentElement, "aria-label", name);
      set(button, "aria-pressed", String(button.classList.contains("mod-active")));
    }
  }
  for (const button of explorer.querySelectorAll(".widget-button[title]:not([title=''])")) {
    set(button, "aria-label", button.title);
  }
  for (const bar of explorer.querySelectorAll(".widget-hprogress .progress")) {
    set(bar, "role", "progressbar");
    set(bar, "aria-label", bar.parentElement.querySelector(".widget-label").textContent);
    set(bar, "aria-valuenow", String(Math.round(parseFloat(bar.firstElementChild.style.width) || 0)));
  }
  // On each control itself: on what they lie in, it would not be looked at for a control that has the focus.
  for (const control of explorer.querySelectorAll("button, input, select, [tabindex], [contenteditable]")) {
    set(control, "data-lm-suppress-shortcuts", "true");
  }
  for (const said of explorer.querySelectorAll(".course-explorer-says")) set(said, "aria-live", "polite");
}

function begin(tries) {
  const explorer = element.closest(".course-explorer");
  if (!explorer) {
    if (tries) setTimeout(begin, 100, tries - 1); // it is not in the page yet
    return;
  }
  repair(explorer);
  const seen = { subtree: true, childList: true, characterData: true, attributeFilter: ["class", "style", "aria-valuetext"] };
  new MutationObserver(() => repair(explorer)).observe(explorer, seen);
}

begin(100);

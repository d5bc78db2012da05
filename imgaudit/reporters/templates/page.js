// What the pages of a report share: their index, and the views behind their tabs.
const index = JSON.parse(byId("index").textContent);
root.classList.add("js");

// --- views ----------------------------------------------------------------------------------------------------

const tabs = all(".tabs a");
const views = all(".view");
const list = byId("views");
list.setAttribute("role", "tablist");
for (const tab of tabs) {
  tab.setAttribute("role", "tab");
  tab.id = `tab-${tab.dataset.view}`;
  tab.setAttribute("aria-controls", tab.dataset.view);
  const view = byId(tab.dataset.view);
  view.setAttribute("role", "tabpanel");
  view.setAttribute("aria-labelledby", tab.id);
  view.removeAttribute("aria-label");
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", `#${tab.dataset.view}`);
    show(tab.dataset.view);
  });
}

function show(name) {
  for (const view of views) view.classList.toggle("off", view.id !== name);
  for (const tab of tabs) {
    const chosen = tab.dataset.view === name;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
  }
}

list.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});

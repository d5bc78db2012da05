// What the pages share: making elements, and the views behind their tabs. Each page's own script follows in one scope.
const SVG = "http://www.w3.org/2000/svg";
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const index = JSON.parse(byId("index").textContent);
root.classList.add("js");

function make(tag, facts = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function draw(tag, facts, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(facts)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const foreign = (text) => make("bdi", {}, String(text));

function verdictBadge(decision) {
  const icon = draw("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" });
  icon.append(draw("use", { href: `#i-${decision}` }));
  return make("span", { class: `verdict v-${decision}` }, icon, decision);
}

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

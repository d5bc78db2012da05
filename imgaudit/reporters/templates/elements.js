// What every page is made of: elements, shapes, and strings of the run set as text. Each page's own script follows.
const SVG = "http://www.w3.org/2000/svg";
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

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

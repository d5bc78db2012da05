// The page is complete without this script. It filters, and enlarges pairs of pictures: beside each other, blinking
// between them, or one over the other with a slider. Strings of the runs are only ever set as text.
for (const entry of index) entry.text = entry.text.toLowerCase();
const cardOf = new Map(index.flatMap((entry) => entry.pairs.map((pair) => [pair, entry.n])));

// --- filters --------------------------------------------------------------------------------------------------

const fields = { text: byId("f-text"), measure: byId("f-measure"), stratum: byId("f-stratum"), direction: byId("f-direction") };
let visible = [];

const takes = (field, value) => field.value === "" || Number(field.value) === Number(value);

function fits(entry, words) {
  return words.every((word) => entry.text.includes(word)) && entry.moved.some(([measure, stratum, worse]) =>
    takes(fields.measure, measure) && takes(fields.stratum, stratum)
    && (fields.direction.value === "" || (fields.direction.value === "worse") === worse));
}

function filter() {
  const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = index.filter((entry) => fits(entry, words));
  const numbers = new Set(shown.map((entry) => entry.n));
  visible = shown.flatMap((entry) => entry.pairs);
  for (const card of all("[data-card]")) card.hidden = !numbers.has(Number(card.dataset.card));
  for (const row of all("[data-measure]")) {
    row.hidden = !(takes(fields.measure, row.dataset.measure) && takes(fields.stratum, row.dataset.stratum));
  }
  for (const block of all("[data-block]")) block.hidden = !block.querySelector("tbody tr:not([hidden])");
  byId("empty").hidden = shown.length > 0 || index.length === 0;
  const noun = index.length === 1 ? "prompt" : "prompts";
  byId("f-status").textContent = shown.length === index.length ? `${index.length} ${noun}` : `${shown.length} of ${index.length} ${noun}`;
}

let waiting = 0;
fields.text.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 80);
});
for (const field of [fields.measure, fields.stratum, fields.direction]) field.addEventListener("change", filter);
byId("f-clear").addEventListener("click", () => {
  for (const field of Object.values(fields)) field.value = "";
  filter();
});
document.querySelector(".filters").addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});

// --- the enlarged pair ----------------------------------------------------------------------------------------

const BLINK = 800; // milliseconds a side: slow enough to be no flashing
const viewer = byId("viewer");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const read = new Map();
let current = 0;
let opener = null;
let mode = "beside";
let cut = 50;
let timer = 0;

function details(card) {
  if (!read.has(card)) read.set(card, JSON.parse(byId(`details-${card}`).textContent));
  return read.get(card);
}
const source = (side) => byId(`large-${side.key}`)?.textContent ?? byId(`small-${side.key}`)?.src ?? null;

function picture(side, name) {
  const from = side && source(side);
  if (!from) return make("p", { class: "missing" }, side ? side.missing ?? "There is nothing to show." : `The ${name} has no picture of this seed.`);
  return make("img", { src: from, alt: `${name}: ${side.id}`, draggable: "false" });
}

// both sides get the baseline's shape, so that what lies over each other is of one size
function frame(pair, ...children) {
  const shape = [pair.base, pair.candidate].find((side) => side && side.width && side.height);
  const sharp = shape && Math.max(shape.width, shape.height) <= 128;
  const whole = make("div", { class: `whole${sharp ? " sharp" : ""}` }, ...children);
  if (shape) {
    whole.style.aspectRatio = `${shape.width} / ${shape.height}`;
    whole.style.setProperty("--shape", shape.width / shape.height);
  }
  return whole;
}

function beside(pair) {
  const half = (side, name) => make("figure", {}, frame(pair, picture(side, name)), make("figcaption", {}, name));
  return make("div", { class: "pair-stage beside" }, half(pair.base, "baseline"), half(pair.candidate, "candidate"));
}

function stacked(pair, kind, ...more) {
  const over = picture(pair.candidate, "candidate");
  over.classList.add("over");
  const whole = frame(pair, picture(pair.base, "baseline"), over, ...more);
  const caption = make("figcaption", { "aria-live": kind === "blink" ? "off" : "polite" });
  return { whole, over, caption, stage: make("div", { class: `pair-stage ${kind}` }, make("figure", {}, whole, caption)) };
}

function blink(pair) {
  const { over, caption, stage } = stacked(pair, "blink");
  let candidate = true;
  const turn = () => {
    candidate = !candidate;
    over.classList.toggle("hid", !candidate);
    caption.textContent = candidate ? "candidate" : "baseline";
    swap.textContent = candidate ? "Show baseline" : "Show candidate";
  };
  const run = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(turn, BLINK) : 0;
    play.setAttribute("aria-pressed", on);
    play.textContent = on ? "Stop blinking" : "Start blinking";
  };
  const swap = make("button", { type: "button", class: "swap", onclick: () => { run(false); turn(); } });
  const play = make("button", { type: "button", class: "play", onclick: () => run(!timer) });
  turn();
  run(!calm.matches);
  return [stage, play, swap];
}

function slide(pair) {
  const { whole, caption, stage } = stacked(pair, "slide", make("div", { class: "seam" }));
  caption.textContent = "baseline left of the line, candidate right of it";
  const range = make("input", { type: "range", min: "0", max: "100", step: "1", value: String(cut), class: "cut" });
  const move = () => {
    cut = Number(range.value);
    whole.style.setProperty("--cut", `${cut}%`);
    range.setAttribute("aria-valuetext", `${cut} % baseline, ${100 - cut} % candidate`);
  };
  const drag = (event) => {
    const box = whole.getBoundingClientRect();
    range.value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
    move();
  };
  range.addEventListener("input", move);
  whole.addEventListener("pointerdown", (event) => {
    whole.setPointerCapture(event.pointerId);
    drag(event);
  });
  whole.addEventListener("pointermove", (event) => {
    if (event.buttons) drag(event);
  });
  move();
  return [stage, make("label", {}, "Slide", range)];
}

function staged(pair) {
  if (mode === "blink") return blink(pair);
  if (mode === "slide") return slide(pair);
  return [beside(pair)];
}

function values(pair) {
  const sides = [pair.base, pair.candidate];
  const row = (name, tell) => make("tr", {}, make("th", { scope: "row" }, name), ...sides.map((side) =>
    make("td", {}, ...(side ? [tell(side)].flat() : [make("span", { class: "none" }, "none")]))));
  const measures = (pair.base ?? pair.candidate).values.map(([name]) => name);
  const value = (side, name) => foreign(side.values.find(([each]) => each === name)?.[1] ?? "none");
  return make("table", { class: "values" },
    make("thead", {}, make("tr", {}, make("td"), make("th", { scope: "col" }, "baseline"), make("th", { scope: "col" }, "candidate"))),
    make("tbody", {},
      row("picture", (side) => foreign(side.id)),
      row("verdict", (side) => verdictBadge(side.verdict)),
      ...measures.map((name) => row(foreign(name), (side) => value(side, name))),
      row("why", (side) => side.why.length ? make("ul", { class: "why" }, ...side.why.map((line) => make("li", {}, foreign(line)))) : "nothing is held against it"),
      row("size", (side) => side.width ? `${side.width} × ${side.height}` : "unknown")));
}

function step(by) {
  const next = visible[visible.indexOf(current) + by];
  if (next) open(next);
}

function open(n, focus = "viewer-title") {
  if (!cardOf.has(n)) return;
  clearInterval(timer);
  timer = 0;
  current = n;
  const card = details(cardOf.get(n));
  const pair = card.pairs.find((each) => each.n === n);
  const both = Boolean(pair.base && pair.candidate && source(pair.base) && source(pair.candidate));
  if (!both) mode = "beside";
  const place = visible.indexOf(n);
  const button = (label, name, action, off) => make("button", { type: "button", class: name, "aria-label": label, disabled: off, onclick: action }, label);
  const choice = (name, label) => make("button", {
    type: "button", id: `mode-${name}`, "aria-pressed": String(mode === name), disabled: name !== "beside" && !both,
    onclick: () => { mode = name; open(n, `mode-${name}`); },
  }, label);
  const [stage, ...controls] = staged(pair);
  const reduced = [pair.base, pair.candidate].some((side) => side && side.reduced);
  viewer.replaceChildren(
    make("div", { class: "viewer-bar" },
      make("h2", { id: "viewer-title", tabindex: "-1" }, foreign(card.case), ", ", pair.label),
      make("span", { class: "place" }, place < 0 ? "" : `${place + 1} of ${visible.length}`),
      button("Previous", "previous", () => step(-1), place <= 0),
      button("Next", "next", () => step(1), place < 0 || place >= visible.length - 1),
      button("Close", "close", shut, false)),
    make("div", { class: "tools" },
      make("div", { class: "segmented", role: "group", "aria-label": "How to compare" },
        choice("beside", "Side by side"), choice("blink", "Blink"), choice("slide", "Slider")),
      ...controls),
    make("div", { class: "viewer-body", tabindex: "-1" }, stage,
      make("div", { class: "facts-side" },
        make("p", { class: "long", tabindex: "0" }, foreign(card.prompt)),
        values(pair),
        reduced ? make("p", { class: "fine" }, "Shown from its thumbnail, to keep this page small; the file has more detail.") : null)));
  history.replaceState(null, "", `#pair-${n}`);
  if (!viewer.open) {
    opener = document.activeElement;
    viewer.showModal();
  }
  byId(focus).focus();
}

viewer.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.classList.contains("cut")) return;
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
  else return;
  event.preventDefault();
});
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) shut();
});
// The browser tells of a closed dialog some time later; until then the focus would lie where the dialog was opened.
viewer.addEventListener("cancel", (event) => {
  event.preventDefault();
  shut();
});
viewer.addEventListener("close", leave); // where a browser closes it without asking

function shut() {
  viewer.close();
  leave();
}

function leave() {
  if (viewer.open || !viewer.hasChildNodes()) return; // opened again, or left before this event came round
  clearInterval(timer);
  timer = 0;
  const view = views.find((each) => !each.classList.contains("off"));
  history.replaceState(null, "", `#${view ? view.id : "decision"}`);
  viewer.replaceChildren();
  const pair = document.querySelector(`[data-open="${current}"]`);
  (pair?.checkVisibility?.() ? pair : opener)?.focus();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(Number(link.dataset.open));
});

// --- start ----------------------------------------------------------------------------------------------------

function route() {
  const name = location.hash.slice(1);
  const pair = /^pair-(\d+)$/.exec(name);
  if (pair) {
    show("pictures");
    open(Number(pair[1]));
  } else if (views.some((view) => view.id === name)) show(name);
}
window.addEventListener("hashchange", route);
filter();
show("decision");
route();

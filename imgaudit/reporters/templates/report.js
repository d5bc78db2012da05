// The page is complete without this script. It filters, draws what was found over the pictures, and enlarges them.
// Strings of the run are only ever set as text; the page's policy forbids anything else.
const known = new Map(index.map((entry) => [entry.n, entry]));
for (const entry of index) {
  entry.text = entry.text.toLowerCase();
  entry.tokens = new Set(entry.tokens);
}

// --- what is known of one picture, read when it is first needed -----------------------------------------------

const read = new Map();
function details(n) {
  if (!read.has(n)) read.set(n, JSON.parse(byId(`details-${n}`).textContent));
  return read.get(n);
}
const small = (n) => byId(`picture-${n}`).querySelector("img")?.src ?? null;
const whyMissing = (n) => byId(`picture-${n}`).querySelector(".missing")?.textContent ?? "There is nothing to show.";
const large = (n) => byId(`large-${n}`)?.textContent ?? small(n);

// what is far from the window is prepared when it comes near; all of it before printing
function whenNear(elements, prepare) {
  const waiting = new Set(elements);
  const now = (element) => {
    if (waiting.delete(element)) prepare(element, Number(element.dataset.n));
    watcher.unobserve(element);
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) now(entry.target);
  }, { rootMargin: "400px" });
  elements.forEach((element) => watcher.observe(element));
  window.addEventListener("beforeprint", () => [...waiting].forEach(now));
}

whenNear(all(".card"), (card, n) => {
  const found = details(n);
  const image = card.querySelector("img");
  if (image && found.width && found.height) image.after(overlay(found, false));
});
whenNear(all(".cell"), (cell, n) => {
  const source = small(n);
  const frame = cell.querySelector(".frame");
  frame.append(source ? make("img", { src: source, alt: "", decoding: "async" }) : make("span", { class: "missing" }, whyMissing(n)));
});

// --- views and layouts ----------------------------------------------------------------------------------------

const layouts = all("[data-layout]");
function lay(name) {
  for (const button of layouts) button.setAttribute("aria-pressed", button.dataset.layout === name);
  byId("cards").classList.toggle("off", name !== "cards");
  byId("sheet")?.classList.toggle("off", name !== "sheet");
}
for (const button of layouts) button.addEventListener("click", () => lay(button.dataset.layout));
lay("cards");

// --- filters --------------------------------------------------------------------------------------------------

const verdicts = new Set();
const rows = all("[data-n]");
const fields = { text: byId("f-text"), token: byId("f-token"), case: byId("f-case") };
let visible = index.map((entry) => entry.n);

function fits(entry, words) {
  return (verdicts.size === 0 || verdicts.has(entry.verdict))
    && (!fields.token.value || entry.tokens.has(fields.token.value))
    && (!fields.case?.value || entry.case === Number(fields.case.value))
    && words.every((word) => entry.text.includes(word));
}

function filter() {
  const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  visible = index.filter((entry) => fits(entry, words)).map((entry) => entry.n);
  const shown = new Set(visible);
  for (const row of rows) row.hidden = !shown.has(Number(row.dataset.n));
  for (const row of all(".sheet tbody tr")) row.hidden = !row.querySelector(".cell:not([hidden])");
  byId("empty").hidden = visible.length > 0;
  const noun = index.length === 1 ? "picture" : "pictures";
  byId("f-status").textContent = shown.size === index.length ? `${index.length} ${noun}` : `${shown.size} of ${index.length} ${noun}`;
}

for (const button of all("[data-verdict]")) {
  button.addEventListener("click", () => {
    const chosen = !verdicts.has(button.dataset.verdict);
    verdicts[chosen ? "add" : "delete"](button.dataset.verdict);
    button.setAttribute("aria-pressed", chosen);
    filter();
  });
}
let waiting = 0;
fields.text.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 80);
});
fields.token.addEventListener("change", filter);
fields.case?.addEventListener("change", filter);
byId("f-clear").addEventListener("click", () => {
  verdicts.clear();
  all("[data-verdict]").forEach((button) => button.setAttribute("aria-pressed", false));
  for (const field of Object.values(fields)) if (field) field.value = "";
  filter();
});
document.querySelector(".filters").addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});

// --- keys between cards ---------------------------------------------------------------------------------------

byId("cards").addEventListener("keydown", (event) => {
  const link = event.target.closest(".open");
  if (!link || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = all(".card:not([hidden]) .open");
  const here = links.indexOf(link);
  const top = link.getBoundingClientRect().top;
  const columns = links.filter((each) => Math.abs(each.getBoundingClientRect().top - top) < 2).length || 1;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step || !links[here + step]) return;
  event.preventDefault();
  links[here + step].focus();
});

// --- the enlarged picture -------------------------------------------------------------------------------------

const viewer = byId("viewer");
let current = 0;
let opener = null;

function stage(n, found) {
  const source = large(n);
  if (!source) {
    return make("div", { class: "stage" }, make("p", { class: "missing" }, whyMissing(n)));
  }
  const image = make("img", { src: source, alt: `Picture ${found.id}` });
  const frame = make("div", { class: `picture${Math.max(found.width, found.height) <= 128 ? " sharp" : ""}` }, image);
  // the picture is given its shape before it is decoded, so that the labels can be sized
  if (found.width && found.height) {
    frame.style.aspectRatio = `${found.width} / ${found.height}`;
    frame.style.setProperty("--shape", found.width / found.height);
    requestAnimationFrame(() => frame.append(overlay(found, true, frame.clientWidth)));
  }
  const reduced = byId(`picture-${n}`).hasAttribute("data-reduced");
  return make("div", { class: "stage" }, frame,
    reduced ? make("p", { class: "reduced" }, "Shown from its thumbnail, to keep this page small; the file has more detail.") : null);
}

function sidebar(n, found) {
  const verdict = make("p", { class: "line" }, verdictBadge(found.final));
  if (found.human) verdict.append(make("span", { class: "was" }, `checks: ${found.machine}; people: ${found.human.says}`));
  else if (found.machine !== found.final) verdict.append(make("span", { class: "was" }, `checks: ${found.machine}; decided by a person`));
  const size = found.width ? `${found.width} × ${found.height}` : "unknown";
  return make("div", { class: "facts-side" },
    verdict,
    reasonList("Why", [...found.reasons, ...found.holds]),
    found.human ? make("section", {}, make("h3", {}, "Decided by people"),
      pairs([...found.human.people, ["reason", found.human.reason], ["day", found.human.given]])) : null,
    editList(large(n), found),
    found.prompt ? make("section", {}, make("h3", {}, "Prompt"), make("p", { class: "long", tabindex: "0" }, foreign(found.prompt)),
      found.negative ? make("p", { class: "long" }, "Without: ", foreign(found.negative)) : null) : null,
    found.clauses.length ? make("section", {}, make("h3", {}, "Clauses of the prompt"), clauseTable(found.clauses)) : null,
    make("section", {}, make("h3", {}, "Findings"), ...found.findings.map(findingItem)),
    reasonList("Notes", found.notes),
    make("section", {}, make("h3", {}, "Origin"),
      pairs([["path", found.path], ["case", found.case], ["seed index", found.seed], ["size", size], ...found.source, ...found.digests])),
    found.left_out ? make("p", { class: "fine" }, `${found.left_out} further shapes are not drawn; the record has them.`) : null);
}

function step(by) {
  const next = visible[visible.indexOf(current) + by];
  if (next) open(next);
}

function open(n) {
  if (!known.has(n)) return;
  current = n;
  const found = details(n);
  const place = visible.indexOf(n);
  const button = (label, name, action, off) => make("button", { type: "button", class: name, "aria-label": label, disabled: off, onclick: action }, label);
  viewer.replaceChildren(
    make("div", { class: "viewer-bar" },
      make("h2", { id: "viewer-title", tabindex: "-1" }, foreign(found.id)),
      layerBoxes(found),
      make("span", { class: "place" }, place < 0 ? "" : `${place + 1} of ${visible.length}`),
      button("Previous", "previous", () => step(-1), place <= 0),
      button("Next", "next", () => step(1), place < 0 || place >= visible.length - 1),
      button("Close", "close", shut, false)),
    make("div", { class: "viewer-body", tabindex: "-1" }, stage(n, found), sidebar(n, found)));
  history.replaceState(null, "", `#picture-${n}`);
  if (!viewer.open) {
    opener = document.activeElement;
    viewer.showModal();
  }
  byId("viewer-title").focus();
}

viewer.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
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
  const view = views.find((each) => !each.classList.contains("off"));
  history.replaceState(null, "", `#${view ? view.id : "art"}`);
  viewer.replaceChildren();
  const card = byId(`picture-${current}`)?.querySelector(".open");
  const back = opener?.dataset?.open && !opener.closest(".card") ? opener : card;
  (back?.checkVisibility?.() ? back : opener)?.focus();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-open]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(Number(link.dataset.open));
});

// --- start ----------------------------------------------------------------------------------------------------

function reveal(target) {
  const view = target?.closest(".view");
  if (!view) return;
  show(view.id);
  (target.closest(".card") ?? target).scrollIntoView({ block: "center" });
}

function route() {
  const name = location.hash.slice(1);
  const picture = /^picture-(\d+)$/.exec(name);
  if (picture) open(Number(picture[1]));
  else if (views.some((view) => view.id === name)) show(name);
  else reveal(byId(name)); // an anchor that another report points at
}
window.addEventListener("hashchange", route);
show("art");
route();

// One picture after the other. Strings of the run are only ever set as text; the page's policy forbids anything else.
import {
  all, byId, draw, editList, findingItem, foreign, layerBoxes, make, overlay, pairs, reasonList, root, verdictBadge,
} from "./shared.js";
import { get, post, whyMissing } from "./shell.js";

const REASONS = JSON.parse(byId("reasons").textContent);
const OWN = "(other)";
const TILE = 1024;
const filter = Object.fromEntries(new URLSearchParams(location.search));
const asked = Object.fromEntries(["state", "verdict", "case", "code", "q"].filter((name) => filter[name]).map((name) => [name, filter[name]]));
let state = JSON.parse(byId("data").textContent);
let zoom = 0;
let beside = state.beside[0]?.name ?? null;
let busy = false;
let missed = [];

const copies = (picture, what) => `/copies/${picture.side}/${picture.place}/${what}`;

// --- saying ---------------------------------------------------------------------------------------------------

let fading = 0;
function say(...parts) {
  const box = byId("said");
  box.replaceChildren(...parts);
  box.classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => box.classList.remove("on"), 7000);
}

function wrong(sentence) {
  const box = byId("wrong");
  box.textContent = sentence ?? "";
  box.hidden = !sentence;
  if (sentence) box.scrollIntoView({ block: "nearest" });
}

// --- the picture ----------------------------------------------------------------------------------------------

function alternative(picture) {
  if (picture.concealed === "blurred") return `Picture ${picture.id}, blurred: a safety model flagged it`;
  return `Picture ${picture.id}${picture.prompt ? `, asked for: ${picture.prompt.slice(0, 300)}` : ""}`;
}

function tiles(picture) {
  const grid = make("div", { class: "tiles" });
  for (let y = 0; y * TILE < picture.height; y += 1) {
    for (let x = 0; x * TILE < picture.width; x += 1) {
      const tile = make("img", { class: "tile", src: copies(picture, `tile/${x}/${y}`), alt: "", loading: "lazy", decoding: "async", draggable: "false" });
      const part = (value, whole) => `${(100 * value) / whole}%`;
      tile.style.left = part(x * TILE, picture.width);
      tile.style.top = part(y * TILE, picture.height);
      tile.style.width = part(Math.min(TILE, picture.width - x * TILE), picture.width);
      tile.style.height = part(Math.min(TILE, picture.height - y * TILE), picture.height);
      grid.append(tile);
    }
  }
  return grid;
}

function shot(picture, caption, label) {
  const view = make("div", { class: `view${zoom ? " zoomed" : ""}`, tabindex: "0", role: "group", "aria-label": label });
  if (picture.missing) {
    view.append(make("p", { class: "missing" }, picture.missing));
    return make("figure", { class: "shot" }, caption, view);
  }
  const image = make("img", { src: copies(picture, "view"), alt: alternative(picture), draggable: "false" });
  const small = Math.max(picture.width ?? 0, picture.height ?? 0);
  const frame = make("div", { class: `picture${small <= 128 || zoom > 1 ? " sharp" : ""}` }, image);
  image.addEventListener("error", async () => view.replaceChildren(make("p", { class: "missing" }, await whyMissing(image.src))), { once: true });
  if (picture.width && picture.height) {
    frame.style.aspectRatio = `${picture.width} / ${picture.height}`;
    frame.style.setProperty("--shape", picture.width / picture.height);
    if (zoom) frame.style.width = `${picture.width * zoom}px`;
    if (zoom && picture.tiled) frame.append(tiles(picture));
    requestAnimationFrame(() => frame.append(overlay(picture, true, frame.clientWidth)));
  }
  view.append(frame);
  if (picture.concealed === "blurred") view.append(make("p", { class: "reduced" }, "Blurred: a safety model flagged it. It is not shown clearly here."));
  return make("figure", { class: "shot" }, caption, view);
}

function captioned(title, picture, said) {
  return make("figcaption", {}, make("b", {}, foreign(title)), picture ? verdictBadge(picture.final) : null,
    said ? make("span", { class: "was" }, foreign(said)) : null);
}

function drawStages() {
  const other = state.beside.find((one) => one.name === beside);
  const shots = [shot(state.picture, other ? captioned("this run", state.picture, null) : null, "The picture; scrolls when it is enlarged")];
  if (other) {
    const caption = captioned(other.name === "repaired" ? "repaired" : other.title, other.picture, other.said);
    shots.push(other.picture ? shot(other.picture, caption, `The picture of ${other.title}`)
      : make("figure", { class: "shot" }, caption, make("div", { class: "view" }, make("p", { class: "missing" }, "There is no picture to show."))));
  }
  byId("stages").replaceChildren(...shots);
  byId("stages").classList.toggle("two", shots.length > 1);
  together(all(".view.zoomed"));
  all(".view.zoomed").forEach(draggable);
  drawLookbar();
}

// two enlarged pictures are moved together
function together(views) {
  if (views.length < 2) return;
  let leader = null;
  for (const view of views) {
    view.addEventListener("pointerenter", () => { leader = view; });
    view.addEventListener("focus", () => { leader = view; });
    view.addEventListener("scroll", () => {
      if (leader !== view) return;
      for (const other of views) if (other !== view) other.scrollTo(view.scrollLeft, view.scrollTop);
    });
  }
}

function draggable(view) {
  let from = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button) return;
    from = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => from && view.scrollTo(from[0] - event.clientX, from[1] - event.clientY));
  view.addEventListener("pointerup", () => { from = null; });
}

function drawLookbar() {
  for (const button of all("#zooms button")) button.setAttribute("aria-pressed", Number(button.dataset.zoom) === zoom);
  const key = { other: "C", repaired: "G" };
  byId("besides").replaceChildren(...state.beside.map((one) =>
    make("button", { type: "button", "aria-pressed": String(one.name === beside), "data-beside": one.name, onclick: () => pair(one.name) },
      one.name === "repaired" ? "Repaired" : foreign(one.title), " ", make("kbd", {}, key[one.name]))));
  byId("layers").replaceChildren(...[layerBoxes(state.picture)].filter(Boolean));
}

function pair(name) {
  if (!state.beside.some((one) => one.name === name)) return;
  beside = beside === name ? null : name;
  drawStages();
  say(beside ? `${name === "repaired" ? "The repaired picture" : "The other run's picture"} is shown beside it.` : "The picture is shown alone.");
}

function enlarge(to) {
  zoom = to;
  drawStages();
  if (zoom) for (const view of all(".view.zoomed")) view.scrollTo((view.scrollWidth - view.clientWidth) / 2, (view.scrollHeight - view.clientHeight) / 2);
  say(zoom ? `${zoom} to 1. Arrow keys move the picture while it has the focus.` : "The picture fits the window.");
}

for (const button of all("#zooms button")) button.addEventListener("click", () => enlarge(Number(button.dataset.zoom)));

// --- other seeds ----------------------------------------------------------------------------------------------

function drawSeeds() {
  const strip = byId("seeds");
  strip.hidden = state.seeds.length < 2;
  strip.replaceChildren(...state.seeds.map((one) => {
    const here = one.n === state.n;
    const image = one.concealed === "withheld" ? make("span", { class: "missing" }, "not shown")
      : make("img", { src: `/copies/own/${one.n}/thumbnail`, alt: "", loading: "lazy", decoding: "async" });
    return make("a", {
      class: `seedcell v-${one.final}`, href: `/picture/${one.n}${location.search}`, "aria-current": here ? "true" : null,
      "aria-label": `${one.seed === null ? one.id : `seed ${one.seed}`}, ${one.final}`,
      onclick: (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); visit(one.n); } },
    }, make("span", { class: "frame" }, image), make("span", { class: "cap" }, one.seed === null ? foreign(one.id) : `seed ${one.seed}`, verdictBadge(one.final)));
  }));
  strip.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

// --- what was found, and what is disputed ---------------------------------------------------------------------

function drawWhy() {
  const picture = state.picture;
  const alarms = new Map(state.alarms.map((alarm) => [alarm.code, alarm]));
  const rows = [];
  const row = (reason, kind) => {
    const alarm = alarms.get(reason.code);
    const box = alarm && make("label", { class: "false" }, make("input", { type: "checkbox", "data-false": alarm.code, "data-checker": alarm.checker }), "false alarm");
    if (alarm) alarms.delete(reason.code);
    rows.push(make("li", { class: `reason ${kind}` }, make("span", {}, foreign(reason.message), " ", make("code", {}, foreign(reason.code))), box));
  };
  picture.reasons.forEach((reason) => row(reason, "fired"));
  picture.holds.forEach((reason) => row(reason, "held"));
  picture.notes.filter((reason) => alarms.has(reason.code)).forEach((reason) => row(reason, "noted"));
  byId("why").replaceChildren(rows.length ? make("section", {}, make("h2", {}, "Why"), make("ul", { class: "reasons" }, ...rows))
    : make("p", { class: "none" }, "No rule fired on this picture."));
}

function drawMissed() {
  const select = byId("missed");
  const groups = state.silent.map((one) => make("optgroup", { label: one.title },
    make("option", { value: one.checker }, `${one.checker}: something`),
    ...one.codes.map(([code, about]) => make("option", { value: code }, `${code}: ${about}`))));
  select.replaceChildren(make("option", { value: "" }, "nothing"), ...groups);
  byId("missedlabel").hidden = !groups.length;
  byId("missedlist").replaceChildren(...missed.map((name) => make("li", {}, foreign(name),
    make("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => { missed = missed.filter((one) => one !== name); drawMissed(); } }, "×"))));
}

byId("missed").addEventListener("change", (event) => {
  const name = event.target.value;
  if (name && !missed.includes(name)) missed.push(name);
  drawMissed();
});

function disputes() {
  const alarms = all("[data-false]").filter((box) => box.checked).map((box) => ({ checker: box.dataset.checker, says: "false alarm", code: box.dataset.false }));
  const silences = missed.map((name) => ({ checker: name.split(".")[0], says: "missed", code: name.includes(".") ? name : null }));
  return [...alarms, ...silences];
}

// --- the rest of what is known --------------------------------------------------------------------------------

function question(one) {
  const answers = ["yes", "no", "n/a"].map((answer) => make("button", {
    type: "button", "aria-pressed": String(one.answer === answer), onclick: () => attest(one, answer),
  }, answer));
  const reason = make("input", { maxlength: "64", value: "reviewed", "aria-label": `Reason code: ${one.title}`, "data-answer-reason": one.dimension });
  return make("li", { class: "question" }, make("b", {}, one.title), one.required ? make("span", { class: "status" }, "required") : null,
    make("p", {}, one.question), one.said ? make("p", { class: "said-so" }, foreign(one.said)) : null,
    make("div", { class: "answers", role: "group", "aria-label": one.title }, ...answers, reason,
      make("small", {}, one.scope === "picture" ? "for this picture" : one.scope === "run" ? "for the whole run" : "for the generator")));
}

function drawFacts() {
  const picture = state.picture;
  const open = state.questions.filter((one) => one.required && !one.answer).length;
  const folded = byId("facts").querySelector("details.questions")?.open;
  const questions = state.questions.length ? make("details", { class: "questions", open: folded ?? false },
    make("summary", {}, make("b", {}, "Questions for people"), open ? ` ${open} required ${open === 1 ? "is" : "are"} open` : ""),
    make("ul", { class: "plainlist" }, ...state.questions.map(question))) : null;
  const history = state.history.length ? make("section", {}, make("h2", {}, "What people did"), make("ol", { class: "plainlist history" }, ...state.history.map(past))) : null;
  const size = picture.width ? `${picture.width} × ${picture.height}` : "unknown";
  byId("facts").replaceChildren(...[
    history,
    editList(picture.missing ? null : copies(picture, "view"), picture),
    picture.prompt ? make("section", {}, make("h2", {}, "Prompt"), make("p", { class: "long", tabindex: "0" }, foreign(picture.prompt)),
      picture.negative ? make("p", { class: "long" }, "Without: ", foreign(picture.negative)) : null) : null,
    questions,
    make("section", {}, make("h2", {}, "Findings"), ...picture.findings.map(findingItem)),
    reasonList("Notes", picture.notes),
    make("section", {}, make("h2", {}, "Origin"),
      pairs([["path", picture.path], ["case", picture.case], ["seed index", picture.seed], ["size", size], ...picture.source, ...picture.digests])),
    picture.left_out ? make("p", { class: "fine" }, `${picture.left_out} further shapes are not drawn; the record has them.`) : null,
  ].filter(Boolean));
}

function past(event) {
  return make("li", { class: event.stands ? "" : "gone" }, foreign(event.text),
    event.note ? make("p", { class: "long" }, foreign(event.note)) : null,
    event.undo ? make("button", { type: "button", onclick: () => undo(event.seq) }, "Take it back") : null);
}

// --- showing a picture ----------------------------------------------------------------------------------------

function drawHead() {
  const picture = state.picture;
  byId("title").replaceChildren(foreign(picture.id));
  byId("place").textContent = state.number ? `${state.number.toLocaleString("en")} of ${state.total.toLocaleString("en")}` : `${state.total.toLocaleString("en")} in the queue`;
  byId("previous").disabled = state.previous === null;
  byId("next").disabled = state.next === null;
  const line = [verdictBadge(picture.final)];
  if (picture.machine !== picture.final) line.push(make("span", { class: "was" }, "checks: ", verdictBadge(picture.machine)));
  if (state.people.length) line.push(make("span", { class: "people" }, foreign(state.people.join("; ")), state.ruling?.waiting ? " · waiting for another person" : ""));
  byId("verdict").replaceChildren(...line);
  const { decided, waiting, total, mine } = state.progress;
  byId("going").textContent = `${mine.toLocaleString("en")} to go`;
  byId("going").title = `${decided} of ${total} decided, ${waiting} waiting for another person`;
  byId("m-decided").setAttribute("width", (1000 * decided) / Math.max(total, 1));
  byId("m-waiting").setAttribute("x", (1000 * decided) / Math.max(total, 1));
  byId("m-waiting").setAttribute("width", (1000 * waiting) / Math.max(total, 1));
  document.title = `${picture.id} · imgaudit review`;
}

function fillReasons() {
  for (const select of all("[data-reason]")) {
    const options = REASONS[select.dataset.reason].map((code) => make("option", { value: code }, code.replaceAll("-", " ")));
    select.replaceChildren(...options, make("option", { value: OWN }, "other…"));
  }
  ownCode();
}

function ownCode() {
  const chosen = all("[data-reason]").some((select) => select.value === OWN);
  byId("own").hidden = !chosen;
  return chosen;
}
for (const select of all("[data-reason]")) select.addEventListener("change", () => { if (ownCode()) byId("owncode").focus(); });

function clearForm() {
  fillReasons();
  missed = [];
  byId("note").value = "";
  byId("owncode").value = "";
  wrong(null);
}

/** Show a picture; `kept` keeps what was typed about it. */
function show(next, kept = false) {
  state = next;
  if (!kept) {
    clearForm();
    zoom = 0;
    if (beside && !state.beside.some((one) => one.name === beside)) beside = null;
    beside ??= state.beside[0]?.name ?? null;
  }
  byId("desk").hidden = false;
  byId("done").hidden = true;
  drawHead();
  drawStages();
  drawSeeds();
  const ticked = new Set(kept ? all("[data-false]").filter((box) => box.checked).map((box) => box.dataset.false) : []);
  drawWhy();
  for (const box of all("[data-false]")) box.checked = ticked.has(box.dataset.false);
  drawMissed();
  drawFacts();
  if (!kept) {
    byId("title").focus({ preventScroll: true });
    document.querySelector(".side").scrollTop = 0;
    window.scrollTo(0, 0);
  }
  const ahead = state.next;
  if (ahead !== null) new Image().src = `/copies/own/${ahead}/view`;
}

function described(picture) {
  const why = [...picture.reasons, ...picture.holds].slice(0, 2).map((reason) => reason.message).join(" ");
  return `${picture.id}, ${picture.final}${why ? `. ${why}` : ""}`;
}

function go(answer, done) {
  if (answer.next === null) {
    finish(answer.state, done);
    return;
  }
  show(answer.state);
  history.pushState(null, "", `/picture/${state.n}${location.search}`);
  say(...done, ` Next picture: ${described(state.picture)}`);
}

function finish(last, done) {
  state = last;
  drawHead();
  byId("desk").hidden = true;
  byId("done").hidden = false;
  const { decided, waiting, total } = last.progress;
  byId("donewords").textContent = `${decided} of ${total} pictures are decided${waiting ? `, ${waiting} wait for another person` : ""}. U takes your last decision back.`;
  byId("donetitle").focus();
  say(...done, " This queue is empty.");
}

async function visit(n, push = true) {
  if (n === null) return;
  try {
    show(await get(`/api/picture/${n}${location.search}`));
    if (push) history.pushState(null, "", `/picture/${n}${location.search}`);
    say(`${state.number ? `Picture ${state.number} of ${state.total}: ` : ""}${described(state.picture)}`);
  } catch (refusal) {
    wrong(refusal.message);
  }
}

window.addEventListener("popstate", () => {
  const place = /^\/picture\/(\d+)$/.exec(location.pathname);
  if (place) visit(Number(place[1]), false);
});

// --- deciding -------------------------------------------------------------------------------------------------

/** One change at a time; a refusal is said, and what was typed stays. */
async function change(work) {
  if (busy) return;
  busy = true;
  root.classList.add("busy");
  wrong(null);
  try {
    await work();
  } catch (refusal) {
    wrong(refusal.message);
    if (refusal.status === 409) await renew();
  } finally {
    busy = false;
    root.classList.remove("busy");
  }
}

async function renew() {
  try {
    const fresh = await get(`/api/picture/${state.n}${location.search}`);
    const sentence = byId("wrong").textContent;
    show(fresh, true);
    wrong(sentence);
  } catch {
    // the sentence that is shown already says what is the matter
  }
}

function reasonFor(decision) {
  const select = document.querySelector(`[data-reason="${decision}"]`);
  if (select.value !== OWN) return select.value;
  const code = byId("owncode").value.trim();
  if (/^[a-z][a-z0-9-]{1,63}$/.test(code)) return code;
  byId("owncode").focus();
  wrong("Write your own reason code in small letters, digits and hyphens; at least two signs.");
  return null;
}

function decide(decision) {
  if (byId("desk").hidden) return;
  const reason = reasonFor(decision);
  if (!reason) return;
  change(async () => {
    const answer = await post("/api/decide", {
      n: state.n, decision, reason, seen: state.seen, disputes: disputes(), note: byId("note").value, filter: asked,
    });
    const text = `Recorded: ${decision}, ${reason.replaceAll("-", " ")}.`;
    go(answer, [make("b", {}, text)]);
  });
}

function skip() {
  if (byId("desk").hidden) return;
  change(async () => go(await post("/api/skip", { n: state.n, filter: asked }), ["Skipped; it comes again at the end."]));
}

function undo(seq = null) {
  change(async () => {
    const answer = await post("/api/undo", { seq, filter: asked });
    show(answer.state);
    history.pushState(null, "", `/picture/${state.n}${location.search}`);
    say(make("b", {}, "Taken back."), ` Picture: ${described(state.picture)}`);
  });
}

function attest(one, answer) {
  const reason = document.querySelector(`[data-answer-reason="${CSS.escape(one.dimension)}"]`).value.trim();
  change(async () => {
    const { state: fresh } = await post("/api/attest", { n: state.n, dimension: one.dimension, answer, reason, filter: asked });
    show(fresh, true);
    say(`Recorded: ${one.title}, ${answer}. The verdict is ${state.picture.final}.`);
  });
}

for (const button of all("[data-decision]")) button.addEventListener("click", () => decide(button.dataset.decision));
byId("skip").addEventListener("click", skip);
byId("undo").addEventListener("click", () => undo());
byId("previous").addEventListener("click", () => visit(state.previous));
byId("next").addEventListener("click", () => visit(state.next));
byId("decide").addEventListener("submit", (event) => event.preventDefault());

// --- keys -----------------------------------------------------------------------------------------------------

function toggleFalse() {
  const boxes = all("[data-false]");
  const on = !boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = on;
  say(boxes.length ? (on ? `False alarm: ${boxes.map((box) => box.dataset.false).join(", ")}.` : "No false alarm.") : "No check raised an alarm.");
}

function toggleOverlays() {
  const off = root.classList.toggle("no-overlays");
  say(off ? "Nothing is drawn over the picture." : "What was found is drawn over the picture.");
}

const sizes = [0, 1, 2, 4];
const KEYS = [
  ["p", "publish", () => decide("publish")],
  ["e", "edit", () => decide("edit")],
  ["r", "reject", () => decide("reject")],
  ["s", "skip: it comes again at the end of your queue", skip],
  ["u", "undo your last decision, by a new line in the log", () => undo()],
  ["ArrowRight", "next picture", () => visit(state.next)],
  ["ArrowLeft", "previous picture", () => visit(state.previous)],
  ["f", "all alarms of this picture are false, or not", toggleFalse],
  ["n", "write a note; Escape leaves it", () => byId("note").focus()],
  ["z", "zoom: fit, then 1 to 1", () => enlarge(zoom ? 0 : 1)],
  ["+", "larger", () => enlarge(sizes[Math.min(sizes.indexOf(zoom) + 1, sizes.length - 1)])],
  ["-", "smaller", () => enlarge(sizes[Math.max(sizes.indexOf(zoom) - 1, 0)])],
  ["o", "overlays on or off", toggleOverlays],
  ["c", "the other run beside it, or not (--compare)", () => pair("other")],
  ["g", "the repaired version beside it, or not", () => pair("repaired")],
  ["a", "questions for people", openQuestions],
  ["q", "back to the queue", () => byId("back").click()],
  ["?", "this list", openKeys],
];
const SHOWN = { ArrowRight: "→", ArrowLeft: "←" };
byId("keylist").replaceChildren(...KEYS.flatMap(([key, about]) => [
  make("dt", {}, make("kbd", {}, SHOWN[key] ?? key.toUpperCase())), make("dd", {}, about)]));

function openQuestions() {
  const box = byId("facts").querySelector("details.questions");
  if (!box) return;
  box.open = true;
  box.querySelector("summary").focus();
}

function openKeys() {
  byId("keys").showModal();
  byId("keysclose").focus();
}
byId("help").addEventListener("click", openKeys);
byId("keysclose").addEventListener("click", () => byId("keys").close());

const single = byId("single");
single.checked = localStorage.getItem("imgaudit-single-keys") !== "off";
single.addEventListener("change", () => localStorage.setItem("imgaudit-single-keys", single.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || byId("keys").open) return;
  const writing = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && writing) {
    byId("title").focus();
    return;
  }
  if (writing || event.repeat || !single.checked) return;
  if (event.key.startsWith("Arrow") && event.target.closest(".view.zoomed")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = KEYS.find(([name]) => name === key);
  if (!found) return;
  event.preventDefault();
  found[2]();
});

show(state);
root.dataset.ready = "";

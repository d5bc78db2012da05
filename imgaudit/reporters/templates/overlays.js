// What was found on one picture: drawn over it, and in words.
function shapesOf(found) {
  const edits = found.edits.flatMap((edit, place) => edit.shapes.map((shape) => ({ ...shape, owner: `edit-${place}` })));
  const findings = found.findings.flatMap((finding, place) =>
    finding.shapes.map((shape) => ({ ...shape, owner: `finding-${place}` })));
  const order = { masks: 0, landmarks: 1, text: 2, regions: 3, edits: 4 };
  return [...findings, ...edits].sort((a, b) => order[a.layer] - order[b.layer]);
}

function shapeElement(shape, found) {
  const group = draw("g", { class: `layer l-${shape.layer}`, "data-owner": shape.owner });
  if (shape.image) {
    group.append(draw("image", { href: shape.image, x: 0, y: 0, width: found.width, height: found.height, preserveAspectRatio: "none" }));
    return group;
  }
  const tag = shape.closed ? "polygon" : "polyline";
  group.append(draw(tag, { class: "halo", points: shape.points }), draw(tag, { class: "stroke", points: shape.points }));
  if (shape.layer === "landmarks") group.append(...dots(shape.points, Math.max(found.width, found.height) / 220));
  return group;
}

function dots(points, radius) {
  return points.split(" ").slice(0, 500).map((point) => {
    const [x, y] = point.split(",");
    return draw("circle", { cx: x, cy: y, r: radius });
  });
}

function labelElement(shape, found, unit, taken) {
  const [x, y] = shape.points.split(" ")[0].split(",").map(Number);
  const text = shape.label.length > 40 ? `${shape.label.slice(0, 39)}…` : shape.label;
  const wide = unit * 0.64 * text.length;
  const left = Math.min(Math.max(x, 0), Math.max(found.width - wide, 0));
  let top = Math.min(Math.max(y - 0.45 * unit, 1.1 * unit), found.height - 0.3 * unit);
  const meets = (other) => Math.abs(other.top - top) < 1.2 * unit && left < other.left + other.wide && other.left < left + wide;
  for (let tries = 0; tries < 12 && taken.some(meets); tries += 1) top += 1.25 * unit;
  taken.push({ left, top, wide });
  const label = draw("text", { class: "label", x: left, y: top, "font-size": unit }, text);
  return draw("g", { class: `layer l-${shape.layer}`, "data-owner": shape.owner }, label);
}

function overlay(found, labelled, shownWidth) {
  const box = `0 0 ${found.width} ${found.height}`;
  const svg = draw("svg", { class: "overlay", viewBox: box, "aria-hidden": "true" });
  const shapes = shapesOf(found);
  svg.append(...shapes.map((shape) => shapeElement(shape, found)));
  if (labelled && shownWidth) {
    const unit = (12.5 * found.width) / shownWidth;
    const named = shapes.filter((shape) => shape.points && shape.label && shape.layer !== "landmarks");
    const taken = [];
    // an edit often stands on the region of its finding: one label is enough for both
    const once = new Map(named.map((shape) => [`${shape.label} ${shape.points.split(" ")[0]}`, shape]));
    svg.append(...[...once.values()].map((shape) => labelElement(shape, found, unit, taken)));
  }
  return svg;
}

function layerBox(layer, label) {
  const box = make("input", { type: "checkbox", checked: !root.classList.contains(`no-${layer}`), "data-layer": layer });
  return make("label", {}, box, make("span", { class: `swatch s-${layer}` }), label);
}

document.addEventListener("change", (event) => {
  const layer = event.target.dataset?.layer;
  if (!layer) return;
  root.classList.toggle(`no-${layer}`, !event.target.checked);
  for (const box of all(`[data-layer="${layer}"]`)) box.checked = event.target.checked;
});

function pairs(rowsOf) {
  return make("table", { class: "facts" }, ...rowsOf.map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, foreign(name)), make("td", {}, foreign(value ?? "none")))));
}

function reasonList(title, reasons) {
  if (!reasons.length) return null;
  const items = reasons.map((reason) => make("li", {}, foreign(reason.message), " ",
    make("small", {}, make("code", {}, foreign(reason.code)), " · rule ", make("code", {}, foreign(reason.rule)))));
  return make("section", {}, make("h3", {}, title), make("ul", {}, ...items));
}

function pointed(owner, element) {
  const mark = (on) => all(`.stage [data-owner="${owner}"]`).forEach((group) => group.classList.toggle("hot", on));
  element.addEventListener("pointerenter", () => mark(true));
  element.addEventListener("pointerleave", () => mark(false));
  element.addEventListener("focusin", () => mark(true));
  element.addEventListener("focusout", () => mark(false));
  return element;
}

function crop(source, found, box) {
  if (!source || !box || !found.width || !found.height) return null;
  const [x0, y0, x1, y1] = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
  const side = Math.min(Math.max(x1 - x0, y1 - y0, 8) * 1.3, found.width, found.height);
  const within = (middle, length) => Math.min(Math.max(middle - side / 2, 0), length - side);
  const view = `${within((x0 + x1) / 2, found.width)} ${within((y0 + y1) / 2, found.height)} ${side} ${side}`;
  const svg = draw("svg", { class: "crop", viewBox: view, role: "img", "aria-label": "The place in the picture, enlarged" });
  svg.append(
    draw("image", { href: source, x: 0, y: 0, width: found.width, height: found.height, preserveAspectRatio: "none" }),
    draw("rect", { class: "frame-line", x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
  return svg;
}

function editList(source, found) {
  if (!found.edits.length) return null;
  const items = found.edits.map((edit, place) => pointed(`edit-${place}`, make("li", { class: "edit", tabindex: "0" },
    crop(source, found, edit.box),
    make("div", {}, make("b", {}, edit.method), edit.label ? " at " : "", edit.label ? foreign(edit.label) : "",
      make("p", {}, foreign(edit.instruction))))));
  return make("section", {}, make("h3", {}, "What to edit"), make("ol", { class: "edits" }, ...items));
}

const routes = { clip: "compared with false texts", detector: "looked for by name", ocr: "read", vqa: "asked in words", none: "nobody could tell" };
const states = { holds: "holds", false: "does not hold", untold: "not told" };

// clause | route | score, or why there is none; the name of a clause stands before it, for others rest on it
function clauseTable(clauses) {
  const cell = (tag, label, facts, ...children) => make(tag, { "data-label": label, ...facts }, ...children);
  return make("table", { class: "stack clauses" },
    make("thead", {}, make("tr", {}, ...["clause", "route", "score"].map((word) => make("th", { scope: "col" }, word)))),
    make("tbody", {}, ...clauses.map(([id, kind, text, route, state, said]) => make("tr", { class: `c-${state}` },
      make("th", { scope: "row" }, make("small", {}, foreign(id), ` ${kind}`), " ", foreign(text)),
      cell("td", "route", { class: "keep", title: routes[route] ?? "" }, route),
      cell("td", "score", {}, make("b", {}, states[state]), " ", foreign(said))))));
}

function findingItem(finding, place) {
  const words = { measured: "measured", abstained: "could not tell", failed: "failed" };
  const measures = finding.measures.length ? pairs([...finding.measures, ...finding.labels]) : finding.labels.length ? pairs(finding.labels) : null;
  const more = [];
  if (finding.unmeasured.length) more.push(make("p", {}, "Not measured:"), pairs(finding.unmeasured));
  if (finding.clauses.length) more.push(make("p", {}, "Clause by clause:"), clauseTable(finding.clauses));
  if (finding.read.length) more.push(make("p", {}, "Writing that was read, with the reader's score:"), pairs(finding.read));
  if (finding.by.length) more.push(make("p", {}, "By:"), pairs(finding.by));
  return pointed(`finding-${place}`, make("details", { class: `finding o-${finding.outcome}`, open: finding.codes.length > 0 || finding.outcome === "failed" },
    make("summary", {}, make("b", {}, foreign(finding.checker)), ` ${words[finding.outcome]} `,
      ...finding.codes.flatMap((code) => [make("code", {}, foreign(code)), " "])),
    finding.said ? make("p", {}, foreign(finding.said)) : null,
    finding.remedy ? make("p", {}, "Remedy: ", foreign(finding.remedy)) : null,
    measures, ...more));
}

function layerBoxes(found) {
  const present = new Set(shapesOf(found).map((shape) => shape.layer));
  const words = { regions: "findings", edits: "edits", text: "text", landmarks: "landmarks", masks: "masks" };
  const boxes = Object.entries(words).filter(([layer]) => present.has(layer)).map(([layer, label]) => layerBox(layer, label));
  return boxes.length ? make("fieldset", { class: "layers" }, make("legend", { class: "quiet" }, "Draw over the picture"), ...boxes) : null;
}

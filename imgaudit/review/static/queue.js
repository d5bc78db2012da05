// The queue: arrows move between the pictures as they lie, B begins, / searches.
import { all, byId, make, root } from "./shared.js";
import { post, whyMissing } from "./shell.js";

for (const image of all(".card img")) {
  const instead = async () => image.replaceWith(make("span", { class: "missing" }, await whyMissing(image.src)));
  if (image.complete && image.naturalWidth === 0 && image.currentSrc) instead();
  else image.addEventListener("error", instead, { once: true });
}

byId("cards").addEventListener("keydown", (event) => {
  const link = event.target.closest(".open");
  if (!link || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = all(".card .open");
  const here = links.indexOf(link);
  const top = link.getBoundingClientRect().top;
  const columns = links.filter((each) => Math.abs(each.getBoundingClientRect().top - top) < 2).length || 1;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step || !links[here + step]) return;
  event.preventDefault();
  links[here + step].focus();
});

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  if (localStorage.getItem("imgaudit-single-keys") === "off") return;
  if (event.key === "b") byId("begin").click();
  else if (event.key === "/") byId("q").focus();
  else return;
  event.preventDefault();
});

for (const select of all(".filters select")) select.addEventListener("change", () => select.form.requestSubmit());

byId("invite").addEventListener("click", async () => {
  const box = byId("invited");
  box.hidden = false;
  try {
    const { link } = await post("/api/invite");
    const field = make("input", { readonly: true, value: link, "aria-label": "Link for one more browser on this machine" });
    box.replaceChildren(make("p", {}, "This link opens the review in one more browser on this machine, once. Whoever opens it is asked for a name."), field);
    field.select();
  } catch (refusal) {
    box.replaceChildren(make("p", {}, refusal.message));
  }
});

byId("leave").addEventListener("click", async () => {
  await post("/api/leave").catch(() => {});
  location.replace("/enter");
});

root.dataset.ready = "";

import { post } from "./shell.js";

const byId = (id) => document.getElementById(id);
byId("who").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await post("/api/who", { by: byId("by").value, role: byId("role").value });
    location.replace(answer.next);
  } catch (refusal) {
    byId("wrong").textContent = refusal.message;
    byId("wrong").hidden = false;
  }
});

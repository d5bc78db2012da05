import { post } from "./shell.js";

const said = document.getElementById("said");
const token = location.hash.slice(1);
history.replaceState(null, "", "/enter");
if (token) {
  try {
    const answer = await post("/enter", { token });
    location.replace(answer.next);
  } catch (refusal) {
    said.textContent = refusal.message;
  }
} else {
  said.textContent = "This page needs the whole link that the terminal shows, where imgaudit review runs.";
}

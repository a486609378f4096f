// Signing in: a token is traded for a cookie that scripts cannot read.
import { ask } from "./api.js";
import { byId, text } from "./dom.js";

const form = byId("login");
const trouble = byId("trouble");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  text(trouble, "");
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await ask("POST", "/session", { token: form.token.value });
    location.replace("/");
  } catch (refusal) {
    text(trouble, sentence(refusal.message));
    form.token.select();
  } finally {
    button.disabled = false;
  }
});

const sentence = (s) => s.charAt(0).toUpperCase() + s.slice(1) + ".";

// A link from another site arrives without the cookie, so that somebody who is signed in may land here.
ask("GET", "/session").then(() => location.replace("/"), () => form.token.focus());

// The example page: shows the lines to paste, with this gateway's address, and what the gadget tells.

const EVENTS = ["ready", "signedIn", "signedOut", "state", "incoming", "callState", "callEnded", "error"];
const SNIPPET = `<div id="phone"></div>
<script src="${new URL("embed.js", location.href).href}" data-target="#phone"></script>
<script>
  const place = document.querySelector("#phone");
  place.addEventListener("wrtcgw-incoming", ({ detail }) => console.log("call from", detail.peer));
  place.addEventListener("wrtcgw-callEnded", ({ detail }) => console.log("over after", detail.duration, "s"));
  const signIn = () => place.phone.order("init", { dn: "5001" });
  const call = () => place.phone.order("call", { to: "1003", data: { CaseId: "42" } });
</script>`;
const REFUSED = document.documentElement.lang === "de" ? "abgelehnt" : "refused";
/** @type {(id: string) => any} */
const $ = (id) => document.getElementById(id);

/** @param {string} text */
function tell(text) {
  const line = document.createElement("li");
  line.textContent = text;
  $("events").append(line);
  line.scrollIntoView({ block: "nearest" });
}

/**
 * @param {string} type
 * @param {Record<string, any>} detail
 */
function shortly(type, { peer, state, cause, code, hint, dn, registration }) {
  return [type, dn, peer, typeof state === "string" ? state : registration?.state, cause, code, hint]
    .filter(Boolean)
    .join(" · ");
}

$("snippet").textContent = SNIPPET;
for (const type of EVENTS) {
  $("phone").addEventListener(`wrtcgw-${type}`, (/** @type {CustomEvent} */ { detail }) => tell(shortly(type, detail)));
}
$("order").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const refused = (/** @type {Error} */ error) => tell(`${REFUSED}: ${error.message}`);
  $("phone")
    .phone.order("call", { to: $("to").value })
    .catch(refused);
});

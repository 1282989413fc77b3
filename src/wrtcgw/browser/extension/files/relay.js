// In Workspace's pages, out of their reach: carries questions of shim.js to the service worker, and the answers back.

(() => {
  /** @param {{id: string, name: string, method: string, body: string}} question */
  async function carry({ id, name, method, body }) {
    let answer = null;
    try {
      answer = await chrome.runtime.sendMessage({ kind: "ask", name, method, body });
    } catch {
      // the extension was updated or switched off: to the page it is a softphone that is away
    }
    const detail = JSON.stringify({ id, ...answer });
    document.dispatchEvent(new CustomEvent("wrtcgw-softphone-answer", { detail }));
  }

  document.addEventListener("wrtcgw-softphone-ask", (event) => {
    carry(JSON.parse(/** @type {CustomEvent<string>} */ (event).detail));
  });
})();

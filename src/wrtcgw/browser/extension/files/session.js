// In the gateway's own pages: tells the service worker, when that asks, who is signed in here. The library keeps its
// session in the tab's storage for a reload; nothing else is read.

(() => {
  /** @param {string} api */
  function sessions(api) {
    const found = [];
    try {
      for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(`grtc-session ${api}`))) {
        const { id, dn, token, guest } = JSON.parse(sessionStorage.getItem(key) ?? "null") ?? {};
        if (token && dn && !guest) found.push({ id, dn, token });
      }
    } catch {
      // storage is forbidden here, or has something else in it: nobody is signed in
    }
    return found;
  }

  chrome.runtime.onMessage.addListener((message, sender, respond) => {
    if (sender.id !== chrome.runtime.id || message.kind !== "session") return;
    const found = sessions(message.api);
    if (found.length) respond(found); // another frame of the tab may have one
  });
  if (window.top !== window) chrome.runtime.sendMessage({ kind: "panel" }).catch(() => {});
})();

// What the extension says, in its languages.

/** @type {Record<import("./settings.js").Language, Record<string, string>>} */
export const TEXTS = {
  en: {
    phone: "Phone",
    fold: "Fold the phone",
    unfold: "Show the phone",
    ownWindow: "Open in a window of its own",
    inWindow: "The phone is in a window of its own.",
    toWindow: "Show that window",
    insecure:
      "This page is not served by HTTPS, so the browser gives it no microphone. In a window of its own the " +
      "phone works.",
    blocked:
      "The phone does not load. If the gateway can be reached, it has to allow this page (allowed_origins: " +
      "{origin}); a window of its own needs no permission.",
    otherDn: "Workspace wants {wanted}; {dn} is signed in here. Sign out, and in again as {wanted}.",
    options: "Settings of the browser phone",
    gateway: "Address of the gateway",
    gatewayHint: "As its administrator gave it to you, such as https://phone.example.com/",
    workspace: "Address of Workspace",
    workspaceHint: "The page that you open for work, such as https://wwe.example.com/ui/ad/v1/index.html",
    language: "Language",
    browserLanguage: "As the browser",
    save: "Save and allow",
    saveHint: "The browser asks whether the extension may read these two sites. It reads no others.",
    saved: "Saved. Load Workspace again.",
    refused: "Saved, but not allowed: without the permission the extension does nothing.",
    badGateway: "This is no address of a gateway.",
    badWorkspace: "This is no address of Workspace.",
    settings: "Settings",
    showHere: "Show the phone on this page",
    notSet: "Tell the extension first where the gateway and Workspace are.",
    notHere: "This page is not Workspace.",
    nobody: "Nobody is signed in at the phone.",
    wanted: "Workspace wants {wanted}.",
    signedIn: "Signed in as {dn}.",
    active: "Workspace can take calls here.",
    inactive: "Workspace cannot take calls here yet.",
    unreachable: "The gateway does not answer.",
  },
  de: {
    phone: "Telefon",
    fold: "Telefon einklappen",
    unfold: "Telefon zeigen",
    ownWindow: "In eigenem Fenster öffnen",
    inWindow: "Das Telefon ist in einem eigenen Fenster.",
    toWindow: "Dieses Fenster zeigen",
    insecure:
      "Diese Seite kommt nicht über HTTPS, darum gibt ihr der Browser kein Mikrofon. In einem eigenen " +
      "Fenster geht das Telefon.",
    blocked:
      "Das Telefon lädt nicht. Ist das Gateway erreichbar, muss es diese Seite zulassen (allowed_origins: " +
      "{origin}); ein eigenes Fenster braucht keine Erlaubnis.",
    otherDn: "Workspace will {wanted}; angemeldet ist hier {dn}. Melden Sie sich ab und als {wanted} neu an.",
    options: "Einstellungen des Browsertelefons",
    gateway: "Adresse des Gateways",
    gatewayHint: "So wie Sie sie bekommen haben, etwa https://phone.example.com/",
    workspace: "Adresse von Workspace",
    workspaceHint: "Die Seite, die Sie zur Arbeit öffnen, etwa https://wwe.example.com/ui/ad/v1/index.html",
    language: "Sprache",
    browserLanguage: "Wie der Browser",
    save: "Speichern und erlauben",
    saveHint: "Der Browser fragt, ob die Erweiterung diese beiden Websites lesen darf. Andere liest sie nicht.",
    saved: "Gespeichert. Laden Sie Workspace neu.",
    refused: "Gespeichert, aber nicht erlaubt: ohne die Erlaubnis tut die Erweiterung nichts.",
    badGateway: "Das ist keine Adresse eines Gateways.",
    badWorkspace: "Das ist keine Adresse von Workspace.",
    settings: "Einstellungen",
    showHere: "Telefon auf dieser Seite zeigen",
    notSet: "Sagen Sie der Erweiterung zuerst, wo Gateway und Workspace sind.",
    notHere: "Diese Seite ist nicht Workspace.",
    nobody: "Am Telefon ist niemand angemeldet.",
    wanted: "Workspace will {wanted}.",
    signedIn: "Angemeldet als {dn}.",
    active: "Workspace kann hier Anrufe annehmen.",
    inactive: "Workspace kann hier noch keine Anrufe annehmen.",
    unreachable: "Das Gateway antwortet nicht.",
  },
};

/**
 * Returns a text with its `{names}` filled in.
 * @param {string} text
 * @param {Record<string, string>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

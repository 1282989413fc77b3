// One call in <wrtc-phone>: who it is with, and what can be done.

import { stateKey, text } from "./elementTexts.js";

/** @import { Call } from "./call.js" */

const KEYS = "123456789*0#";

/**
 * Makes a button.
 * @param {string} look
 * @param {string} part
 * @param {() => unknown} [pressed]
 */
export function button(look, part, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = look;
  made.setAttribute("part", `button ${part}`);
  if (pressed) made.addEventListener("click", pressed);
  return made;
}

export class CallCard {
  /**
   * @param {Call} call
   * @param {(error: unknown) => void} failed
   */
  constructor(call, failed) {
    this.call = call;
    /** @param {() => Promise<unknown>} action */
    const done = (action) => () => {
      action().catch(failed);
    };
    this.element = document.createElement("div");
    this.element.className = "call";
    this.element.setAttribute("part", "card");
    this.element.setAttribute("role", "group");
    this.told = document.createElement("p");
    this.told.setAttribute("role", call.direction === "inbound" ? "alert" : "status");
    this.answer = button(
      "go",
      "answer",
      done(() => call.answer({ hold: true })),
    );
    this.reject = button(
      "stop",
      "reject",
      done(() => call.reject()),
    );
    this.mute = button("", "mute", () => call.mute(!call.muted));
    this.hold = button(
      "",
      "hold",
      done(() => (call.held ? call.resume() : call.hold())),
    );
    this.keypad = button("", "keypad", () => this.#switchPad());
    this.hangup = button(
      "stop",
      "hangup",
      done(() => call.hangup()),
    );
    this.pad = document.createElement("div");
    this.pad.className = "pad";
    this.pad.setAttribute("role", "group");
    this.pad.hidden = true;
    for (const key of KEYS) {
      const each = button(
        "",
        "key",
        done(() => call.dtmf(key)),
      );
      each.textContent = key;
      this.pad.append(each);
    }
    const buttons = [this.answer, this.reject, this.mute, this.hold, this.keypad, this.hangup];
    this.element.append(this.told, ...buttons, this.pad);
  }

  #switchPad() {
    this.pad.hidden = !this.pad.hidden;
    this.keypad.setAttribute("aria-expanded", String(!this.pad.hidden));
  }

  /**
   * Returns who is at the far side, in words.
   * @param {string} language
   */
  peer(language) {
    const { peer, displayName, anonymous } = this.call;
    return displayName || (anonymous ? "" : peer) || text(language, "somebody");
  }

  /**
   * Shows how the call is.
   * @param {string} language
   */
  draw(language) {
    const { call } = this;
    const rings = call.state === "incoming";
    const words = text(language, stateKey(call), this.peer(language));
    if (this.told.textContent !== words) this.told.textContent = words;
    this.element.setAttribute("aria-label", this.peer(language));
    this.pad.setAttribute("aria-label", text(language, "digits"));
    for (const each of [this.answer, this.reject]) each.hidden = !rings;
    for (const each of [this.mute, this.hold, this.keypad]) each.hidden = !call.isUp;
    this.hangup.hidden = rings;
    this.pad.hidden ||= !call.isUp;
    const labels = {
      answer: this.answer,
      reject: this.reject,
      [call.muted ? "unmute" : "mute"]: this.mute,
      [call.held ? "resume" : "hold"]: this.hold,
      keypad: this.keypad,
      hangup: this.hangup,
    };
    for (const [key, each] of Object.entries(labels)) {
      const label = text(language, key);
      if (each.textContent !== label) each.textContent = label;
    }
    this.keypad.setAttribute("aria-expanded", String(!this.pad.hidden));
  }
}

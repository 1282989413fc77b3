// The calls of a phone by their ids: those that it tells of, those of which nobody is told, and which were over lately.

/** @import { Call } from "./call.js" */

const LATELY = 50; // calls that were over, of which messages may still come

export class Roster {
  /** @type {Map<string, Call>} those that the phone tells of */
  calls = new Map();
  /** @type {Map<string, Call>} */
  #hidden = new Map();
  /** @type {string[]} */
  #over = []; // ids
  #count = 0;

  /** All of them, the hidden ones last. */
  get all() {
    return [...this.calls.values(), ...this.#hidden.values()];
  }

  /**
   * Returns a call, hidden or not.
   * @param {string} id
   */
  find(id) {
    return this.calls.get(id) ?? this.#hidden.get(id);
  }

  /** Forgets which calls were over: for a page that signs in again, those that went on elsewhere are not. */
  forget() {
    this.#over = [];
  }

  /**
   * Returns whether a call was over lately.
   * @param {string} id
   */
  wasOver(id) {
    return this.#over.includes(id);
  }

  /**
   * Takes a call in; one without an id has a name of our own until the gateway has given one.
   * @param {Call} call
   */
  add(call) {
    this.#among(call).set(call.id || `local-${(this.#count += 1)}`, call);
  }

  /**
   * Notes the id that the gateway has given to a call.
   * @param {Call} call
   * @param {string} id
   */
  named(call, id) {
    this.#remove(call);
    call.id = id;
    this.add(call);
  }

  /**
   * Notes that a call is over.
   * @param {Call} call
   */
  over(call) {
    this.#remove(call);
    if (call.id) this.#over = [...this.#over.slice(-LATELY), call.id];
  }

  /** @param {Call} call */
  #remove(call) {
    const calls = this.#among(call);
    for (const [key, each] of calls) if (each === call) calls.delete(key);
  }

  /** @param {Call} call */
  #among(call) {
    return call.hidden ? this.#hidden : this.calls;
  }
}

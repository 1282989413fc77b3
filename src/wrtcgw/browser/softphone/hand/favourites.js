// Numbers that calls are often transferred to, in this browser's storage, a list for each agent's number.

const MOST = 8;
const LONGEST = 128; // characters

export class Favourites {
  /**
   * @param {Storage | null} storage null keeps nothing
   * @param {string} dn whose they are
   */
  constructor(storage, dn) {
    this.storage = storage;
    this.key = `softphone-favourites ${dn}`;
  }

  /**
   * In the order in which they were added.
   * @returns {string[]}
   */
  get numbers() {
    try {
      const kept = JSON.parse(this.storage?.getItem(this.key) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isNumber).slice(0, MOST) : [];
    } catch {
      return []; // not ours, or forbidden
    }
  }

  /** Whether there is room for another one. */
  get isFull() {
    return this.numbers.length >= MOST;
  }

  /**
   * @param {string} number
   */
  has(number) {
    return this.numbers.includes(number);
  }

  /**
   * Adds a number, or takes it away.
   * @param {string} number
   */
  turn(number) {
    const { numbers } = this;
    if (numbers.includes(number)) this.#keep(numbers.filter((each) => each !== number));
    else if (isNumber(number) && !this.isFull) this.#keep([...numbers, number]);
  }

  /** @param {string[]} numbers */
  #keep(numbers) {
    try {
      this.storage?.setItem(this.key, JSON.stringify(numbers));
    } catch {
      // full or forbidden: then there are none
    }
  }
}

/** @param {unknown} each */
function isNumber(each) {
  return typeof each === "string" && each !== "" && each.length <= LONGEST;
}

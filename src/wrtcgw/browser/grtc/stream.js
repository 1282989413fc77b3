// The agent's messages, in order and each once: an event stream by fetch, or long polls where a stream does not get
// through. Either goes on behind the last message that was taken.

import { PhoneError, codeOf } from "./errors.js";

/** @import { GatewayMessage } from "./types.js" */
/** @import { Wire } from "./wire.js" */

const FIRST_BYTE = 2_000; // ms until something of a new stream has to arrive; half of what a call waits for its page
const SILENCE = 45_000; // ms without a byte after which a stream is taken for dead; the gateway's heartbeat is 15 s
const POLL = 25; // s that a poll hangs
const POLL_PATIENCE = 20_000; // ms beyond that
const AGAIN = 60_000; // ms of polling until a stream is tried again, doubled each time
const AGAIN_MOST = 900_000;
const HEARTBEAT = 20_000; // ms of a stream's silence after which it is looked at when the page wakes up
const PAUSE = 500; // ms until the next try after a failure, doubled each time
const PAUSE_MOST = 8_000;

const LOST = ["not_signed_in", "foreign_session", "session_required"];

/** Takes text as it comes and returns the events that it completes: `{id, data}`. */
export class EventParser {
  #rest = "";

  /** @param {string} text */
  feed(text) {
    const blocks = (this.#rest + text).replace(/\r\n?/g, "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parseEvent).filter((event) => event !== null);
  }
}

/** @param {string} block */
function parseEvent(block) {
  /** @type {{id?: string, data?: string}} */
  const event = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^([^:]*)(?:: ?)?(.*)$/.exec(line) ?? [];
    if (name === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
    else if (name === "id") event.id = value;
  }
  return event.data === undefined ? null : { ...event, data: event.data };
}

export class Stream {
  /**
   * @param {Wire} wire
   * @param {{take: (message: GatewayMessage) => void,
   *   changed: (state: "online" | "offline", error?: PhoneError) => void,
   *   lost: (error: PhoneError) => void, heard?: () => void, mode?: "auto" | "stream" | "poll"}} hooks `heard`:
   *   something has come, be it only a sign that the stream lives
   */
  constructor(wire, { take, changed, lost, heard = () => {}, mode = "auto" }) {
    this.wire = wire;
    this.hooks = { take, changed, lost, heard };
    this.mode = mode;
    /** @type {number | undefined} */
    this.last = undefined; // seq of the last message taken
    /** @type {"poll" | "stream"} */
    this.way = mode === "poll" ? "poll" : "stream"; // that is in use
    this.online = true;
    /** @type {AbortController | null} */
    this.running = null;
    this.renewed = false; // what breaks off now does so because it is to begin again
    this.heardAt = 0;
    this.waiting = false; // for the next try
    this.wake = () => {};
    /** @type {AbortController | null} */
    this.current = null;
    this.heard = false; // anything of the stream that is in use
    this.pollUntil = 0;
    this.polling = AGAIN;
  }

  /**
   * Begins behind the message `last`; without it with the first one that was not delivered.
   * @param {number | undefined} last
   */
  start(last) {
    this.stop();
    this.last = last;
    const run = new AbortController();
    this.running = run;
    this.run(run.signal);
  }

  /** Ends; nothing more is taken. */
  stop() {
    this.running?.abort();
    this.running = null;
    this.wake();
  }

  /** Tries again at once: the network has changed, so what hangs may be dead without anyone having noticed. */
  renew() {
    this.renewed = true;
    this.current?.abort();
    this.wake();
  }

  /** Does so only when nothing was heard for longer than usual, or the next try is due later: the page was asleep. */
  freshen() {
    const usual = this.way === "poll" ? 1000 * POLL + HEARTBEAT / 10 : HEARTBEAT;
    if (this.waiting || Date.now() - this.heardAt > usual) this.renew();
  }

  /** @param {AbortSignal} signal */
  async run(signal) {
    let failures = 0;
    this.pollUntil = 0;
    this.polling = AGAIN;
    while (!signal.aborted) {
      const error = await this.once(signal);
      if (signal.aborted) return;
      if (!error) {
        failures = 0;
        continue;
      }
      if (LOST.includes(error.code)) {
        this.hooks.lost(error);
        return;
      }
      if (!this.renewed) {
        failures += 1;
        if (failures > 1 || this.way === "poll") this.report(error);
        await this.pause(Math.min(PAUSE_MOST, PAUSE * 2 ** (failures - 1)) * (0.5 + Math.random() / 2));
      }
      if (this.renewed) failures = 0; // another network: what was in vain before says nothing about it
    }
  }

  /**
   * Streams or polls once; returns what went wrong.
   * @param {AbortSignal} signal
   */
  async once(signal) {
    this.way = this.mode === "auto" ? (Date.now() < this.pollUntil ? "poll" : "stream") : this.mode;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal.addEventListener("abort", abort);
    Object.assign(this, { current: attempt, renewed: false, heardAt: Date.now() });
    try {
      await (this.way === "poll" ? this.poll(attempt) : this.stream(attempt));
      return null;
    } catch (error) {
      if (!this.renewed) this.judge(error);
      return error instanceof PhoneError ? error : new PhoneError("gateway_unreachable", { cause: error });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * A stream of which nothing arrived may be held back by something on the way, through which polls go. When polls fail
   * as well, it is the gateway that is away.
   * @param {unknown} error
   */
  judge(error) {
    if (this.way === "poll") {
      this.pollUntil = 0;
    } else if (!this.heard && !LOST.includes(codeOf(error))) {
      this.pollUntil = Date.now() + this.polling;
      this.polling = Math.min(AGAIN_MOST, 2 * this.polling);
    }
  }

  /** @param {AbortController} attempt */
  async stream(attempt) {
    this.heard = false;
    let timer = setTimeout(() => attempt.abort(), FIRST_BYTE);
    try {
      /** @type {Record<string, string>} */
      const headers = { Accept: "text/event-stream" };
      if (this.last !== undefined) headers["Last-Event-ID"] = String(this.last);
      const options = { query: { id: this.wire.id }, headers, signal: attempt.signal };
      const response = await this.wire.send("GET", "events", options);
      if (!response.body) throw new PhoneError("gateway_unreachable");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        this.heard = true;
        this.heardAt = Date.now();
        this.polling = AGAIN;
        this.report(null);
        clearTimeout(timer);
        timer = setTimeout(() => attempt.abort(), SILENCE);
        for (const { data } of parser.feed(value)) this.deliver(JSON.parse(data));
        this.hooks.heard();
      }
    } finally {
      clearTimeout(timer);
    }
    // the gateway has ended it: it stops, or another page has the session; the next try tells
    throw new PhoneError("gateway_unreachable", { hint: "The event stream ended." });
  }

  /** @param {AbortController} attempt */
  async poll(attempt) {
    const timer = setTimeout(() => attempt.abort(), POLL * 1000 + POLL_PATIENCE);
    try {
      const query = { id: this.wire.id, wait: this.online ? POLL : 0, after: this.last };
      const message = await this.wire.ask("GET", "message", { query, signal: attempt.signal });
      this.report(null);
      if (message) this.deliver(message);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {GatewayMessage} message */
  deliver(message) {
    if (this.last !== undefined && message.seq <= this.last) return;
    this.last = message.seq;
    this.hooks.take(message);
    if (message.messageType === "SIGNED_OUT") this.stop();
  }

  /** @param {PhoneError | null} error */
  report(error) {
    const online = !error;
    if (online === this.online) return;
    this.online = online;
    this.hooks.changed(online ? "online" : "offline", error ?? undefined);
  }

  /** @param {number} time */
  pause(time) {
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiting = false;
          resolve();
        };
        const timer = setTimeout(wake, time);
        this.waiting = true;
        this.wake = wake;
      })
    );
  }
}

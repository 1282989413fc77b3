// Types of this module: <wrtc-phone>.

import type { Call, CallState, Ending, Phone, PhoneError } from "../grtc.js";

/** What an agent signs in with; never an attribute, so that it stands in no document. */
export interface Credentials {
  password?: string | undefined;
  /** Of the gateway's identity provider; as a function it gives a fresh one for each sign-in. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** The name that goes with the password, where it is not the DN. */
  authUser?: string | undefined;
}

export interface PhoneElementEvents {
  /** Somebody has signed in. */
  phoneready: CustomEvent<{ phone: Phone }>;
  /** A call rings. */
  incoming: CustomEvent<{ call: Call }>;
  callstate: CustomEvent<{ call: Call; state: CallState }>;
  callended: CustomEvent<{ call: Call; ending: Ending }>;
  phoneerror: CustomEvent<{ error: PhoneError }>;
}

/**
 * `<wrtc-phone>`. Attributes: `gateway`, `dn` or `guest`, `to`, `label`, `display-name`, `lang`. Parts: `dialer`,
 * `number`, `button` (with `call`, `answer`, `reject`, `mute`, `hold`, `keypad`, `key`, `hangup`), `calls`,
 * `card`, `status`.
 */
declare class PhoneElement extends HTMLElement {
  /** The library's own Phone; null while the element is in no document. */
  readonly phone: Phone | null;
  /** Signs in as soon as both this and a document are there. */
  set credentials(given: Credentials | null);
  signIn(credentials?: Credentials): Promise<void>;
  signOut(): Promise<void>;
  /** Calls a number: by default that of `to`, or of the field; calls that are up are put on hold. */
  dial(to?: string): Promise<Call>;
  addEventListener<Name extends keyof PhoneElementEvents>(
    name: Name, listener: (this: PhoneElement, event: PhoneElementEvents[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    name: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions,
  ): void;
}
export { PhoneElement };

declare global {
  interface HTMLElementTagNameMap {
    "wrtc-phone": PhoneElement;
  }
}

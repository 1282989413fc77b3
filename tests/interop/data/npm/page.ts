// A page that has the library from npm; its bundle is played in Chromium.
import { Phone, PhoneError, type Call, type EndingCause } from "wrtcgw";
import "wrtcgw/element";
import type { PhoneElement, PhoneElementEvents } from "wrtcgw/element";

declare const GATEWAY: string;
declare global {
  interface Window {
    phone: Phone;
  }
}

const phone = new Phone({ gateway: GATEWAY, storage: null });
window.phone = phone;
const ends: EndingCause[] = [];
phone.on("reconnecting", ({ error }) => console.info(error?.hint));
phone.on("callended", (call: Call) => ends.push(call.ended?.cause ?? ""));

const element: PhoneElement = document.createElement("wrtc-phone");
element.credentials = { password: undefined, token: async () => "token" };
element.addEventListener("callended", ({ detail }: PhoneElementEvents["callended"]) => ends.push(detail.ending.cause));

try {
  void phone.signIn({ guest: true }).then(() => phone.call("1003", { hold: true }));
} catch (error) {
  if (error instanceof PhoneError) console.error(error.code);
}

// A page's code in strict TypeScript: it has to compile as it is, and the lines marked @ts-expect-error must not.
import {
  Call, Client, Emitter, GrtcError, Logger, MediaSession, Phone, PhoneError, lint, opinion,
} from "https://gateway.example.com/grtc/index.js";
import type { CallState, Ending, EndingCause, Quality, Warning } from "https://gateway.example.com/grtc/index.js";
import { Phone as OfPhone } from "wrtcgw/grtc/phone.js";
import type { PhoneOptions } from "wrtcgw/grtc/phone.js";
import { Call as OfCall } from "wrtcgw/grtc/call.js";
import { Grtc as Script } from "wrtcgw/grtc/main.js";
import { lint as ofLint } from "wrtcgw/grtc/lint.js";

declare const maybe: string | undefined;
const options: PhoneOptions = { gateway: maybe, name: maybe, answerOnTalk: undefined };
const phone: Phone = new OfPhone(options);
const other: OfCall | null = null as Call | null;

const WORDS: Partial<Record<EndingCause, string>> = { busy: "busy", "not-found": "no such number", no_webrtc: "…" };
// @ts-expect-error: no cause is called so
const wrong: EndingCause = "besetzt";

function told({ cause, hint, warning, sipReason }: Ending): string {
  return WORDS[cause] ?? [hint, warning, sipReason].filter(Boolean).join(" ");
}

phone.on("incoming", (call) => {
  const facts: string[] = [call.called, call.verstat, ...call.diversion.map(({ number, reason }) => `${number} ${reason}`)];
  facts.push(...Object.entries(call.headers).map(([name, value]) => `${name}: ${value}`));
  call.on("ended", (ending) => console.log(told(ending), facts));
  call.on("warning", ({ code, hint }: Warning) => console.log(code, hint));
  call.on("warningcleared", ({ code }) => console.log(code === "mic_silent"));
  call.on("mute", (muted: boolean) => console.log(muted));
  call.on("identity", ({ peer, displayName }) => console.log(peer, displayName));
  call.on("quality", ({ mos }: Quality) => console.log(mos));
  call.on("state", (state: CallState) => console.log(state));
  // @ts-expect-error: there is no such event
  call.on("moin", () => {});
  void call.answer({ hold: true, stream: undefined });
});

export async function dial(number: string): Promise<Call | null> {
  try {
    await phone.signIn({ dn: "5001", password: "secret", displayName: maybe, authUser: maybe });
    const call = await phone.call(number, { hold: true, data: [{ key: "case", value: "7" }] });
    await call.dtmf("1", { by: undefined });
    return call;
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    if (error.code === "destination_forbidden" || error.call?.isOver) return null;
    console.log(error.action, error.hint, error.sipCode, error.warning);
    return null;
  }
}

const findings = [...lint("v=0", { local: maybe }), ...ofLint("v=0")].map(({ rule }) => rule);
const score: number = opinion({ loss: undefined, rtt: 20 });
const client = new Client({ webrtc_gateway: "https://gateway.example.com", stun_server: maybe });
const session = new MediaSession(client);
client.onIncomingCall.add(({ peer }) => session.acceptCall(true, false, peer));
new Emitter<{ done: [number] }>().on("done", (count) => count.toFixed());
new Logger(null).info(new GrtcError("ERROR", "…").message, findings, score, other, wrong);
new Grtc.Phone({ gateway: maybe }).leave();
export const same: typeof Grtc = Script;
export const fails = Grtc.GrtcError === Grtc.Error;

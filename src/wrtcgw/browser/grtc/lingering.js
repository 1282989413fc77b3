// The media of a page from which another one has taken the sound: they go on until that one's way is up.
//
// The far side has agreed to the other page's offer then, but that page has still to find a way and to agree on keys.
// Far sides such as Asterisk hear the old page until then, so nothing is missed; others take no notice of it.

const LINGER = 1_500; // ms, which is what a move may take

export class Lingering {
  #end = () => {};

  /**
   * Lets media go on for a while, unless nobody hears them.
   * @param {RTCPeerConnection | null} pc
   * @param {boolean} heard
   * @param {() => void} done does what is to be done when they have ended
   */
  begin(pc, heard, done) {
    this.end();
    const lost = () => pc?.connectionState === "connected" || this.end();
    const timer = setTimeout(() => this.end(), LINGER);
    pc?.addEventListener("connectionstatechange", lost);
    this.#end = () => {
      clearTimeout(timer);
      pc?.removeEventListener("connectionstatechange", lost);
      pc?.close();
      done();
    };
    if (!heard || pc?.connectionState !== "connected") this.end();
  }

  /** Ends them. */
  end() {
    const end = this.#end;
    this.#end = () => {};
    end();
  }
}

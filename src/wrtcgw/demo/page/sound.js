// The browser's side of the sound: microphone, connection, session descriptions. No STUN or TURN server is asked.

const GATHER_MS = 1000;

const fingerprintOf = (sdp) => /^a=fingerprint:.*$/m.exec(sdp || "")?.[0];

export class Sound {
  // `player` is the audio element to hear with; `changed` is told the connection's state.
  constructor(player, changed) {
    this.player = player;
    this.changed = changed;
    this.connection = null;
    this.microphone = null;
  }

  async open() {
    if (!navigator.mediaDevices) throw new Error("No microphone here: open this page over https, or at localhost.");
    this.microphone ??= await navigator.mediaDevices.getUserMedia({ audio: true });
  }

  // A connection of its own for each far side, so that neither keys nor candidates of another one linger.
  renew() {
    const connection = new RTCPeerConnection({ iceServers: [] });
    this.microphone.getTracks().forEach((track) => connection.addTrack(track, this.microphone));
    connection.addEventListener("track", ({ streams, track }) => {
      if (connection === this.connection) this.player.srcObject = streams[0] ?? new MediaStream([track]);
    });
    connection.addEventListener("connectionstatechange", () => {
      if (connection === this.connection) this.changed(connection.connectionState);
    });
    this.connection?.close();
    this.connection = connection;
    this.heard = null;
  }

  async offer() {
    await this.open();
    this.renew();
    await this.connection.setLocalDescription();
    return this.gathered();
  }

  async answer(sdp) {
    await this.open();
    const known = fingerprintOf(this.connection?.remoteDescription?.sdp);
    if (!this.connection || known !== fingerprintOf(sdp)) this.renew();
    await this.connection.setRemoteDescription({ type: "offer", sdp });
    await this.connection.setLocalDescription();
    return this.gathered();
  }

  async applyAnswer(sdp) {
    if (this.connection.signalingState === "have-local-offer") {
      await this.connection.setRemoteDescription({ type: "answer", sdp });
    }
  }

  // The description with its candidates; most come within milliseconds, and a missing one does not stop the call.
  async gathered() {
    const connection = this.connection;
    if (connection.iceGatheringState !== "complete") {
      await new Promise((resolve) => {
        setTimeout(resolve, GATHER_MS);
        connection.addEventListener("icegatheringstatechange", () => {
          if (connection.iceGatheringState === "complete") resolve();
        });
      });
    }
    return connection.localDescription.sdp;
  }

  // How loud the far side was since the last look, 0 to 1: the root of the mean energy.
  async level() {
    const stats = await this.connection?.getStats() ?? [];
    for (const report of stats.values()) {
      if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
      const [energy, seconds] = [report.totalAudioEnergy ?? 0, report.totalSamplesDuration ?? 0];
      const [oldEnergy, oldSeconds] = this.heard ?? [energy, seconds];
      this.heard = [energy, seconds];
      return seconds > oldSeconds ? Math.sqrt(Math.max(0, energy - oldEnergy) / (seconds - oldSeconds)) : 0;
    }
    return 0;
  }

  speak(on) {
    this.microphone?.getTracks().forEach((track) => { track.enabled = on; });
  }

  close() {
    this.connection?.close();
    this.connection = null;
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.microphone = null;
    this.player.srcObject = null;
  }
}

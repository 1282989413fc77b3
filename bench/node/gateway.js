// The peer: what one gets with Node, express and JsSIP. One JsSIP user agent and one WebSocket for each agent, JsSIP's
// own session for each call; its peer connection only hands over the page's offer. Sign-in, long poll, offer, hang-up.
'use strict';
globalThis.WebSocket = require('ws');
globalThis.window = globalThis;
const express = require('express');
const JsSIP = require('jssip');

class Description {
  constructor({ type, sdp }) {
    Object.assign(this, { type, sdp });
  }
}

class HandsOver {
  constructor({ offer }) {
    Object.assign(this, { offer, iceGatheringState: 'complete', iceConnectionState: 'connected' });
    Object.assign(this, { signalingState: 'stable', localDescription: null });
  }
  async createOffer() {
    return new Description({ type: 'offer', sdp: this.offer });
  }
  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = 'have-local-offer';
  }
  async setRemoteDescription() {
    this.signalingState = 'stable';
  }
  getSenders() {
    return [];
  }
  getReceivers() {
    return [];
  }
  addEventListener() {}
  removeEventListener() {}
  addTrack() {}
  close() {}
}
Object.assign(globalThis, { RTCPeerConnection: HandsOver, RTCSessionDescription: Description });

const { HTTP_PORT, SIP_URL } = process.env;
const agents = new Map();
const pages = express();
pages.use(express.text());

function tell(agent, sdp) {
  if (agent.poll) agent.poll(sdp);
  else agent.messages.push(sdp);
}

function answerPoll(response, sdp) {
  if (sdp === null) response.status(204).end();
  else response.type('text/plain').send(sdp);
}

pages.get('/api/webrtc/sign_in', (request, response) => {
  const { id, dn, password } = request.query;
  const sockets = [new JsSIP.WebSocketInterface(SIP_URL)];
  const ua = new JsSIP.UA({ sockets, uri: `sip:${dn}@127.0.0.1`, password, session_timers: false });
  const agent = { ua, messages: [], poll: null, call: null };
  ua.once('registered', () => {
    agents.set(id, agent);
    response.send('OK');
  });
  ua.once('registrationFailed', ({ cause }) => response.status(401).json({ error: cause }));
  ua.start();
});

pages.get('/api/webrtc/message', (request, response) => {
  const agent = agents.get(request.query.id);
  if (!agent) return response.status(404).json({ error: 'not signed in' });
  if (agent.messages.length) return answerPoll(response, agent.messages.shift());
  if (agent.poll) agent.poll(null);
  const timer = setTimeout(() => agent.poll(null), Number(request.query.wait) * 1000);
  agent.poll = (sdp) => {
    clearTimeout(timer);
    agent.poll = null;
    answerPoll(response, sdp);
  };
  const mine = agent.poll;
  response.on('close', () => {
    clearTimeout(timer);
    if (agent.poll === mine) agent.poll = null;
  });
});

pages.post('/api/webrtc/message', (request, response) => {
  const agent = agents.get(request.query.from);
  if (!agent) return response.status(404).json({ error: 'not signed in' });
  const call = agent.ua.call(`sip:${request.query.to}@127.0.0.1`, {
    mediaConstraints: { audio: false, video: false },
    pcConfig: { offer: request.body },
  });
  agent.call = call;
  const over = () => {
    if (agent.call === call) agent.call = null;
  };
  call.on('sdp', ({ originator, sdp }) => originator === 'remote' && tell(agent, sdp));
  call.on('ended', over);
  call.on('failed', over);
  response.send('OK');
});

pages.post('/api/webrtc/hangup', (request, response) => {
  const agent = agents.get(request.query.id);
  if (!agent || !agent.call) return response.status(404).json({ error: 'no call' });
  agent.call.terminate();
  response.send('OK');
});

pages.get('/api/health', (request, response) => response.json({ agents: agents.size }));
pages.listen(Number(HTTP_PORT), '127.0.0.1', 4096);

// A desktop with a SIP endpoint module that talks to the softphone on this machine, as it was seen on the wire: the same
// calls, in the same order, with the same bodies and times. It knows nothing of any extension.
"use strict";

var SOFTPHONE = "https://127.0.0.1:8000";
var REGISTRATION_POLL = 1500;
var PING = 2000;

var workspace = { state: "logged out", log: [], active: null, timer: null, run: 0 };

function show(state) {
  workspace.state = state;
  document.getElementById("state").textContent = state;
  document.getElementById("voice").textContent = state === "active" ? "ready" : "not ready";
}

function request(method, command, body, done) {
  var run = workspace.run;
  var xhr = new XMLHttpRequest();
  var entry = { method: method, command: command, body: body, time: Date.now(), status: null, answer: null };
  workspace.log.push(entry);
  xhr.open(method, SOFTPHONE + "/" + command, true);
  xhr.setRequestHeader("Accept", "application/json, text/javascript, */*; q=0.01");
  if (body !== null) xhr.setRequestHeader("Content-Type", "application/json; charset=UTF-8");
  xhr.onreadystatechange = function () {
    if (xhr.readyState !== 4) return;
    entry.status = xhr.status;
    entry.answer = xhr.status === 200 ? JSON.parse(xhr.responseText) : null;
    if (run === workspace.run && done) done(entry.answer);
  };
  xhr.send(body === null ? null : JSON.stringify(body));
}

function logIn(place) {
  workspace.run += 1;
  clearTimeout(workspace.timer);
  workspace.place = place;
  document.getElementById("agent").textContent = "agent at " + place;
  show("registering");
  request("GET", "GetDnSIP", null, function (answer) {
    if (!answer) return softphoneLost(place);
    setOptions(place);
  });
}

function softphoneLost(place) {
  show("no softphone");
  workspace.timer = setTimeout(function () { logIn(place); }, REGISTRATION_POLL);
}

function setOptions(place) {
  var options = {
    "uri": SOFTPHONE,
    "sip-server-address": "192.0.2.81:5060",
    "register-interval": REGISTRATION_POLL,
    "wait-user-max-attempts": 20,
    "register-max-attempts": 10,
    "ping-interval": PING,
    "max-failed-ping": 10,
    "transport-protocol": "UDP",
    "headset-unplugged-set-not-ready": false,
    "noise_suppression": true,
    "policy.session.agc_mode": 1,
    "policy.session.auto_answer": 0,
    "policy.session.noise_suppression": 1
  };
  request("POST", "SetOptions", { value: options }, function () {
    var parameters = [{ Key: "SipEndpointTransportProtocol", Value: "UDP" }];
    request("POST", "SetSIPEndpointParameters", { value: parameters }, function () {
      request("POST", "RegisterDn/", { addresses: ["192.0.2.81:5060"], users: [place] }, function (answer) {
        if (!answer || !answer.RegisterDnResult) return show("refused");
        awaitEndpoint();
      });
    });
  });
}

function awaitEndpoint() {
  request("GET", "GetIsEndpointActive", null, function (answer) {
    workspace.active = Boolean(answer && answer.get_IsEndpointActiveResult);
    if (workspace.active) return startSession();
    workspace.timer = setTimeout(awaitEndpoint, REGISTRATION_POLL);
  });
}

function startSession() {
  request("GET", "GetSIPEndpointParameters", null, function () {
    request("POST", "SetPingPeriod", { value: PING }, function () {
      show("active");
      ping();
    });
  });
}

function ping() {
  request("GET", "Ping", null, null);
  workspace.timer = setTimeout(ping, PING);
}

function logOut() {
  clearTimeout(workspace.timer);
  workspace.run += 1;
  show("logged out");
  request("POST", "UnregisterDn", { users: [workspace.place] }, null);
}

document.getElementById("login").addEventListener("submit", function (event) {
  event.preventDefault();
  logIn(document.getElementById("place").value);
});
document.getElementById("logout").addEventListener("click", logOut);

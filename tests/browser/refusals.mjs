// Offers of one and of two media, changed so that Chromium 156 refuses them, or just not: [name, sdp, refused, rule].
// The lint's own test and the interop case, which asks Chromium, both go by it.

export function changedOffers(one, two) {
  const second = (sdp, pattern, by) => {
    const at = sdp.indexOf("\r\nm=", sdp.indexOf("\r\nm=") + 1);
    return sdp.slice(0, at) + sdp.slice(at).replace(pattern, by);
  };
  const video0 = two.replace(/m=video \d+/, "m=video 0");
  const ungrouped = (sdp) => sdp.replace(/a=group.*\r\n/, "");
  const noMids = (sdp) => sdp.replace(/a=mid:.*\r\n/g, "");
  const bare = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n";
  return [
    ["one", one, false],
    ["two", two, false],
    ["one without name", noMids(ungrouped(one)), false],
    ["one without name, in a group of what browsers call it", noMids(one), false],
    ["two without names", noMids(ungrouped(two)), false],
    ["first without name", ungrouped(two).replace("a=mid:0\r\n", ""), false],
    ["an empty group", one.replace("BUNDLE 0", "BUNDLE"), false],
    ["twice in one group", one.replace("BUNDLE 0", "BUNDLE 0 0"), false],
    ["two groups", two.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1"), false],
    ["refused second in the group", video0, false],
    ["refused second not in the group", video0.replace("BUNDLE 0 1", "BUNDLE 0"), false],
    [
      "refused second without name, first called audio",
      (one + bare).replace("a=mid:0", "a=mid:audio").replace("BUNDLE 0", "BUNDLE audio"),
      false,
    ],
    [
      "name of 16",
      one.replace("a=mid:0", "a=mid:0123456789abcdef").replace("BUNDLE 0", "BUNDLE 0123456789abcdef"),
      false,
    ],
    ["setup active", one.replace(/a=setup:.*/, "a=setup:active"), false],
    ["setup passive", one.replace(/a=setup:.*/, "a=setup:passive"), false],
    ["group of a name that is not there", one.replace("BUNDLE 0", "BUNDLE 0 1"), true, "bundle"],
    ["group of another name", one.replace("BUNDLE 0", "BUNDLE audio"), true, "bundle"],
    ["in two groups", two.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1\r\na=group:BUNDLE 1"), true, "bundle"],
    ["second without name beside 0", second(two, "a=mid:1\r\n", "").replace("BUNDLE 0 1", "BUNDLE 0"), true, "mid"],
    ["second without name, no group", second(ungrouped(two), "a=mid:1\r\n", ""), true, "mid"],
    [
      "first without name beside 0",
      ungrouped(two).replace("a=mid:0\r\n", "").replace("a=mid:1", "a=mid:0"),
      true,
      "mid",
    ],
    ["same name twice", ungrouped(two).replace("a=mid:0", "a=mid:1"), true, "mid"],
    ["refused second without name beside 0", one + bare, true, "mid"],
    ["refused second with the name of the first", `${one}${bare}a=mid:0\r\n`, true, "mid"],
    ["refused fax without name beside 0", `${one}m=image 0 udptl t38\r\nc=IN IP4 0.0.0.0\r\n`, true, "mid"],
    [
      "name of 17",
      one.replace("a=mid:0", "a=mid:0123456789abcdefg").replace("BUNDLE 0", "BUNDLE 0123456789abcdefg"),
      true,
      "mid",
    ],
    ["setup holdconn", one.replace(/a=setup:.*/, "a=setup:holdconn"), true, "setup"],
    ["setup holdconn of the refused second", second(video0, /a=setup:.*/, "a=setup:holdconn"), true, "setup"],
    ["setup of no such kind", one.replace(/a=setup:.*/, "a=setup:foo"), true, "setup"],
    ["no rtcp-mux", one.replace("a=rtcp-mux\r\n", ""), true, "rtcp-mux"],
    ["no fingerprint", one.replace(/a=fingerprint:.*\r\n/g, ""), true, "fingerprint"],
    ["no ICE", one.replace(/a=ice-.*\r\n/g, ""), true, "ice-ufrag"],
    [
      "plain RTP",
      one.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP").replace(/a=(?:fingerprint|setup|ice).*\r\n/g, ""),
      true,
      "profile",
    ],
  ];
}

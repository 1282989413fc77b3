// Reads HEP packets, one a line in base64, and writes what sipcapture's own library makes of each, one a line in JSON.

const { createInterface } = require("node:readline");
const { decapsulate } = require(process.env.WRTCGW_HEP_JS);

createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(decapsulate(Buffer.from(line, "base64"))));
});

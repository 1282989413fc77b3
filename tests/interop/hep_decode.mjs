// Reads HEP packets, one a line in base64, and writes what sipcapture's own library makes of each, one a line in JSON.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { decapsulate } = createRequire(import.meta.url)(process.env.WRTCGW_HEP_JS);

createInterface({ input: process.stdin }).on("line", (line) => {
  console.log(JSON.stringify(decapsulate(Buffer.from(line, "base64"))));
});

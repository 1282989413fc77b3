// Types that the console's modules share: what the gateway's operator API tells. Nothing of it runs.

/**
 * @typedef {"ok" | "wait" | "bad" | "off"} Level of a badge
 *
 * @typedef {object} Call
 * @property {string} callId
 * @property {string} sipCallId
 * @property {string} agent
 * @property {string} dn
 * @property {string} peer
 * @property {string} displayName
 * @property {string} uuid
 * @property {"inbound" | "outbound"} direction
 * @property {string} state
 * @property {boolean} held
 * @property {boolean} heldByPeer
 * @property {number} startedAt
 * @property {number | null} answeredAt
 * @property {number | null} endedAt
 * @property {number | null} duration in seconds
 * @property {string} cause
 * @property {number} sipCode
 * @property {string} reason
 * @property {{audio?: {mos?: number, worst?: {mos?: number}},
 *   verdict?: {code: string, share: number, seconds: number} | null} | null} quality
 *
 * @typedef {object} Agent
 * @property {string} id
 * @property {string} dn
 * @property {string} displayName
 * @property {string} registration
 * @property {number} expires in seconds
 * @property {string} node the gateway that has the agent
 * @property {boolean | null} pageAlive null: not known here, as another gateway has the agent
 * @property {boolean | null} pageResponds false: its page is known to sleep
 * @property {string} visibility what its page has told last of itself
 * @property {{page: string, alive: boolean, sound: string[]}[]} pages
 * @property {number | null} lastSeen seconds ago
 * @property {number} calls
 * @property {number} signedIn seconds ago
 * @property {number} sipCode
 * @property {string} reason
 * @property {number} undelivered
 *
 * @typedef {object} Session
 * @property {string} session
 * @property {string} id
 * @property {string} dn
 * @property {boolean} guest
 * @property {string} address
 * @property {number} since seconds ago
 * @property {boolean} bound
 * @property {number} calls
 * @property {boolean} pageAlive
 * @property {boolean} pageResponds
 * @property {string} visibility
 * @property {string} [node] of no session: all are of the gateway that is asked
 * @property {number | null} lastSeen seconds ago
 *
 * @typedef {object} Message of a ladder
 * @property {number} n
 * @property {number} time
 * @property {number} delta ms since the first one
 * @property {string} kind
 * @property {string} via
 * @property {number} from which of the parties
 * @property {number} to
 * @property {string} label
 * @property {string} detail
 * @property {string} text
 * @property {number | null} [flow] of which SIP connection
 * @property {number} [leg] of which of the two legs of a call between two agents
 *
 * @typedef {object} LadderView
 * @property {Call | null} call
 * @property {Call | null} other its other leg, if that has another agent
 * @property {number} legs how many legs are in it
 * @property {string} callId
 * @property {string[]} sipCallIds
 * @property {string[]} parties
 * @property {Message[]} messages
 * @property {number} dropped
 *
 * @typedef {{cause: string, sipCode: number, count: number, lastAt: number, lastCallId: string}} Failures of one cause
 * @typedef {{t: number} & Record<string, number | null>} Sample
 * @typedef {{flow: number, target: string, up: boolean, since: number, reconnects: number, error: string}} Connection
 * @typedef {{time: number, text: string, setting: string, dn: string, address: string}} Alarm
 *
 * @typedef {object} Summary
 * @property {number} time
 * @property {"ok" | "degraded" | "down" | "draining"} status
 * @property {number} uptime
 * @property {string} version
 * @property {number} agents
 * @property {number} guests
 * @property {number} calls
 * @property {boolean} draining
 * @property {string} logLevel
 * @property {{name?: string, role?: string}} [operator]
 * @property {Record<string, number>} rates
 * @property {{mos: number | null, worstMos: number | null, loss: number | null}} quality
 * @property {Connection[]} connections
 * @property {{counts: Record<string, number>, newest: Alarm[]}} alarms
 * @property {Record<string, object>} latencies
 * @property {{on: boolean, calls: number, limit: number, bytes: number}} capture
 *
 * @typedef {object} View
 * @property {string} title
 * @property {HTMLElement} element
 * @property {(api: import("./api.js").OpsAPI) => Promise<void>} refresh asks for what there is, and shows it
 * @property {(summary: Summary) => void} [summary] shows how the gateway is
 * @property {() => void} [close] watches nothing any more
 *
 * @typedef {object} Desk what views need of the page
 * @property {import("./api.js").OpsAPI} api
 * @property {import("./actions.js").Actions} actions
 * @property {() => number} [now] the gateway's time
 * @property {(text: string) => void} tell
 * @property {() => unknown} refresh
 */

export {};

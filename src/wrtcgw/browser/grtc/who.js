// Who signs in: a number with its password, the bearer of a token, or a guest.

/**
 * @typedef {object} Who
 * @property {string} [dn] the number
 * @property {string} [password]
 * @property {string | (() => string | Promise<string>)} [token] of the gateway's identity provider, or what gives one
 * @property {string} [id] the agent's id at the gateway
 * @property {string} [displayName]
 * @property {string} [authUser] the name that goes with the password, where it is not the DN
 * @property {boolean} [guest]
 * @property {boolean} [takeOver] whether to take over what another page of the number has: true, or rather fail
 *   ("page_elsewhere"); without it the gateway's `second_page` decides
 */

/**
 * Returns the fields of sign_in. Who shows a fresh token renews the session of its phone, whose id stays.
 * @param {Who} who
 * @param {{id: string, dn: string, isSignedIn: boolean}} phone
 * @returns {Record<string, any>}
 */
export function fieldsOf(who, phone) {
  const { dn = "", password = "", token = "", id, displayName = "", authUser = "", guest = false, takeOver } = who;
  if (guest) return { guest: "1", ...(dn && { dn }) };
  const renews = token && phone.isSignedIn && (!dn || dn === phone.dn);
  const named = id ?? (renews ? phone.id : dn || !token ? `phone-${dn}` : undefined);
  return {
    ...(named && { id: named }),
    ...(dn || !token ? { dn } : {}),
    ...(token ? { token } : { password }),
    always_listens: 1,
    acknowledges_calls: 1,
    shares_calls: 1,
    ...(takeOver !== undefined && { take_over: takeOver ? 1 : 0 }),
    ...(displayName && { display_name: displayName }),
    ...(authUser && { auth_user: authUser }),
  };
}

"""What an agent's id, DN and names may be."""

from wrtcgw.errors import BadInput
from wrtcgw.gateway.dial_targets import is_account

_MAX_ID = 128


def check_fields(agent_id: str, dn: str, display_name: str, domain: str, auth_user: str = "") -> None:
    """Refuse what cannot be an id, a DN or a name."""
    if not agent_id or len(agent_id) > _MAX_ID or not agent_id.isprintable():
        raise BadInput("id", f"1 to {_MAX_ID} printable characters", agent_id[:80])
    if not is_account(dn) or dn.lower().endswith(f"@{domain.lower()}"):
        raise BadInput("dn", "1 to 64 printable characters without blanks: a user as the PBX knows it, no URI", dn[:80])
    if len(display_name) > _MAX_ID or not display_name.isprintable():
        raise BadInput("display_name", f"at most {_MAX_ID} printable characters", display_name[:80])
    if len(auth_user) > _MAX_ID or not auth_user.isprintable():
        raise BadInput("auth_user", f"at most {_MAX_ID} printable characters", auth_user[:80])

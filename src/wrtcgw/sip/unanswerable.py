"""Why a challenge cannot be answered: so that a text which blames the password has looked whether one was asked for."""

from wrtcgw.sip.digest import ANSWERS, HASHES, Algorithm, can_answer, parse_challenge
from wrtcgw.sip.headers.liberal import challenges
from wrtcgw.sip.message import Response


def no_use_in(response: Response) -> str:
    """Return why nobody could answer the challenge of a 401 or 407; '' when it could be answered, or is none."""
    values = challenges(value for name in ANSWERS for value in response.headers.get_all(name))
    if response.status not in (401, 407) or any(map(can_answer, values)):
        return ""
    if not values:
        return f"the {response.status} carries no challenge that could be answered"
    found = list(filter(None, map(parse_challenge, values)))
    digests = [challenge for challenge in found if challenge.scheme.lower() == "digest"]
    if not digests:
        schemes = ", ".join(challenge.scheme[:40] for challenge in found) or "what cannot be read"
        return f"Digest authentication is known here, and the {response.status} asks for {schemes}"
    params = digests[0].params
    for name in ("realm", "nonce"):
        if name not in params:
            return f"the challenge of the {response.status} has no {name}"
    if Algorithm.parse(params.get("algorithm", "MD5")) is None:
        return f"the {response.status} asks for algorithm {params['algorithm'][:40]}; known are {', '.join(HASHES)}"
    return f"the {response.status} asks for qop {params.get('qop', '')[:40]!r}, and auth and auth-int are known here"

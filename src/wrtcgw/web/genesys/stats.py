"""PUT-STATS: what is known of a call's media, in the shape that the pages read."""

from attrs import asdict

from wrtcgw.calls.stats import Stats


def put_stats(stats: Stats, now: float) -> dict[str, object]:
    """Return the JSON object: times in milliseconds, 0 for what nobody has told; no video where there is none."""
    told = asdict(stats)
    told["timestamp"] = round(stats.timestamp or now * 1000)
    told["duration"] = round(stats.duration)
    if told["video"] is None:
        del told["video"]
    return told

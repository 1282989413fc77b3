"""PUT-STATS: what is known of a call's media, in the shape that the pages read."""

from attrs import asdict

from wrtcgw.calls.stats import Stats


def put_stats(stats: Stats, now: float) -> dict[str, object]:
    """
    Return the JSON object: times in milliseconds, 0 for what nobody has told; no video where there is none.

    :param now: the wall clock's seconds.
    """
    told: dict[str, object] = {"timestamp": round(stats.timestamp or now * 1000), "duration": round(stats.duration)}
    for name, media in stats.media:
        fields = asdict(media)
        del fields["codec"], fields["mos"]
        told[name] = fields
    return told

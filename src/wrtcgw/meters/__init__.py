"""
What the gateway counts and measures of itself: counters, latencies, and samples of both for charts.

Pure: times come from outside; who takes a sample each second is the daemon's business.
"""

"""Counters, latencies, samples."""

"""Offer and answer in one call: states and their table, what is to be done, and the machine."""

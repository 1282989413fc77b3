"""The benchmark: what a call, a page and an agent cost, beside Node + JsSIP and an earlier state of this project."""

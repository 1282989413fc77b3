"""
What went over the wire for each call and each agent, kept for operators: recorder, ladder, text, history.

Pure: times come from outside, nothing is sent or written from here. Nothing is parsed or masked before somebody asks.
"""

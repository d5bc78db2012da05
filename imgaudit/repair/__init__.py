"""Repair: a verdict of edit leads to an edited picture, and to a record of what was done.

The way of one picture: its verdict says which rules ask for an edit, where and how (`tasks`); a method proposes changed
pictures, one a try (`methods`); each is looked at anew with the run's own checks and compared with the original
(`weighing`); the best one that fixes the findings and harms nothing else is kept (`mending`). The kept pictures are a
run folder of their own (`source`), and repairs.jsonl holds a line for every picture that was to be edited (`record`).
The originals are read and never written.
"""

"""Readers of public prompt sets as they are: one file a format.

A reader has a `name`, a `title`, a `licence` note, says whether it is `plain` (knows any prompts, and goes last), and
two methods: `recognise(path, head)` and `read(path)`.
"""

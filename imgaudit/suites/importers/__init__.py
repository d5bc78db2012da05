"""Readers of public prompt sets as they are: one file a format.

A reader has a `name`, a `title`, a `licence` note, says whether it is `plain` (knows any prompts, and goes last) and
whether its licence lets the prompts be passed on (`shareable`; a plug-in may leave it out), and has two methods:
`recognise(path, head)`, where `head` is empty for a folder, and `read(path)`.

Public files are read from where the user has them. None is part of imgaudit; what is not `shareable` must not be
passed on as a SUITE.yaml either.
"""

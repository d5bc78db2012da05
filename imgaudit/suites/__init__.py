"""Suites: prompts with everything that is expected of their pictures.

`load` reads packaged suites and files, `schema` says what a suite is, `importers` read public prompt sets as they are.
"""

"""Everything that can go wrong, as a tree.

ImgauditError                 the base: a sentence a stranger can act on
├── UsageError                the command line asks for something that does not exist or does not fit
├── ConfigError               a suite, rubric or prompts file is wrong; carries file and line
├── PictureError              a picture cannot be read
├── ModelUnavailable          a model or its library is not on this machine; carries the remedy
├── RunError                  a run folder is missing, foreign or damaged
└── PluginError               a plug-in cannot be loaded or clashes with another
"""

from __future__ import annotations


class ImgauditError(Exception):
    """A failure the user can act on: where, what is wrong, what was expected, the remedy."""


class UsageError(ImgauditError):
    """The command line asks for something that does not exist or does not fit together."""


class ConfigError(ImgauditError):
    """A suite, rubric or prompts file is wrong; the message starts with file and line."""


class PictureError(ImgauditError):
    """A picture cannot be read, or is refused before it is decoded."""


class ModelUnavailable(ImgauditError):
    """A model, or the library that runs it, is not on this machine.

    A perceiver raises this when it is built; every question put to it is then an abstention.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy


class RunError(ImgauditError):
    """A run folder is missing, was made by another request, or is damaged."""


class PluginError(ImgauditError):
    """A plug-in cannot be loaded, or two claim one name."""

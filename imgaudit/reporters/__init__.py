"""Report formats: one file each, a function of the finished run and of nothing else.

A file of this package that does not start with an underscore registers one format with
`imgaudit.registry.reporter`; the caller opens the file that it writes and replaces it whole. The same run
gives the same bytes. Every string of a run (prompts, file names, writing that was read, error messages) may be
hostile: each format makes control characters visible and disarms what its own readers would act upon.
"""

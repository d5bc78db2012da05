"""Where pictures come from: one file a source.

A generator is named on the command line as NAME[@REVISION][:ARGUMENT] (`embedded@1`, `folder:DIR`,
`diffusers@REVISION:MODEL`). Its class is registered with `imgaudit.registry.generator` and built as
`cls(argument, revision, options)`; see `imgaudit.types.Generator` for what it then does.
"""

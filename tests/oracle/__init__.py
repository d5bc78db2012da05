"""Reference numbers of other libraries, made in an environment of their own: `make oracle`."""

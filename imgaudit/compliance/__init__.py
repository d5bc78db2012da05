"""Control packs: what laws and frameworks ask, in our own words, with dates, roles, sources and evidence."""

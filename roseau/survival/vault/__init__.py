"""Vaults: folders and buckets with sealed copies of a site, from which any moment of it can be restored.

Whoever keeps a vault can lose it, and can read nothing in it: every object is sealed to the site's recovery
key. `docs/survival.md` says what a vault promises, `names` what lies in it and `sealed` how.
"""

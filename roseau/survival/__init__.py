"""Outliving the host: reeds, promotion, vaults, addresses. `docs/survival.md` has the design."""

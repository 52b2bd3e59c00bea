"""Mastodon's moderation API: a scope lets an app ask, a permission of the role lets somebody do."""

from roseau.api.admin import accounts, blocks, domains, figures, reports, trends

TABLE = [
    *accounts.routes.table,
    *reports.routes.table,
    *domains.routes.table,
    *blocks.routes.table,
    *figures.routes.table,
    *trends.routes.table,
]

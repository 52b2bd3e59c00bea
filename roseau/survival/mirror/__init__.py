"""The mirror: a static, signed, read-only copy of what strangers may read of a site.

`format` says how it is signed, `folder` writes one, `verifying` checks one, `content` finds what belongs in
it. The pages themselves are made above, in `roseau/web/mirror/`.
"""

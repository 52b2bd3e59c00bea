"""Pictures: taken in, decoded in confinement, claimed by posts, swept away when nobody uses them."""

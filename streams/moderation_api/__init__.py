"""HTTP doors of moderation: for hosts, the moderators of a show, and whoever was decided about."""

"""AI/BI dashboards: drafts and what is published of them. Nothing draws them here."""

"""The state of posthog.tracks at a glance: one HTML file without network access, and PostHog's re-deliveries as CSV.

Facts are read first (``gather``), the page (``page``) and its charts (``charts``) follow from them purely.
"""

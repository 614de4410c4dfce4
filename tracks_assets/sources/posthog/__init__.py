"""PostHog's exports: hours, folders, file names, manifests, fields, columns and the contract of an event."""

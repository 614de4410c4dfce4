"""A generator of PostHog exports: files as PostHog writes them, with re-deliveries and damaged rows."""

"""Assets and checks of Mixpanel's events."""

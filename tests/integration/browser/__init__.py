"""The UI and the status page in a real browser: Debian's Chromium, driven by Playwright."""

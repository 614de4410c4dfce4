"""Every feed of every source. Tables, write locks and loads follow from this list."""

from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.posthog.feeds import POSTHOG_FEEDS

FEEDS = (*POSTHOG_FEEDS, MIXPANEL)

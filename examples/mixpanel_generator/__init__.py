"""An example of Mixpanel's export: days with duplicates and late arrivals, in either form."""

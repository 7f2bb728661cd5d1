"""For English, the language of the panel."""

"""Knowledge that is kept elsewhere: help centres, solved tickets and websites, fetched and followed."""

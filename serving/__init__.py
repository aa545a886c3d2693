"""The artifact behind HTTP: a service with two arms, and a page to try it."""

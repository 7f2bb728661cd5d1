"""The site: wiring, people, shell."""

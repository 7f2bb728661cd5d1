"""Stand-ins that speak the real protocols over real HTTP, for the demo and the tests only. They import no Django."""

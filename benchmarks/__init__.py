"""What `make bench` runs: each benchmark is a ratio against a floor measured in the same run."""

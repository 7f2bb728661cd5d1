"""The pack of evidence, pure: no database, settings, clock or network. `assembling.assemble(case)` makes it."""

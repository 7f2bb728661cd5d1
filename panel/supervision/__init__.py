"""Starting the panel's processes together, and leaving none of them behind."""

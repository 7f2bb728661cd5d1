"""The same way of writing as `panel.accounts.admin.pages.moment`, so that columns side by side read alike."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"

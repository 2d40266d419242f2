"""What has been: the account, what its wheel earned, and how dear options were."""

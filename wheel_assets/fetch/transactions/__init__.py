"""What happened in an account, out of files: the exports of several brokers."""

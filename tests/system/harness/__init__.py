"""What the system tests share: private directories, processes that cannot outlive the tests, waiting with a deadline."""

"""What makes the parts one process: composition, listening, log level, reload, and talk with the service manager."""
